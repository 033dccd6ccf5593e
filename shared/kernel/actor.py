"""Who acts, in which role, for which organisation, and for what purpose: part of every event."""

from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict

from shared.kernel.ids import OrganizationId

Role = Literal["registrar", "clinician", "care-manager", "scheduler", "biller", "auditor", "system", "administrator"]
Purpose = Literal["TREAT", "HPAYMT", "HOPERAT", "PATADMIN", "CAREMGT", "HSYSADMIN"]
"""Purpose of use, by the codes of HL7 v3 PurposeOfUse."""

Origin = Literal["live", "history"]
"""Whether an event was said as it happened, or taken over from another system's history."""

ROLES: tuple[Role, ...] = get_args(Role)
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)


class Actor(BaseModel):
    """A subject in a role, for an organisation and a purpose. A service reacts for the organisation of its cause."""

    model_config = ConfigDict(frozen=True)

    subject: str
    role: Role
    organization: OrganizationId
    purpose: Purpose = "TREAT"

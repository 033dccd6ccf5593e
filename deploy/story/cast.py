"""Who takes part: two organisations and their people, one that must not see anything, and the system that audits."""

from dataclasses import dataclass
from datetime import timedelta

from deploy.embedded.issuer import Issuer
from shared.kernel import Purpose, Role

NORTH = "north-clinic"
HEART = "heart-centre"
STRANGERS = "east-side-imaging"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A person or program with a role, for an organisation."""

    subject: str
    role: Role
    organization: str
    purpose: Purpose = "TREAT"

    def token(self, *, issuer: Issuer) -> str:
        return issuer.token(
            subject=self.subject,
            role=self.role,
            organization=self.organization,
            purpose=self.purpose,
            lifetime=timedelta(hours=1),
        )


NORTH_DESK = Caller(subject="m-vogel", role="registrar", organization=NORTH, purpose="PATADMIN")
NORTH_DOCTOR = Caller(subject="dr-osei", role="clinician", organization=NORTH)
HEART_DESK = Caller(subject="l-marino", role="scheduler", organization=HEART, purpose="PATADMIN")
HEART_DOCTOR = Caller(subject="dr-lindqvist", role="clinician", organization=HEART)
HEART_BILLER = Caller(subject="t-novak", role="biller", organization=HEART, purpose="HPAYMT")

STRANGER = Caller(subject="dr-curious", role="clinician", organization=STRANGERS)
STRANGE_BILLER = Caller(subject="b-curious", role="biller", organization=STRANGERS, purpose="HPAYMT")

AUDITING_SYSTEM = Caller(subject="story", role="system", organization=NORTH, purpose="HSYSADMIN")

"""A patient, a visit and an observation; and two people's ids."""

from typing import Any
from uuid import UUID

from tests.support.scenario import SOME_ID

Resource = dict[str, Any]

ANN = UUID("00000000-0000-7000-8000-00000000000a")
BOB = UUID("00000000-0000-7000-8000-00000000000b")


def patient(*, id: UUID = SOME_ID, mrn: str = "12345", family: str = "Chalmers") -> Resource:
    return {
        "resourceType": "Patient",
        "id": str(id),
        "identifier": [{"system": "urn:oid:1.2.36.146", "value": mrn}],
        "name": [{"family": family}],
    }


def visit(status: str = "planned", *, id: UUID = SOME_ID, note: str = "", end: str = "") -> Resource:
    said = {
        "resourceType": "Encounter",
        "id": str(id),
        "status": status,
        "class": {"code": "AMB"},
        "subject": {"reference": f"Patient/{ANN}"},
    }
    return said | ({"language": note} if note else {}) | ({"period": {"end": end}} if end else {})


def statement(type: str = "Observation", *, id: UUID = SOME_ID, **said: Any) -> Resource:
    return {"resourceType": type, "id": str(id), "subject": {"reference": f"Patient/{ANN}"}, **said}

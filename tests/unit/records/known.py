"""A patient, a visit and an observation; two people's ids; and what the log makes of an aggregate."""

from typing import Any
from uuid import UUID

from shared.kernel import Aggregate
from tests.support.contracts import MAPPER
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


def replayed(aggregate: Aggregate) -> Any:
    """The same aggregate, made of what is stored of it."""
    made: Any = None
    for event in aggregate.pending_events:
        made = MAPPER.to_domain_event(MAPPER.to_stored_event(event)).mutate(made)
    return made


def state(aggregate: Aggregate) -> dict[str, Any]:
    """All that it knows, without what waits to be stored."""
    return {name: value for name, value in vars(aggregate).items() if "pending_events" not in name}

"""The doors of records besides FHIR's own (`edges.fhir.door`): the patient's timeline."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query

from services.records.domain.fhir import Span, period_of
from services.records.queries import Queries
from shared.kernel import Actor, Field, Invalid
from shared.runtime.http.doors import WaitFor, doors, reads, the

router = doors(tag="timeline")

_TIME = "a date, partial (`2026-03`) or whole, or of an instant with its offset"


@router.get("/patients/{patient}/timeline")
async def timeline(
    patient: UUID,
    actor: Annotated[Actor, reads("timeline.read")],
    queries: Annotated[Queries, the(Queries)],
    wait_for: WaitFor,
    since: Annotated[str | None, Query(alias="from", description=f"from the beginning of {_TIME}")] = None,
    until: Annotated[str | None, Query(alias="to", description=f"to the end of {_TIME}: before it")] = None,
    kind: Annotated[str | None, Query(description="`observation`, `appointment`, ...; several with commas")] = None,
    cursor: Annotated[str | None, Query(description="as the page before gave it")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> dict[str, Any]:
    """What all five services said about the patient, newest first by when it happened."""
    page = await queries.timeline(
        patient=patient,
        actor=actor,
        since=_span("from", since)[0] if since is not None else None,
        until=_end(until) if until is not None else None,
        kinds=kind.split(",") if kind else (),
        cursor=cursor,
        limit=limit,
        wait_for=wait_for,
    )
    return {"items": page.items, "next": page.next}


def _end(text: str) -> datetime:
    """A date is asked for to its end; an instant is the end itself."""
    start, end = _span("to", text)
    return start if "T" in text else end


def _span(name: str, text: str) -> Span:
    """From when to when it is. Raises `Invalid` where it is no such date."""
    try:
        return period_of(text)
    except ValueError:
        rule = "must be a date that exists: YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm:ss with its offset"
        raise Invalid(Field(name, rule, "value")) from None

"""The doors of records besides FHIR's own (`edges.fhir.door`): the patient's timeline."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query

from services.records.queries import Queries
from shared.kernel import Actor
from shared.runtime.http.doors import WaitFor, doors, reads, the

router = doors(tag="timeline")


@router.get("/patients/{patient}/timeline")
async def timeline(
    patient: UUID,
    actor: Annotated[Actor, reads("timeline.read")],
    queries: Annotated[Queries, the(Queries)],
    wait_for: WaitFor,
    since: Annotated[datetime | None, Query(alias="from", description="happened at or after")] = None,
    until: Annotated[datetime | None, Query(alias="to", description="happened before")] = None,
    kind: Annotated[str | None, Query(description="`observation`, `appointment`, ...; several with commas")] = None,
    cursor: Annotated[str | None, Query(description="as the page before gave it")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> dict[str, Any]:
    """What all five services said about the patient, newest first by when it happened."""
    page = await queries.timeline(
        patient=patient,
        actor=actor,
        since=since,
        until=until,
        kinds=kind.split(",") if kind else (),
        cursor=cursor,
        limit=limit,
        wait_for=wait_for,
    )
    return {"items": page.items, "next": page.next}

"""What must be true of the things themselves: no time is given away twice (I5), money is counted once (I6)."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from uuid import UUID

from shared.contracts.billing import ClaimCharged, ClaimOpened, ClaimPaid, ClaimReversed, ClaimSubmitted
from shared.contracts.envelope import Contract
from shared.contracts.scheduling import (
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentMissed,
    AppointmentReinstated,
    AppointmentRescheduled,
    AppointmentRetracted,
)

Times = dict[UUID, tuple[datetime, datetime, tuple[UUID, ...]]]


def overlapping(told: Iterable[Contract]) -> Iterator[str]:
    """Appointments that hold the same resource at the same time, by what scheduling's log says in the end."""
    taken: dict[UUID, list[tuple[datetime, datetime, UUID]]] = defaultdict(list)
    for appointment, (start, end, schedules) in _held(told).items():
        for schedule in schedules:
            taken[schedule].append((start, end, appointment))
    for schedule, times in taken.items():
        times.sort()
        for (_, end, one), (start, _, other) in pairwise(times):
            if start < end:
                yield f"{schedule} is held by {one} and {other} at the same time"


def _held(told: Iterable[Contract]) -> Times:
    known: Times = {}
    held: set[UUID] = set()
    for said in told:
        id = said.envelope.subject
        match said:
            case AppointmentBooked() | AppointmentRescheduled():
                known[id] = (said.start, said.end, said.schedules)
                held.add(id)
            case AppointmentReinstated():
                held.add(id)
            case AppointmentCancelled() | AppointmentMissed() | AppointmentRetracted():
                held.discard(id)
            case _:
                pass
    return {id: known[id] for id in held}


def miscounted(told: Iterable[Contract]) -> Iterator[str]:
    """Visits billed twice, claims submitted for another total than their charges, payments that came in twice."""
    visits: Counter[UUID] = Counter()
    charges: dict[UUID, Decimal] = defaultdict(Decimal)
    references: Counter[str] = Counter()
    for said in told:
        id = said.envelope.subject
        match said:
            case ClaimOpened(encounter=UUID() as encounter):
                visits[encounter] += 1
            case ClaimCharged():
                charges[id] += said.amount.value
            case ClaimReversed(kind="charge"):
                charges[id] += said.amount.value
            case ClaimSubmitted() if said.total.value != charges[id]:
                yield f"claim {id} went out with another total than its charges"
            case ClaimPaid(reference=str(reference)):
                references[reference] += 1
            case _:
                pass
    yield from (f"the visit {visit} is billed {n} times" for visit, n in visits.items() if n > 1)
    yield from (f"the payment {reference} is entered {n} times" for reference, n in references.items() if n > 1)

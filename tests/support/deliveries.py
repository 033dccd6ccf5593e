"""What comes over the topics: streams of all five services, and the ways in which they may arrive."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from itertools import pairwise
from uuid import UUID

from hypothesis import strategies as some

from shared.contracts.catalogue import SERVICES
from shared.contracts.envelope import Contract
from shared.kernel import Birth, named_id
from shared.runtime.json import dumps
from shared.runtime.projection import Projection
from shared.runtime.publishing import Publisher
from shared.runtime.relations import Relations
from shared.runtime.service import Published, Service
from tests.support.contracts import Chance, Filling, Plain, event, families, stored

PATIENT = UUID("00000000-0000-7000-8000-00000000000a")
_OF_NOBODY = frozenset(
    {"scheduling.schedule", "scheduling.calendar", "records.organization", "records.practitioner",
     "records.practitionerrole", "records.location", "records.medication"}
)  # fmt: skip
"""aggregates that belong to no patient"""
_LINKED = ("records.encounter", "referrals.referral", "scheduling.appointment", "billing.claim")
_LONGEST = 6
_AGAIN = 5
"""how many of the last messages may come again at once"""

Stream = list[Contract]


@cache
def services() -> tuple[Service, ...]:
    """The five of them."""
    return tuple(import_module(f"services.{name}.service").service for name in SERVICES)


@cache
def projections() -> Mapping[str, Projection[object]]:
    """All there are, the runtime's own too, by name."""
    kept = [*(one for service in services() for one in service.projections), Relations()]
    return {one.name: one for one in kept}


@dataclass(frozen=True)
class Family:
    """One kind of aggregate, and all that its service publishes of it."""

    name: str
    publishes: Sequence[Published]
    publisher: Publisher

    @property
    def births(self) -> list[Published]:
        return [one for one in self.publishes if issubclass(one.event, Birth)]

    @property
    def steps(self) -> list[Published]:
        return [one for one in self.publishes if not issubclass(one.event, Birth)]

    @property
    def patient(self) -> UUID | None:
        if self.name in _OF_NOBODY:
            return None
        return id_of(self.name) if self.name == "records.patient" else PATIENT

    def stream(self, said: Iterable[Published], filling: Filling, *, id: UUID | None = None) -> Stream:
        """What its topic says when these events happen one after the other."""
        subject = id or id_of(self.name)
        links = {name.split(".")[1]: str(id_of(name)) for name in _LINKED if name != self.name}
        facts = {"patient": self.patient, "links": dumps(links).decode()}
        made = (event(one, filling, id=subject, version=n) for n, one in enumerate(said, start=1))
        return [self.publisher.contract(stored(one, **facts)) for one in made]

    def everything(self) -> Stream:
        """Each of its events once, the same each time."""
        return self.stream([*self.births[:1], *self.steps], Plain())


def id_of(family: str) -> UUID:
    """The aggregate of this kind that the others are linked to."""
    return named_id("stream", family)


@cache
def all_families() -> tuple[Family, ...]:
    return tuple(
        Family(name, publishes, Publisher(service, epoch=1))
        for service in services()
        for name, publishes in families(service).items()
    )


@cache
def heard_by(projection: Projection[object]) -> tuple[Family, ...]:
    """The kinds of aggregates that have a place in its documents."""
    return tuple(one for one in all_families() if any(_wanted(projection, one)))


def _wanted(projection: Projection[object], family: Family) -> Iterator[str]:
    if family.name.split(".")[0] in projection.hears:
        yield from projection.where(family.stream(family.births[:1], Plain())[0].envelope)


@some.composite
def lives(draw: some.DrawFn, projection: Projection[object]) -> list[Stream]:
    """A few aggregates that it hears of, each with a life of its own."""
    families = draw(some.lists(some.sampled_from(heard_by(projection)), min_size=1, max_size=4))
    return [_life(draw, family, n) for n, family in enumerate(families)]


def _life(draw: some.DrawFn, family: Family, number: int) -> Stream:
    birth = draw(some.sampled_from(family.births))
    steps = draw(some.lists(some.sampled_from(family.steps), max_size=_LONGEST)) if family.steps else []
    id = id_of(family.name) if number == 0 else named_id("stream", family.name, str(number))
    return family.stream([birth, *steps], Chance(draw), id=id)


@some.composite
def arrivals(draw: some.DrawFn, streams: Sequence[Stream]) -> list[Stream]:
    """All of it, each aggregate's in order, the aggregates mixed, the last few again, in batches of any size."""
    left = [list(stream) for stream in streams]
    came: Stream = []
    while any(left):
        came.append(draw(some.sampled_from([stream for stream in left if stream])).pop(0))
        if draw(some.integers(0, 4)) == 0:
            came += came[-draw(some.integers(1, _AGAIN)) :]
    return batches(came, draw(some.sets(some.integers(1, len(came)), max_size=6)))


def batches(came: Sequence[Contract], cuts: Iterable[int]) -> list[Stream]:
    """Cut before these places."""
    return [list(came[start:end]) for start, end in pairwise(sorted({0, *cuts, len(came)}))]

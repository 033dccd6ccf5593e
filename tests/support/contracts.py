"""Events and contracts with all their fields filled: with plain examples, or by chance; and as their log keeps them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from types import NoneType, UnionType
from typing import Any, Literal, Protocol, TypeVar, Union, get_args, get_origin
from uuid import UUID

from hypothesis import strategies as some
from msgspec.structs import replace
from pydantic import BaseModel

from services.records.domain.fhir import TYPES
from shared.kernel import Birth, Event, named_id
from shared.runtime.log.mapper import EventMapper
from shared.runtime.log.rows import Stored
from shared.runtime.service import Published, Service
from tests.support.scenario import SOME_ID, SOME_TIME

M = TypeVar("M", bound=BaseModel)
MAPPER = EventMapper()
_NOUNS = {type.noun: type for type in TYPES.values()}
_CHOSEN: Mapping[str, tuple[str, ...]] = {
    "currency": ("EUR", "JPY"),
    "time_zone": ("Europe/Berlin", "Asia/Kathmandu"),
    "opens": ("09:00", "00:00"),
    "closes": ("17:00", "24:00"),
    "email": ("ann@example.org",),
    "priority": ("routine", "stat"),
    "status": ("in-progress", "finished"),
}
"""texts that are not any text, by the names of their fields"""


class Filling(Protocol):
    """Where the values come from."""

    def value(self, kind: Any, name: str) -> Any: ...

    def one(self, options: Sequence[Any]) -> Any: ...

    def several(self, make: Callable[[], Any]) -> tuple[Any, ...]: ...


class Plain:
    """Always the same: what golden files are made of."""

    def value(self, kind: Any, name: str) -> Any:
        return _PLAIN[kind](name)

    def one(self, options: Sequence[Any]) -> Any:
        return options[0]

    def several(self, make: Callable[[], Any]) -> tuple[Any, ...]:
        return (make(),)


@dataclass(frozen=True)
class Chance:
    """Whatever hypothesis draws."""

    draw: some.DrawFn

    def value(self, kind: Any, name: str) -> Any:
        return self.draw(_ANY_TEXT.get(name, _ANY[kind]) if kind is str else _ANY[kind])

    def one(self, options: Sequence[Any]) -> Any:
        return self.draw(some.sampled_from(options))

    def several(self, make: Callable[[], Any]) -> tuple[Any, ...]:
        return tuple(make() for _ in range(self.draw(some.integers(0, 2))))


_PLAIN: Mapping[Any, Callable[[str], Any]] = {
    str: lambda name: _CHOSEN.get(name, (f"some {name.replace('_', ' ')}",))[0],
    int: lambda name: 1,
    bool: lambda name: True,
    Decimal: lambda name: Decimal("51.30"),
    UUID: lambda name: named_id("example", name),
    date: lambda name: SOME_TIME.date(),
    datetime: lambda name: SOME_TIME + timedelta(minutes=30 * (name == "end")),
}
_TEXT = some.text(some.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12)
_ANY: Mapping[Any, some.SearchStrategy[Any]] = {
    str: _TEXT,
    int: some.integers(1, 10**6),
    bool: some.booleans(),
    Decimal: some.decimals(-(10**9), 10**9, places=2),
    UUID: some.uuids(),
    date: some.dates(date(1900, 1, 1), date(2100, 1, 1)),
    datetime: some.timedeltas(timedelta(-9999), timedelta(9999)).map(lambda ago: SOME_TIME + ago),
}
_ANY_TEXT = {name: some.sampled_from(texts) for name, texts in _CHOSEN.items()}
_ENVELOPE = frozenset({"originator_id", "originator_version", "originator_topic", "timestamp"})


def filled(model: type[M], filling: Filling, *, noun: str = "", **given: Any) -> M:
    """A model with every field that is not given filled; `noun` says of which type a FHIR resource is."""
    facts = {
        name: _filled(field.annotation, name, filling, noun)
        for name, field in model.model_fields.items()
        if name not in given and (field.is_required() or filling.one((True, False)))
    }
    return model.model_validate({**facts, **given})


def _filled(kind: Any, name: str, filling: Filling, noun: str) -> Any:
    kind = getattr(kind, "__supertype__", kind)
    arguments = get_args(kind)
    match get_origin(kind):
        case origin if origin is Union or origin is UnionType:
            chosen = filling.one([*(one for one in arguments if one is not NoneType), *{NoneType} & {*arguments}])
            return None if chosen is NoneType else _filled(chosen, name, filling, noun)
        case origin if origin is Literal:
            return filling.one(arguments)
        case origin if origin is tuple:
            return filling.several(lambda: _filled(arguments[0], name, filling, noun))
        case origin if origin is dict:
            return resource(noun, filling)
        case _ if isinstance(kind, type) and issubclass(kind, BaseModel):
            return filled(kind, filling, noun=noun)
        case _:
            return filling.value(kind, name)


def resource(noun: str, filling: Filling) -> dict[str, Any]:
    """A FHIR resource of this type, as far as it is read: its status, code, numbers, and times, one of them partial."""
    type = _NOUNS[noun]
    concept = {"coding": [{"system": "http://loinc.org", "code": filling.one(("4548-4", "8480-6"))}]}
    said: dict[str, Any] = {"resourceType": type.name, "id": str(SOME_ID), "language": filling.one(("de", "fr"))}
    said |= {path: concept for path in type.code if path == "code"}
    said |= {
        path: filling.one(("2011-05", "2011-05-02")) for path in type.happened if path.endswith(("DateTime", "On"))
    }
    if type.status == "status":
        said["status"] = filling.one(("in-progress", "finished") if noun == "encounter" else ("final", "amended"))
    if noun == "observation":
        said["valueQuantity"] = {"value": filling.value(Decimal, "value"), "unit": "%"}
    return said


def event(published: Published, filling: Filling, *, id: UUID = SOME_ID, version: int = 1) -> Any:
    """An event of this class, with an envelope that does not depend on chance."""
    kind = published.event
    envelope: dict[str, Any] = {"originator_id": id, "originator_version": version, "timestamp": SOME_TIME}
    if issubclass(kind, Birth):
        envelope["originator_topic"] = kind.TOPIC.rsplit(".", 1)[0]
    made: Event = filled(kind, filling, noun=noun_of(published), **envelope)
    return made


def noun_of(published: Published) -> str:
    return published.contract.TYPE.split(".")[1]


def aggregate_of(published: Published) -> str:
    """The aggregate's name as envelopes say it: `records.observation`."""
    return published.contract.TYPE.rsplit(".", 2)[0]


def families(service: Service) -> Mapping[str, list[Published]]:
    """What each kind of aggregate publishes, its birth first."""
    found: dict[str, list[Published]] = {}
    for one in service.publishes:
        found.setdefault(aggregate_of(one), []).append(one)
    return {name: sorted(kept, key=lambda one: not issubclass(one.event, Birth)) for name, kept in found.items()}


_ROW = Stored(
    position=1, aggregate=SOME_ID, version=1, name="", topic="", key=SOME_ID, patient=None,
    organization="north-clinic", recorded_at=SOME_TIME, occurred_at=SOME_TIME, command=named_id("command"),
    actor="ann", role="clinician", purpose="TREAT", origin="live", links="{}", correlation=named_id("story"),
    causation=None, trace=None, state=b"{}",
)  # fmt: skip


def stored(event: Any, **facts: Any) -> Stored:
    """The event as its log keeps it; `facts` are columns."""
    kept = MAPPER.to_stored_event(event)
    assert facts.keys() <= set(Stored.__struct_fields__)
    return replace(
        _ROW,
        **{
            "aggregate": event.originator_id,
            "version": event.originator_version,
            "position": event.originator_version,
            "key": facts.get("patient") or event.originator_id,
            "name": kept.topic,
            "topic": kept.topic.split(".", 1)[0],
            "occurred_at": event.timestamp,
            "state": kept.state,
            **facts,
        },
    )

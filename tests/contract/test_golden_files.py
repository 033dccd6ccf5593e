"""What was stored once loads for ever, and is published as it was; contracts only grow."""

from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest
from eventsourcing.utils import register_topic
from pydantic import BaseModel, Field

from shared.contracts.catalogue import contracts
from shared.contracts.envelope import Contract
from shared.kernel import Birth
from shared.runtime.bus.relay import value_of
from shared.runtime.json import loads
from tests.golden import schemas
from tests.golden.events import FOLDER, Golden, differences, path_of
from tests.support.contracts import MAPPER
from tests.support.deliveries import services
from tests.support.scenario import SOME_ID, SOME_TIME

KEPT = sorted(path for one in services() for path in (FOLDER / one.name).glob("*.json"))
SAY = "run python -m tests.golden, and commit what it adds"


def test_every_event_has_a_golden_file() -> None:
    missing = [path_of(service, one).name for service in services() for one in service.publishes
               if not path_of(service, one).exists()]  # fmt: skip

    assert missing == [], SAY


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_what_was_stored_once_is_published_as_it_was(path: Path) -> None:
    golden = Golden.read(path)
    contract = golden.published_by(next(one for one in services() if one.name == path.parent.name))

    assert golden.contract == contract.TYPE
    assert list(differences(golden.facts, loads(value_of(contract)))) == []
    assert type(contract).model_validate(golden.facts).model_dump() == contract.model_dump()


@pytest.mark.parametrize("path", sorted(schemas.FOLDER.glob("*.json")), ids=lambda path: path.name.split(".schema")[0])
def test_a_contract_has_changed_by_additions_only(path: Path) -> None:
    name = path.name.removesuffix(".schema.json")

    assert name in contracts(), f"{name} is gone, and its messages are on the topic for ever"
    assert schemas.breaks(schemas.read(path), schemas.schema_of(contracts()[name]), event=name) == []


def test_every_contract_has_a_golden_schema_that_knows_all_its_fields() -> None:
    known = {contract for contract in contracts().values() if schemas.path_of(contract).exists()}
    missing = [name for name, contract in contracts().items() if contract not in known]
    behind = [contract.TYPE for contract in known if schemas.grown(schemas.path_of(contract), contract)]

    assert (missing, behind) == ([], []), SAY


# what the checks would say ------------------------------------------------------------------------------------------


class Dose(BaseModel):
    value: int
    unit: str = "mg"


class Given(Contract):
    """Something was given."""

    TYPE = "tests.dose.given.v1"

    what: str
    route: Literal["oral", "nasal"]
    dose: Dose
    again: tuple[Dose, ...] = ()
    note: str | None = None


def changed(**fields: Any) -> list[str]:
    """What the check says of the contract with these fields changed; None: removed."""
    kept = {name: (one.annotation, one) for name, one in Given.model_fields.items()}
    kept |= {name: one for name, one in fields.items() if one}
    made = make({name: one for name, one in kept.items() if fields.get(name, one)})
    return schemas.breaks(schemas.schema_of(Given), schemas.schema_of(made), event=Given.TYPE)


def make(fields: dict[str, Any]) -> type[Contract]:
    annotations = {name: kind for name, (kind, _) in fields.items()}
    values = {name: field for name, (_, field) in fields.items() if field is not None}
    return type("Given", (Contract,), {"__annotations__": annotations, "TYPE": Given.TYPE, **values})


class HeavyDose(BaseModel):
    value: int
    unit: str = "mg"
    weight: int


HEAVY = tuple[HeavyDose, ...]


class ExactDose(BaseModel):
    value: int
    unit: str = "mg"
    lot: str | None = None


def test_a_contract_may_grow_by_optional_fields() -> None:
    assert changed() == []
    assert changed(site=(str | None, Field(default=None))) == []
    assert changed(site=(str, Field(default="arm", description="where"))) == []
    assert changed(dose=(ExactDose, None), again=(tuple[ExactDose, ...], Field(default=()))) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"what": None}, "the field what was removed"),
        ({"note": None}, "the field note was removed"),
        ({"what": (int, None)}, "the type of the field what changed"),
        ({"what": (str | None, None)}, "the type of the field what changed"),
        ({"route": (Literal["oral"], None)}, "the type of the field route changed"),
        ({"route": (Literal["oral", "nasal", "rectal"], None)}, "the type of the field route changed"),
        ({"site": (str, None)}, "the new field site is required, and old messages lack it"),
        ({"note": (str | None, None)}, "the field note became required, and old messages lack it"),
        ({"what": (str, Field(default="?"))}, "the field what may be absent now, and subscribers rely on it"),
        ({"dose": (HeavyDose, None)}, "the new field dose.weight is required, and old messages lack it"),
        ({"again": (HEAVY, Field(default=()))}, "the new field again.weight is required, and old messages lack it"),
    ],
)  # fmt: skip
def test_any_other_change_is_named_with_event_and_field(change: dict[str, Any], said: str) -> None:
    assert changed(**change) == [f"tests.dose.given.v1: {said}"]


class Weighed(Birth):
    """As it is today: the first version kept pounds."""

    TOPIC: ClassVar[str] = "tests.person.weighed"
    class_version: ClassVar[int] = 2

    grams: int
    originator_topic: str = "tests.person"

    @staticmethod
    def upcast_v1_v2(state: dict[str, Any]) -> None:
        state["grams"] = state.pop("pounds") * 454


register_topic(Weighed.TOPIC, Weighed)


def test_an_older_version_of_an_event_is_raised_to_todays() -> None:
    made = Weighed(originator_id=SOME_ID, originator_version=1, timestamp=SOME_TIME, grams=4540)
    today = MAPPER.to_stored_event(made)
    older = replace(today, state=b'{"timestamp":"2026-03-02T09:30:00Z","originator_topic":"tests.person","pounds":10}')

    assert today.state.endswith(b'"class_version":2}')
    assert MAPPER.to_domain_event(today) == made
    assert MAPPER.to_domain_event(older) == made


@pytest.mark.parametrize(
    ("now", "said"),
    [
        ({"a": 1, "b": [{"c": "x"}], "new": 1}, []),
        ({"b": [{"c": "x"}]}, ["a is gone"]),
        ({"a": "1", "b": [{"c": "x"}]}, ["a is said differently"]),
        ({"a": 1, "b": [{"c": "y", "d": 1}]}, ["b[0].c is said differently"]),
        ({"a": 1, "b": []}, ["b is said differently"]),
    ],
)
def test_a_contract_that_says_something_else_is_noticed(now: Any, said: list[str]) -> None:
    assert list(differences({"a": 1, "b": [{"c": "x"}]}, now)) == said


def test_a_number_that_lost_its_digits_is_noticed() -> None:
    assert list(differences(loads(b'{"value":51.30}'), loads(b'{"value":51.3}'))) == ["value is said differently"]

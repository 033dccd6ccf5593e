"""What a condition comes to: nothing to do where all is well, and one advice for each thing that is not."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.runtime.operating import Condition, Finding, duration, findings
from shared.runtime.operating.lag import Bus, Lag
from shared.runtime.operating.ledger import Ledger, Missing, Parked, Relayed
from shared.runtime.rebuild import Entry

GROUP = "carelog.records.tally"
LEVEL = Lag(group=GROUP, messages=0, age=0.0, members=1)
RELAY = Relayed(position=7, behind=0, age=0.0, holder="me", renewed_ago=0.4, rewind_to=None)
LEDGER = Ledger(
    server="18.4", epoch=1, head=7, newest=3.0, relay=RELAY, parked=(), missing=(), overdue=0, overdue_for=0.0,
    rebuilds=(),
)  # fmt: skip
BUS = Bus(topics={"carelog.records.v1": 7}, lags=[LEVEL], groups=[GROUP])
WELL = Condition(service="records", ledger=LEDGER, live={"tally": 1}, bus=BUS, expected={GROUP: ["carelog.records.v1"]})


def entry(**more: Any) -> Entry:
    facts: dict[str, Any] = {
        "projection": "tally", "generation": 2, "state": "filling", "replaces": 1, "code": "", "held_by": "ann@desk:7",
        "begun_at": datetime(2026, 1, 1, tzinfo=UTC), "begun_by": "ann@desk:7", "applied": 600, "there": 1_000,
        "rate": 100.0, "equal_documents": None, "different_documents": None, "behind_documents": None,
        "switched_at": None, "left_at": None, "ended_at": None, "dropped_at": None, "silent_for": 0.5, "age": 90.0,
    }  # fmt: skip
    return Entry(**{**facts, **more})


def to_do(condition: Condition) -> list[Finding]:
    return [finding for finding in findings(condition) if finding.advice]


def of_ledger(**more: Any) -> Condition:
    return replace(WELL, ledger=replace(LEDGER, **more))


def of_bus(**more: Any) -> Condition:
    return replace(WELL, bus=replace(BUS, **more))


def test_where_all_is_well_there_is_nothing_to_do() -> None:
    assert to_do(WELL) == []
    assert [finding.about for finding in findings(WELL)] == ["log", "relay", GROUP]


@pytest.mark.parametrize(
    ("condition", "about"),
    [
        (of_ledger(relay=replace(RELAY, behind=9, age=61.0)), "relay"),
        (of_ledger(parked=[Parked(consumer=GROUP, messages=3, sources=1, age=5.0, untold=0, wanted=0)]), "parked for"),
        (of_ledger(missing=[Missing(projection="tally", holes=1, age=300.0)]), "holes in tally"),
        (of_ledger(overdue=2, overdue_for=90.0), "timers"),
        (of_ledger(rebuilds=[entry(silent_for=30.0)]), "rebuild of tally"),
        (of_bus(topics={"carelog.records.v1": None}), "carelog.records.v1"),
        (of_bus(lags=[replace(LEVEL, messages=5, age=61.0)]), GROUP),
        (of_bus(lags=[replace(LEVEL, members=0)]), GROUP),
        (of_bus(groups=[GROUP, f"{GROUP}~9"]), f"{GROUP}~9"),
        (replace(WELL, ledger=None, away={"log": "PostgreSQL does not answer"}), "log"),
        (replace(WELL, bus=None, away={"kafka": "Kafka does not answer"}), "kafka"),
        (replace(WELL, live=None, away={"documents": "it does not answer"}), "documents"),
    ],
)
def test_what_is_not_well_is_named_with_what_to_do(condition: Condition, about: str) -> None:
    [found] = to_do(condition)
    assert found.about.startswith(about)


@pytest.mark.parametrize(
    "condition",
    [
        of_ledger(relay=replace(RELAY, behind=900, age=2.0)),
        of_ledger(missing=[Missing(projection="tally", holes=1, age=5.0)]),
        of_ledger(parked=[Parked(consumer=f"{GROUP}~2", messages=3, sources=1, age=5.0, untold=0, wanted=0)]),
        of_ledger(overdue=2, overdue_for=0.4),
        of_bus(lags=[replace(LEVEL, messages=5_000, age=1.5)]),
    ],
)
def test_what_mends_itself_or_is_not_live_is_said_and_asks_for_nothing(condition: Condition) -> None:
    assert to_do(condition) == []


def test_a_rebuild_under_way_is_told_with_its_rate_and_who_is_at_it() -> None:
    condition = replace(of_ledger(rebuilds=[entry()]), bus=replace(BUS, groups=[GROUP, f"{GROUP}~2"]))
    assert to_do(condition) == []
    assert findings(condition)[-1].says == (
        "generation 2, filling, 600 of 1,000 messages, begun 90 s ago by ann@desk:7; 100/s, 4.0 s left"
    )


@pytest.mark.parametrize(
    ("seconds", "says"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (61, "61 s"), (240, "4 min"), (7_500, "2 h 05 min"), (260_000, "3 days")],
)
def test_durations_are_for_people(seconds: float, says: str) -> None:
    assert duration(seconds) == says

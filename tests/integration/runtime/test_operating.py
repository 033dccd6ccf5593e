"""What operators ask and do: a service's condition; what is set aside, without its payload, and asked for again."""

from functools import partial

import pytest

from shared.contracts.envelope import Contract
from shared.runtime.operating import Away, Operated, Unknown, condition, findings
from shared.runtime.operating.parked import Aside, Wanted, asked_again, listed, messages, still_asked
from shared.runtime.operating.topics import apply, plan, republished
from shared.runtime.operating.trying import Outcome, tried
from tests.integration.runtime.asking import opened, shows
from tests.integration.runtime.conftest import Work
from tests.support.counters import Count, Tally
from tests.support.harness import Bus, eventually
from tests.support.running import Running

CANARY = "CANARY-Jane-Doe"
TALLY = "carelog.records.tally"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.runtime.bus.handling._LOOK", 0.1)


def operated(it: Running, **more: object) -> Operated:
    return Operated(service=it.service, settings=it.runtime.settings.model_copy(update=more))


class Broken:
    """A projection that cannot fold until it is mended."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self._whole = Tally.fold
        monkeypatch.setattr(Tally, "fold", self._refuse)

    def _refuse(self, state: Count | None, contract: Contract) -> Count:
        raise ValueError(CANARY)

    def mend(self) -> None:
        self._monkeypatch.setattr(Tally, "fold", self._whole)


async def aside(it: Running, wanted: Wanted = Wanted()) -> list[Aside]:  # noqa: B008 - frozen
    return list(await listed(it.runtime.log.pool, wanted))


async def outcome(it: Running, one: Aside) -> Outcome:
    of = operated(it)
    async with of.stores() as stores:
        return await tried(of, it.runtime.log.pool, stores, one)


async def test_where_all_is_well_there_is_nothing_to_do(work: Work) -> None:
    async with work() as it:
        id = await opened(it, counts=2)
        await eventually(partial(shows, it, id, 2))

        async def level() -> bool:
            found = await condition(operated(it))
            assert found.bus
            return all(lag.messages == 0 and lag.members == 1 for lag in found.bus.lags)

        await eventually(level)
        found = await condition(operated(it))
        assert [finding for finding in findings(found) if finding.advice] == []
        assert found.ledger
        assert (found.ledger.head, found.ledger.relay.position) == (3, 3)
        assert found.live == {"tally": 1, "lines": 1, "relations": 1}


async def test_without_a_worker_what_is_not_applied_has_an_age(work: Work) -> None:
    async with work("relay") as it:
        await opened(it, counts=2)

        async def published() -> bool:
            found = await condition(operated(it))
            assert found.bus
            return found.bus.topics["carelog.records.v1"] == 3

        await eventually(published)
        found = await condition(operated(it))
        assert found.bus
        [lag] = [lag for lag in found.bus.lags if lag.group == TALLY]
        assert lag.messages == 3
        assert lag.age is not None
        assert lag.age > 0


async def test_what_is_away_hides_nothing_else(work: Work) -> None:
    async with work() as it:
        await opened(it)
        found = await condition(Operated(service=it.service, settings=operated(it, kafka="127.0.0.1:1").settings))
        assert found.ledger
        assert (found.ledger.head, found.bus, list(found.away)) == (1, None, ["kafka"])


async def test_what_is_set_aside_is_seen_without_its_payload(
    work: Work, bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with work() as it:
        Broken(monkeypatch)
        id = await opened(it, counts=2, note=CANARY)
        await eventually(partial(_is_aside, it, 3, TALLY))

        [one] = await aside(it, Wanted(which=str(id), consumer=TALLY))
        assert (one.consumer, one.source, one.messages, one.waits) == (TALLY, id, 3, False)
        assert one.error.startswith("ValueError | ")
        shown = await messages(it.runtime.log.pool, Wanted(which=f"{id}.2", consumer=TALLY))
        assert [message.event for message in shown] == [f"{id}.{n}" for n in (1, 2, 3)]
        assert [message.envelope.sequence for message in shown if message.envelope] == [1, 2, 3]
        assert CANARY not in repr(shown) + repr(one)


async def test_a_header_that_is_none_of_ours_is_not_shown(work: Work, bus: Bus) -> None:
    async with work() as it:
        await bus.put(b"{}", [("ce_type", b"records.counter.opened.v1"), ("ce_actor", CANARY.encode())])
        await eventually(partial(_is_aside, it, 1, TALLY))
        [one] = await aside(it, Wanted(consumer=TALLY))
        assert one.source is None
        [shown] = await messages(it.runtime.log.pool, Wanted(which=one.place, consumer=TALLY))
        assert shown.envelope is None
        assert CANARY not in repr(shown)


async def test_a_dry_run_says_what_would_come_of_it_and_changes_nothing(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with work() as it:
        broken = Broken(monkeypatch)
        id = await opened(it, counts=2)
        await eventually(partial(_is_aside, it, 3))
        [one] = await aside(it)
        still_broken = await outcome(it, one)
        broken.mend()
        mended = await outcome(it, one)

        assert (still_broken.applied, still_broken.error.split(" | ")[0]) == (0, "ValueError")
        assert (mended.applied, mended.error) == (3, "")
        assert not await shows(it, id, 2)
        assert await still_asked(it.runtime.log.pool, Wanted()) == (0, 3)


async def test_what_is_asked_for_again_is_applied_in_order_by_its_consumer(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with work() as it:
        broken = Broken(monkeypatch)
        first, second = await opened(it, counts=2), await opened(it, counts=1)
        await eventually(partial(_is_aside, it, 5))
        broken.mend()

        assert await asked_again(it.runtime.log.pool, Wanted(which=str(first))) == 3
        await eventually(partial(shows, it, first, 2))
        assert [one.source for one in await aside(it)] == [second]
        assert await asked_again(it.runtime.log.pool, Wanted(consumer=TALLY)) == 2
        await eventually(partial(shows, it, second, 1))
        assert await aside(it) == []


async def test_what_is_no_place_is_a_wrong_question(work: Work) -> None:
    async with work() as it:
        with pytest.raises(Unknown):
            await aside(it, Wanted(which="the one from yesterday"))


async def test_the_topics_are_made_as_they_have_to_be(work: Work) -> None:
    async with work("relay") as it:
        of = operated(it)
        missing = [step for step in await plan(of) if not step.exists]
        assert {step.topic.name for step in missing} == {
            f"carelog.records.{name}.dlt" for name in ("tally", "lines", "relations", "on-counter")
        }
        await apply(of, missing)
        assert {step.verdict for step in await plan(of)} == {"fine"}


async def test_topics_without_brokers_are_said_to_be_away(work: Work) -> None:
    async with work("relay") as it:
        with pytest.raises(Away, match="Kafka"):
            await plan(operated(it, kafka="127.0.0.1:1"))


async def test_a_log_is_published_again(work: Work, bus: Bus) -> None:
    async with work() as it:
        id = await opened(it, counts=2)
        await eventually(partial(shows, it, id, 2))
        would = await republished(operated(it), after=1, dry_run=True)
        assert (would.after, would.events) == (1, 2)
        assert len(await bus.heard()) == 3

        await republished(operated(it), after=1, dry_run=False)

        async def again() -> bool:
            return len(await bus.heard()) == 5

        await eventually(again)
        assert await shows(it, id, 2), "who has seen them knows them"


async def _is_aside(it: Running, count: int, consumer: str | None = None) -> bool:
    return (await still_asked(it.runtime.log.pool, Wanted(consumer=consumer)))[1] == count

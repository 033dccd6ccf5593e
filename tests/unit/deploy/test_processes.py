"""Programs that are kept running, with real processes: small ones, ended by their own ids."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psutil
import pytest

from deploy.embedded.home import Mark
from deploy.embedded.processes import Keeper, Program, bound_log, end_leftovers

FOR_EVER = "import time; print('here', flush=True); time.sleep(600)"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
ENDS = "print('last words', flush=True); raise SystemExit(3)"


@pytest.fixture
async def keep(tmp_path: Path) -> AsyncIterator[Callable[[str], Keeper]]:
    kept: list[Keeper] = []

    def start(code: str) -> Keeper:
        program = Program(
            name="it", line=[sys.executable, "-c", code], environment={**os.environ}, log=tmp_path / "it.log"
        )
        kept.append(Keeper(program=program, noticed=lambda: None))
        kept[-1].start()
        return kept[-1]

    yield start
    for keeper in kept:
        await keeper.stop(patience=0.2)


async def test_a_program_that_is_killed_is_started_again(keep: Callable[[str], Keeper]) -> None:
    keeper = keep(FOR_EVER)
    first = await another(keeper, than=None)
    first.process_or_fail().kill()
    second = await another(keeper, than=first)
    assert second.process_or_fail().is_running()
    assert keeper.deaths == 1


async def test_a_program_that_is_stopped_stays_so(keep: Callable[[str], Keeper]) -> None:
    keeper = keep(FOR_EVER)
    mark = await another(keeper, than=None)
    await keeper.stop(patience=5)
    assert mark.gone
    assert keeper.mark is not None
    assert keeper.mark.pid == mark.pid


async def test_one_that_will_not_hear_is_killed_after_a_while(keep: Callable[[str], Keeper]) -> None:
    keeper = keep(DEAF)
    mark = await another(keeper, than=None)
    await eventually(lambda: "deaf" in keeper.last_words)
    await keeper.stop(patience=0.2)
    assert mark.gone


async def test_one_that_ends_by_itself_is_tried_again_and_its_last_words_are_kept(
    keep: Callable[[str], Keeper],
) -> None:
    keeper = keep(ENDS)
    await eventually(lambda: keeper.deaths >= 2)
    assert keeper.last_words == "last words\nlast words"


async def test_one_that_is_stopped_while_it_starts_does_not_stay_behind(keep: Callable[[str], Keeper]) -> None:
    keeper = keep(FOR_EVER)
    await keeper.stop(patience=5)
    assert keeper.mark is None or keeper.mark.process is None


def test_what_a_killed_supervisor_left_is_ended() -> None:
    with subprocess.Popen([sys.executable, "-c", FOR_EVER], stdout=subprocess.PIPE) as left:
        mark = Mark.of(pid=left.pid)
        end_leftovers(marks=[mark])
        assert mark.process is None


def test_another_process_with_the_same_number_is_left_alone() -> None:
    with subprocess.Popen([sys.executable, "-c", FOR_EVER], stdout=subprocess.PIPE) as foreign:
        before = Mark(pid=foreign.pid, born=psutil.Process(foreign.pid).create_time() - 3600)
        end_leftovers(marks=[before], patience=0.1)
        assert foreign.poll() is None
        foreign.kill()


def test_a_log_that_has_grown_too_large_begins_anew_while_it_is_written(tmp_path: Path) -> None:
    log = tmp_path / "it.log"
    with log.open("ab", buffering=0) as writing:
        writing.write(b"old " * 100)
        bound_log(log=log, most=100)
        writing.write(b"new")
    assert log.read_bytes() == b"new"
    assert log.with_suffix(".log.1").read_bytes() == b"old " * 100


class Seen:
    """One process of a program."""

    def __init__(self, mark: Mark) -> None:
        self.pid = mark.pid
        self._mark = mark

    @property
    def gone(self) -> bool:
        return self._mark.process is None

    def process_or_fail(self) -> psutil.Process:
        assert self._mark.process is not None
        return self._mark.process


async def another(keeper: Keeper, *, than: Seen | None) -> Seen:
    def there() -> bool:
        return keeper.mark is not None and (than is None or keeper.mark.pid != than.pid)

    await eventually(there)
    assert keeper.mark is not None
    return Seen(keeper.mark)


async def eventually(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not holds():  # noqa: ASYNC110 - the condition is another process's
            await asyncio.sleep(0.01)

"""Plays rows, one after another, and says what came of each."""

import asyncio
import traceback
from collections.abc import Callable, Iterator
from time import monotonic
from types import CoroutineType, FrameType
from typing import Any

from tests.faults.drill import Drill
from tests.faults.report import Outcome, Verdict
from tests.faults.row import FellShort, NotHere, Row
from tests.faults.stage import Stage

_SHORT, _FULL = 300.0, 3_600.0
"""seconds for a row, by its form: whatever takes longer hangs"""
_LAST_WORDS = 30
"""lines of each log that are told of a row that did not hold"""


async def played(
    row: Row, *, stage: Stage, seed: int, full: bool, told: Callable[[str], None] = lambda what: None
) -> Outcome:
    """What came of the row. Whatever it raises is its outcome, never ours."""
    drill = Drill(number=row.number, seed=seed, full=full, stage=stage, told=told)
    began = monotonic()
    verdict: Verdict = "held"
    said = ""
    try:
        row.must_be_possible()
        await _in_time(row, drill)
    except NotHere as missing:
        verdict, said = "not possible here", str(missing)
    except FellShort as short:
        verdict, said = "fell short", str(short)
    except Exception as broken:  # noqa: BLE001 - a row that breaks has not held
        verdict, said = "fell short", f"{type(broken).__name__}: {broken}"
        told(traceback.format_exc())
    for line in await stage.after(row.number, held=verdict != "fell short", words=_LAST_WORDS):
        told(line)
    return Outcome(
        row=row.number,
        title=row.title,
        verdict=verdict,
        injected=row.injected,
        said=said,
        seed=seed,
        sent=sum(one.counts.sent for one in drill.oracles),
        acknowledged=sum(one.counts.acknowledged for one in drill.oracles),
        refused=sum(one.counts.refused for one in drill.oracles),
        events=sum(one.events for one in drill.oracles),
        healed=drill.healed,
        took=monotonic() - began,
        notes=drill.notes,
    )


async def _in_time(row: Row, drill: Drill) -> None:
    """Plays it. Raises `FellShort` where it hangs, and says where."""
    limit = drill.short_or_full(_SHORT, _FULL)
    task = asyncio.create_task(row.play(drill), name=row.number)
    try:
        await asyncio.wait({task}, timeout=limit)
        if not task.done():
            raise FellShort(f"not over after {limit:.0f} s, waits at {' > '.join(_waits_at(task.get_coro()))}")
        await task
    finally:
        task.cancel()
        await asyncio.wait({task}, timeout=_SHORT)


def _waits_at(waiting: Any) -> Iterator[str]:
    """The lines of our own code in which one coroutine waits for the next."""
    while isinstance(waiting, CoroutineType):
        frame: FrameType | None = waiting.cr_frame
        if frame and "site-packages" not in frame.f_code.co_filename:
            yield f"{frame.f_code.co_name}:{frame.f_lineno}"
        waiting = waiting.cr_await

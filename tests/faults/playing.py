"""Plays rows, one after another, and says what came of each."""

import traceback
from collections.abc import Callable
from time import monotonic

from tests.faults.drill import Drill
from tests.faults.report import Outcome, Verdict
from tests.faults.row import FellShort, NotHere, Row
from tests.faults.stage import Stage


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
        await row.play(drill)
    except NotHere as missing:
        verdict, said = "not possible here", str(missing)
    except FellShort as short:
        verdict, said = "fell short", str(short)
    except Exception as broken:  # noqa: BLE001 - a row that breaks has not held
        verdict, said = "fell short", f"{type(broken).__name__}: {broken}"
        told(traceback.format_exc())
    await stage.after(row.number, held=verdict != "fell short")
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

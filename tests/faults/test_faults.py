"""Every row of the matrix that is played here, in its short form with one seed: it holds, or says why it cannot be."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.faults.playing import played
from tests.faults.row import Row, rows
from tests.faults.stage import Stage

pytestmark = [
    pytest.mark.engines,
    pytest.mark.faults,
    pytest.mark.slow,
    pytest.mark.timeout(400),
    pytest.mark.asyncio(loop_scope="module"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """What rows share: a system that one row has left whole is the next one's."""
    stage = Stage(kept=tmp_path_factory.mktemp("faults"))
    yield stage
    await stage.close()


@pytest.mark.parametrize("row", rows().values(), ids=rows().keys())
async def test_what_is_survived(row: Row, stage: Stage) -> None:
    outcome = await played(row, stage=stage, seed=1, full=False, told=print)
    if outcome.verdict == "not possible here":
        pytest.skip(f"{row.number}: {outcome.said}")
    assert outcome.verdict == "held", outcome.said

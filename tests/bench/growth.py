"""Memory of every role after a hundred thousand events and after a million that went through all of them."""

from collections.abc import AsyncIterator, Mapping, Sequence

from tests.bench.bench import Bench, Case
from tests.bench.http import Line, lines, post, rate
from tests.bench.pipeline import Ours, ours, until
from tests.bench.report import Asked, Row
from tests.bench.system import resident

_ROLES = ("api", "relay", "worker")
_CONNECTIONS = 16
_LIFE = 10
"""events of one command: a tenth of the requests, and every event through all roles all the same"""

GROWTH = {
    role: Asked(
        case="memory", figure=f"{role}, after a million events to after a hundred thousand", at_most=1.1, timed=False
    )
    for role in _ROLES
}


async def growth(bench: Bench) -> AsyncIterator[Row]:
    few, many = bench.scale.grown
    async with (
        bench.database() as dsn,
        ours(bench, dsn=dsn, name="growth", roles=_ROLES) as pipeline,
        lines(pipeline.processes.ports["api"], count=_CONNECTIONS) as through,
    ):
        before = await _after(pipeline, through, few)
        after = await _after(pipeline, through, many - few)
    for role, asked in GROWTH.items():
        yield asked.against(
            ours=[after[role]], reference=[before[role]], unit="MiB", note=f"{few:,} and {many:,} events"
        )


async def _after(pipeline: Ours, through: Sequence[Line], events: int) -> Mapping[str, float]:
    """The memory of each role when so many more events are on the topic and in the documents."""
    request = post(f"/lives/{_LIFE}", b"", token=pipeline.processes.token())
    await rate(through, request, count=events // _LIFE)
    wanted = await pipeline.connection.fetchval("SELECT count(DISTINCT aggregate) FROM events")

    async def shown() -> bool:
        return await pipeline.visible() >= int(wanted)

    await until(shown, look=0.5)
    return {role: resident(pipeline.processes.pid(role)) for role in _ROLES}


GROWING = Case(name="memory", asks=tuple(GROWTH.values()), measure=growth)

"""A POST that appends against a POST that does nothing, behind the same middleware in the same server process."""

from collections.abc import AsyncIterator
from functools import partial

from shared.runtime.json import dumps
from tests.bench.bench import Bench, Case
from tests.bench.counting import NOTE
from tests.bench.http import lines, post, rate
from tests.bench.processes import serving
from tests.bench.report import Asked, Row
from tests.bench.running import interleaved

_CONNECTIONS = 16

POST = Asked(case="HTTP", figure="a POST that appends, 16 connections, to one that does nothing", at_least=0.5)


async def posting(bench: Bench) -> AsyncIterator[Row]:
    """The client is this process, the server another one."""
    body = dumps({"note": NOTE})
    async with (
        bench.database() as dsn,
        serving("api", home=bench.folder("posting"), postgres=dsn) as server,
        lines(server.ports["api"], count=_CONNECTIONS) as through,
    ):
        appends, does_nothing = (post(path, body, token=server.token()) for path in ("/counters", "/nothing"))
        ours, nothing = await interleaved(
            bench.scale.rounds,
            partial(rate, through, appends, count=bench.scale.appends // 4),
            partial(rate, through, does_nothing, count=bench.scale.appends // 4),
        )
        yield POST.against(ours=ours, reference=nothing)


POSTING = Case(name="post", asks=(POST,), measure=posting)

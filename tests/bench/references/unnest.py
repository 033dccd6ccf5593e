"""asyncpg's fastest way to insert: arrays, 100 rows a transaction, on one connection, into the table of `rows`."""

from time import perf_counter
from typing import Any

import asyncpg

from shared.runtime.mandate import fresh_id
from tests.bench.references.payload import PAYLOAD
from tests.bench.references.rows import prepare
from tests.bench.settled import settled

_AT_ONCE = 100
_INSERT = """
INSERT INTO reference (aggregate, version, command, state)
SELECT * FROM unnest($1::uuid[], $2::integer[], $3::uuid[], $4::bytea[])
"""


async def rate(*, dsn: str, rows: int) -> float:
    """Rows a second. The arrays are made before, as our appends are."""
    await prepare(dsn)
    batches = [_arrays() for _ in range(max(1, rows // _AT_ONCE))]
    connection = await asyncpg.connect(dsn)
    try:
        insert = await connection.prepare(_INSERT)
        with settled():
            began = perf_counter()
            for batch in batches:
                await insert.fetch(*batch)
            return len(batches) * _AT_ONCE / (perf_counter() - began)
    finally:
        await connection.close()


def _arrays() -> list[list[Any]]:
    ids = [fresh_id() for _ in range(2 * _AT_ONCE)]
    return [ids[:_AT_ONCE], [1] * _AT_ONCE, ids[_AT_ONCE:], [PAYLOAD] * _AT_ONCE]

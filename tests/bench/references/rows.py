"""The table that the plain writers fill: the least that a log could be kept in."""

import asyncpg

TABLE = """
CREATE TABLE IF NOT EXISTS reference (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    aggregate uuid NOT NULL,
    version integer NOT NULL,
    command uuid NOT NULL UNIQUE,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    state bytea NOT NULL,
    UNIQUE (aggregate, version)
)
"""
"""the three unique keys that a log needs: its order, (aggregate, version), and the command's id"""


async def prepare(dsn: str) -> None:
    """The table is there."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(TABLE)
    finally:
        await connection.close()

"""The tables that the plain writers fill: the least that a log could be kept in."""

import asyncpg

_TABLE = """
CREATE TABLE IF NOT EXISTS {name} (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    aggregate uuid NOT NULL,
    version integer NOT NULL,
    command uuid NOT NULL{unique},
    recorded_at timestamptz NOT NULL DEFAULT now(),
    state bytea NOT NULL,
    UNIQUE (aggregate, version)
)
"""
PLAIN, KEYED = "reference", "reference_keyed"
"""`PLAIN` has the unique keys that every log needs: its order, and (aggregate, version). In `KEYED` the command's id is
a third one, as for commands that may be said again."""


async def prepare(dsn: str) -> None:
    """Both tables are there."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(_TABLE.format(name=PLAIN, unique=""))
        await connection.execute(_TABLE.format(name=KEYED, unique=" UNIQUE"))
    finally:
        await connection.close()

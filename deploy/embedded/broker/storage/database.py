"""The SQLite file: its tables, how it is opened, and the lock that keeps a second broker away from it.

`synchronous=FULL` makes a commit mean "on the disk": a relay saves its own position after our acknowledgement, in a
database that survives a power cut, and would never send again what we had lost. Group commit (`committer.py`) shares
the price: a fifth of the throughput under load, 2 ms for a producer that sends one record at a time."""

import fcntl
import sqlite3
from pathlib import Path
from typing import IO

_TABLES = """
CREATE TABLE IF NOT EXISTS topic (
    topic_id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    partitions INTEGER NOT NULL,
    configs TEXT NOT NULL,
    first_producer_id INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS batch (
    batch_id INTEGER PRIMARY KEY,
    topic_id INTEGER NOT NULL REFERENCES topic ON DELETE CASCADE,
    partition INTEGER NOT NULL,
    base_offset INTEGER NOT NULL,
    last_offset INTEGER NOT NULL,
    max_timestamp INTEGER NOT NULL,
    producer_id INTEGER,
    producer_epoch INTEGER NOT NULL,
    base_sequence INTEGER NOT NULL,
    last_sequence INTEGER NOT NULL,
    data BLOB NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS batch_by_offset ON batch (topic_id, partition, last_offset, max_timestamp);
CREATE INDEX IF NOT EXISTS batch_by_producer ON batch (topic_id, partition, producer_id, last_offset)
    WHERE producer_id IS NOT NULL;
CREATE TABLE IF NOT EXISTS producer (producer_id INTEGER PRIMARY KEY AUTOINCREMENT);
CREATE TABLE IF NOT EXISTS committed_offset (
    group_id TEXT NOT NULL,
    topic_id INTEGER NOT NULL REFERENCES topic ON DELETE CASCADE,
    partition INTEGER NOT NULL,
    next_offset INTEGER NOT NULL,
    metadata TEXT,
    PRIMARY KEY (group_id, topic_id, partition)
) WITHOUT ROWID;
"""
# Producer ids start at the milliseconds of the file's birth, so that a producer which outlives the file is a stranger
# to the next one instead of somebody else's double.
_FIRST_PRODUCER_ID = """
INSERT INTO producer SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)
    WHERE NOT EXISTS (SELECT 1 FROM producer)
"""
_PAGE_BYTES = 8192


class DataInUse(RuntimeError):
    """Another broker has this folder. Stop it first, or give this one a folder of its own."""


def lock_folder(*, folder: Path) -> IO[bytes]:
    """Held as long as the file is open; the kernel lets go of it when the process dies, however it dies."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = (folder / "broker.lock").open("wb")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise DataInUse(f"{folder} belongs to a broker that is running") from error
    return lock


def open_for_writing(*, path: Path, max_bytes: int | None) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA journal_size_limit = 67108864")
    connection.executescript(_TABLES)
    connection.execute(_FIRST_PRODUCER_ID)
    if max_bytes is not None:
        connection.execute(f"PRAGMA max_page_count = {max_bytes // _PAGE_BYTES}")
    return connection


def open_for_reading(*, path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA query_only = ON")
    return connection

"""The log's two append functions, as `shared.runtime.log.appending` has them in plpgsql: atomic, under one lock.

The lock is the moment itself: nothing else happens meanwhile. That the real ones take it is tried on a real database.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from sqlite3 import Connection, IntegrityError
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg

from shared.runtime.log.rows import EVENT_COLUMNS
from tests.simulation.database.dialect import instant, plain

_NAMES = [name for name, _ in EVENT_COLUMNS]
_COMMAND, _AGGREGATE, _VERSION = (_NAMES.index(name) for name in ("command", "aggregate", "version"))
_INSERT = (
    f"INSERT INTO events (position, recorded_at, {', '.join(_NAMES)}) VALUES ({', '.join('?' * (len(_NAMES) + 2))})"
)
_HEAD = "SELECT coalesce(max(position), 0) FROM events"
_NEWEST = "SELECT coalesce(max(version), 0) FROM events WHERE aggregate = ?"
_THERE = "SELECT command FROM events WHERE aggregate = ? AND version = ?"
_KEPT = "SELECT command, fingerprint, outcome, answer FROM commands WHERE command = ?"
Rows: TypeAlias = "list[Mapping[str, Any]]"
Arguments: TypeAlias = "Sequence[Sequence[Sequence[Any]]]"
"""events, commands to keep, needs (command, aggregate, version), timers (command, aggregate, wakes, due)"""


def append_at_once(tables: Connection, now: int, arguments: Arguments) -> Rows:
    """A whole batch; any violation undoes all of it."""
    if any(_unmet(tables, need) for need in arguments[2]):
        raise asyncpg.UniqueViolationError("conflict")
    tables.execute("SAVEPOINT append")
    try:
        return [{"first": _insert(tables, now, arguments, ()), "at": instant(now)}]
    except IntegrityError as taken:
        tables.execute("ROLLBACK TO append")
        raise asyncpg.UniqueViolationError("taken") from taken
    finally:
        tables.execute("RELEASE append")


def append_exactly(tables: Connection, now: int, arguments: Arguments) -> Rows:
    """Each command is looked at before those that may be written are."""
    events, commands, needs, _ = arguments
    there = [(event[_COMMAND], _writer(tables, event)) for event in events]
    known = {command: (command, None, "done", None) for command, writer in there if writer == command}
    for command, *_rest in commands:
        if kept := tables.execute(_KEPT, [str(command)]).fetchone():
            known[command] = kept
    lost = {need[0]: None for need in needs if _unmet(tables, need)} | {c: None for c, writer in there if writer}
    first = _insert(tables, now, arguments, {*lost, *known})
    found = [dict(zip(("command", "fingerprint", "outcome", "answer"), one, strict=True)) for one in known.values()]
    return [{"first": first, "at": instant(now), "known": found, "lost": list(lost)}]


FUNCTIONS: Mapping[str, Callable[[Connection, int, Arguments], Rows]] = {
    "append_at_once": append_at_once,
    "append_exactly": append_exactly,
}


def _unmet(tables: Connection, need: Sequence[Any]) -> bool:
    _, aggregate, version = need
    return bool(tables.execute(_NEWEST, [str(aggregate)]).fetchone()[0] != version)


def _writer(tables: Connection, event: Sequence[Any]) -> UUID | None:
    """Whose event stands in this one's place."""
    found = tables.execute(_THERE, [str(event[_AGGREGATE]), event[_VERSION]]).fetchone()
    return found[0] if found else None


def _insert(tables: Connection, now: int, arguments: Arguments, without: Collection[Any]) -> int:
    """All rows but those of some commands; returns the position before the first of them."""
    events, commands, _, timers = arguments
    first = int(tables.execute(_HEAD).fetchone()[0])
    chosen = [event for event in events if event[_COMMAND] not in without]
    tables.executemany(_INSERT, [(first + n, now, *map(plain, event)) for n, event in enumerate(chosen, start=1)])
    kept = [(str(command), now, *rest) for command, *rest in commands if command not in without]
    tables.executemany("INSERT INTO commands VALUES (?, ?, ?, ?, ?)", kept)
    for _, aggregate, wakes, due in (one for one in timers if one[0] not in without):
        tables.execute("DELETE FROM timers WHERE aggregate = ? AND command = ?", [str(aggregate), wakes])
        if due is not None:
            tables.execute(
                "INSERT INTO timers (aggregate, command, due_at) VALUES (?, ?, ?)", [str(aggregate), wakes, plain(due)]
            )
    return first

"""The server: its data, which outlive everything, and its sessions, which do not."""

import re
import sqlite3
from collections.abc import Callable, Sequence
from contextvars import Context
from functools import cache
from typing import Any

import asyncpg

from shared.runtime.log import schema
from tests.simulation.database.appends import FUNCTIONS
from tests.simulation.database.dialect import (
    CONVERTERS,
    ArrayAggregate,
    beside,
    plain,
    statements,
    translated,
    value_of,
)
from tests.simulation.world import Line, World

_BEGAN = 1_767_225_600_000_000
"""the database's clock at the beginning of virtual time: 2026-01-01, in microseconds"""

_IDLE = 5.0
"""seconds that a transaction may stand idle"""

for _type, _converter in CONVERTERS.items():
    sqlite3.register_converter(_type, _converter)


class Row(dict[str, Any]):
    """asyncpg's record: by name or by number."""

    def __getitem__(self, key: str | int) -> Any:
        return list(self.values())[key] if isinstance(key, int) else super().__getitem__(key)


class Database:
    """One service's database. `restart` cuts every session; what was committed stays."""

    def __init__(self, world: World, *, scripts: Sequence[str] = (schema.TABLES,)) -> None:
        self.world = world
        self.line = Line(world, "database", lost=connection_lost)
        self.generation = 0
        """the server's own: a session of an earlier one is closed"""
        self.listeners: list[tuple[Any, str, Callable[..., None], Context]] = []
        self.held_by: Any = None
        """the session that is in a transaction: meanwhile the others wait, which is more than they would have to"""
        self.tables = sqlite3.connect(":memory:", isolation_level=None, detect_types=sqlite3.PARSE_DECLTYPES)
        for name in ("now", "clock_timestamp"):
            self.tables.create_function(name, 0, self.clock)
        self.tables.create_function("beside", 3, beside)
        self.tables.create_function("two_to", 1, lambda power: 2**power)
        self.tables.create_aggregate("array_agg", 1, ArrayAggregate)  # type: ignore[arg-type]
        for statement in (one for script in scripts for one in statements(script)):
            self.tables.execute(statement)
        self.tables.execute(f"INSERT INTO log (schema_version, used_before) VALUES ({schema.SCHEMA_VERSION}, false)")
        self.tables.execute("INSERT INTO relay DEFAULT VALUES")

    def clock(self) -> int:
        return _BEGAN + round(self.world.loop.time() * 1_000_000)

    def down(self) -> None:
        self.world.note("the database goes down")
        self.line.up = False
        self.generation += 1
        self.listeners.clear()
        self.roll_back(self.held_by)

    def up(self) -> None:
        self.world.note("the database is up")
        self.line.up = True

    def run(self, sql: str, arguments: Sequence[Any]) -> tuple[list[Row], str]:
        """The rows and the status of one statement, which is a transaction."""
        if do := _append(sql):
            rows = [Row(row) for row in do(self.tables, self.clock(), arguments)]
            self._notify("carelog_appended")
            return rows, "SELECT 1"
        if sql.startswith("SET "):
            return [], "SET"
        return self._ask(sql, arguments)

    def begin(self, session: Any) -> None:
        """A transaction, which is ended where it stands idle."""
        self.held_by = session
        self.tables.execute("SAVEPOINT held")
        self.world.later(_IDLE, self.roll_back, session)

    def commit(self, session: Any) -> None:
        if self.held_by is not session:
            raise connection_lost()
        self.tables.execute("RELEASE held")
        self.held_by = None

    def roll_back(self, session: Any) -> None:
        """What the session has done in its transaction, if it is still in one."""
        if session is not None and self.held_by is session:
            self.tables.execute("ROLLBACK TO held")
            self.tables.execute("RELEASE held")
            self.held_by = None

    def _ask(self, sql: str, arguments: Sequence[Any]) -> tuple[list[Row], str]:
        try:
            cursor = self.tables.execute(translated(sql), [plain(one) for one in arguments])
        except sqlite3.IntegrityError as taken:
            raise asyncpg.UniqueViolationError(str(taken)) from taken
        except sqlite3.Error as unknown:
            raise AssertionError(f"the simulated database does not know: {sql} ({unknown})") from unknown
        names = [column[0] for column in cursor.description or ()]
        rows = [Row(zip(names, map(value_of, row), strict=True)) for row in cursor.fetchall()]
        verb = sql.split(None, 1)[0].upper()
        return rows, f"{verb} {len(rows) if verb == 'SELECT' else cursor.rowcount}"

    def _notify(self, channel: str) -> None:
        for session, listened, callback, context in self.listeners:
            if listened == channel:
                self.world.loop.call_later(self.world.travel(), _tell, session, callback, channel, context=context)


@cache
def _append(sql: str) -> Callable[..., Any] | None:
    """The function that a statement calls, if it appends."""
    found = re.search(r"FROM (append_\w+)\(", sql)
    return FUNCTIONS[found[1]] if found else None


def connection_lost() -> Exception:
    return asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")


def _tell(session: Any, callback: Callable[..., None], channel: str) -> None:
    if not session.is_closed():
        callback(session, 0, channel, "")

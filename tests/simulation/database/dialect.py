"""PostgreSQL's SQL as SQLite's: casts dropped, arrays as JSON, instants as microseconds, ids as text."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from typing import Any
from uuid import UUID

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_UNITS = {"ms": 1_000, "s": 1_000_000, "second": 1_000_000, "seconds": 1_000_000, "minutes": 60_000_000}
_COLUMNS = re.compile(r"unnest\(([^()]*(?:\([^()]*\)[^()]*)*)\)\s+(WITH ORDINALITY\s+)?AS\s+(\w+)\s*\(([^)]*)\)")


def micros(instant: datetime) -> int:
    return (instant - _EPOCH) // _MICROSECOND


def instant(micros: int) -> datetime:
    return _EPOCH + micros * _MICROSECOND


def plain(value: Any) -> Any:
    """An argument as SQLite takes it."""
    match value:
        case UUID():
            return str(value)
        case datetime():
            return micros(value)
        case timedelta():
            return value // _MICROSECOND
        case list() | tuple() | set() | frozenset():
            return json.dumps([_in_json(one) for one in value])
        case _:
            return value


def _in_json(value: Any) -> Any:
    made = plain(value)
    return {"hex": made.hex()} if isinstance(made, bytes) else made


@cache
def translated(sql: str) -> str:
    """The statement for SQLite; `$1` becomes `?1`."""
    for pattern, replacement in _REPLACEMENTS:
        sql = re.sub(pattern, replacement, sql, flags=re.IGNORECASE)
    sql = _COLUMNS.sub(_rows_of_arrays, sql)
    return re.sub(r"\$(\d+)", r"?\1", _newest_of_each(sql))


def _interval(found: re.Match[str]) -> str:
    number, unit = found[1].split()
    return str(int(float(number) * _UNITS[unit]))


_REPLACEMENTS: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...] = (
    (r"(<>|!=)\s*ALL\s*\((\$\d+)(?:::[\w ]+\[\])?\)", r"NOT IN (SELECT value FROM json_each(\2))"),
    (r"=\s*ANY\s*\((\$\d+)(?:::[\w ]+\[\])?\)", r"IN (SELECT value FROM json_each(\1))"),
    (r"\((\$\d+)::text\[\]\)\[array_position\((\$\d+)::text\[\], ([\w.]+)\)\]", r"beside(\1, \2, \3)"),
    (r"\(2 \^ (\w+\([^()]*\))\)", r"two_to(\1)"),
    (r"2 \^\s*(CASE .*? END)", r"two_to(\1)"),
    (r"^\s*UPDATE (\w+) (\w) SET", r"UPDATE \1 AS \2 SET"),
    (r"interval\s+'([^']+)'", _interval),
    (r"make_interval\(secs => ([^)]+)\)", r"(\1 * 1000000)"),
    (r"extract\(epoch FROM ([^()]*(?:\([^()]*\)[^()]*)*)\)", r"((\1) / 1000000.0)"),
    (r"least\('(\d+) s',", lambda found: f"min({int(found[1]) * 1_000_000},"),
    (r"::(double precision|timestamp with time zone|[a-z_]+[0-9]*)(\[\])?", ""),
    (r"\bFOR (NO KEY )?UPDATE( OF \w+)?( SKIP LOCKED| NOWAIT)?", ""),
    (r"\bDEFAULT (now|clock_timestamp)\(\)", r"DEFAULT (\1())"),
    (r"\boctet_length\(", "length("),
    (r"\b(greatest|bool_or)\(", "max("),
    (r"\b(least|bool_and)\(", "min("),
    (r"\bSELECT FROM\b", "SELECT 1 FROM"),
)


def _rows_of_arrays(found: re.Match[str]) -> str:
    """Arrays side by side as rows."""
    arrays, ordered, name = [one.strip() for one in found[1].split(",")], found[2], found[3]
    columns = [one.strip() for one in found[4].split(",")]
    picked = [f"a{n}.value AS {column}" for n, column in enumerate(columns[: len(arrays)])]
    picked += [f"a0.key + 1 AS {columns[-1]}"] if ordered else []
    joined = " ".join(
        f"{'JOIN' if n else ''} json_each({array}) a{n} {f'ON a{n}.key = a0.key' if n else ''}"
        for n, array in enumerate(arrays)
    )
    return f"(SELECT {', '.join(picked)} FROM {joined}) AS {name}"


def _newest_of_each(sql: str) -> str:
    """`DISTINCT ON (a, ...) ... ORDER BY a, ..., z` as a window over the same order."""
    found = re.fullmatch(r"\s*SELECT DISTINCT ON \(([^)]*)\) (.*?) (FROM .*?) ORDER BY (.*)", sql, flags=re.DOTALL)
    if not found:
        return sql
    keys, columns, rest, order = found.groups()
    return (
        f"SELECT {columns} FROM (SELECT *, row_number() OVER (PARTITION BY {keys} ORDER BY {order}) AS nth_ {rest})"
        " WHERE nth_ = 1"
    )


def statements(script: str) -> list[str]:
    """The tables and indexes of a script; functions and triggers are left out, `appends` has what they do.

    SQLite cannot add a column whose default is asked for each row: it is there from the beginning.
    """
    without = re.sub(r"CREATE OR REPLACE FUNCTION.*?\$\$.*?\$\$;", "", script, flags=re.DOTALL)
    kept = [one.strip() for one in without.split(";")]
    added = {found[1]: _added(one) for one in kept if (found := re.match(r"ALTER TABLE (\w+)", one))}
    made = [one for one in kept if one.startswith(("CREATE TABLE", "CREATE INDEX", "CREATE UNIQUE INDEX"))]
    return [translated(_with_columns(one, added)) for one in made]


def _added(statement: str) -> list[str]:
    return re.findall(r"ADD COLUMN IF NOT EXISTS ([^,;]+)", statement)


def _with_columns(statement: str, added: Mapping[str, list[str]]) -> str:
    found = re.match(r"CREATE TABLE IF NOT EXISTS (\w+) \(", statement)
    if not found:
        return statement
    columns = "".join(f"{column}, " for column in added.get(found[1], ()))
    return f"{found[0]}{columns}{statement[found.end() :]}"


class ArrayAggregate:
    """`array_agg`: what it returns is known by its first character."""

    def __init__(self) -> None:
        self._values: list[Any] = []

    def step(self, value: Any) -> None:
        self._values.append(value)

    def finalize(self) -> str:
        return f"{ARRAY}{json.dumps(self._values)}"


ARRAY = "\x01"


def beside(values: str, keys: str, key: str) -> Any:
    """The value that stands where the key does in the other array."""
    return json.loads(values)[json.loads(keys).index(key)]


def value_of(found: Any) -> Any:
    """As asyncpg would give it."""
    return json.loads(found[1:]) if isinstance(found, str) and found.startswith(ARRAY) else found


@lru_cache(maxsize=65_536)
def _id(raw: bytes) -> UUID:
    return UUID(raw.decode())


CONVERTERS: Mapping[str, Callable[[bytes], Any]] = {
    "uuid": _id,
    "timestamptz": lambda raw: instant(int(raw)),
    "boolean": lambda raw: raw not in (b"0", b"false"),
}
"""by the declared type of a column"""

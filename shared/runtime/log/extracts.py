"""Stretches of a log: pages of events, of the whole or of one aggregate, and the heads that consumers compare."""

from collections.abc import Mapping

from shared.runtime.log.rows import EVENT_COLUMNS

_NAMES = ("position", "recorded_at", *(name for name, _ in EVENT_COLUMNS))
_COLUMNS = ", ".join(_NAMES)
_ENVELOPE = ", ".join("''::bytea AS state" if name == "state" else name for name in _NAMES)
PAGE_BYTES = 4 * 1024 * 1024
"""of states in one page, the last event's aside: hundreds of events of the greatest size would fill the memory"""


def _page(where: str, *, by: str, limit: str, most: str) -> str:
    """The first events of a stretch: so many rows at most, and no more than fit into the bytes; at least one."""
    return (
        f"SELECT {_COLUMNS} FROM (SELECT {_COLUMNS},"
        f" sum(octet_length(state)) OVER (ORDER BY {by} ROWS UNBOUNDED PRECEDING) - octet_length(state) AS before"
        f" FROM events WHERE {where} ORDER BY {by} LIMIT {limit}) page WHERE before < {most} ORDER BY {by}"
    )


AFTER = _page("position > $1", by="position", limit="$2", most="$3")
OF_ONE = _page("aggregate = $1 AND version > $2", by="version", limit="$3", most="$4")
BOUNDS = (
    "SELECT r.position AS head, coalesce(max(e.position), $1) AS up_to FROM relay r LEFT JOIN events e"
    " ON e.position > $1 AND e.position <= least($1 + $2::bigint, r.position)"
    " AND e.recorded_at <= clock_timestamp() - $3 * interval '1 second' GROUP BY r.position"
)
HEADS: Mapping[str, str] = {
    "aggregate": f"SELECT DISTINCT ON (aggregate) {_ENVELOPE} FROM events WHERE position > $1 AND position <= $2"
    " ORDER BY aggregate, version DESC",
    "event": f"SELECT {_ENVELOPE} FROM events WHERE position > $1 AND position <= $2 ORDER BY position",
}

"""What the feed reads of a log: one aggregate's events after a version, and the heads in a stretch of positions."""

from collections.abc import Mapping

from shared.runtime.log.rows import EVENT_COLUMNS

_NAMES = ("position", "recorded_at", *(name for name, _ in EVENT_COLUMNS))
_COLUMNS = ", ".join(_NAMES)
_ENVELOPE = ", ".join("''::bytea AS state" if name == "state" else name for name in _NAMES)
OF_ONE = f"SELECT {_COLUMNS} FROM events WHERE aggregate = $1 AND version > $2 ORDER BY version LIMIT $3"
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

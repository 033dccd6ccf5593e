"""The append as SQL functions: group commit; positions in the order of commit, without holes.

Each takes arrays of rows, since every array costs, on both sides, whatever is in it.
"""

from shared.runtime.log.rows import EVENT_COLUMNS

_COLUMNS = ", ".join(f"{name} {kind}" for name, kind in EVENT_COLUMNS)
_NAMES = ", ".join(name for name, _ in EVENT_COLUMNS)
_SENT = ", ".join(f"u.{name}" for name, _ in EVENT_COLUMNS)
_ROWS = (
    ("new_event", _COLUMNS),
    ("new_command", "command uuid, fingerprint bytea, outcome text, answer bytea"),
    ("new_need", "command uuid, aggregate uuid, version integer"),
    ("new_timer", "command uuid, aggregate uuid, wakes text, due_at timestamptz"),
)
_ARGUMENTS = "_events new_event[], _commands new_command[], _needs new_need[], _timers new_timer[]"

# A column more needs an ALTER TYPE ... ADD ATTRIBUTE here: a type that is there stays as it is.
TYPES = "".join(
    f"DO $$ BEGIN CREATE TYPE {name} AS ({columns}); EXCEPTION WHEN duplicate_object THEN NULL; END $$;\n"
    for name, columns in _ROWS
)

# The advisory lock makes the order of commit the order of positions; a counter row or a table lock was measured slower.
_TAKE_LOCK = "PERFORM pg_advisory_xact_lock(4772210, hashtext(current_schema()));"

# Only ids that may be said again have a row in `commands`; all others stand with their events.
_INSERT = """
    SELECT coalesce(max(e.position), 0) INTO first FROM events e;
    at := clock_timestamp();
    INSERT INTO events (position, recorded_at, {names})
        SELECT first + {n}, at, {sent} FROM unnest(_events) WITH ORDINALITY AS u({names}, n) {chosen};
    IF cardinality(_commands) > 0 THEN
        INSERT INTO commands (command, recorded_at, fingerprint, outcome, answer)
            SELECT u.command, at, u.fingerprint, u.outcome, u.answer FROM unnest(_commands) u {chosen};
    END IF;
    IF cardinality(_timers) > 0 THEN
        DELETE FROM timers t USING unnest(_timers) u
            WHERE u.due_at IS NULL AND t.aggregate = u.aggregate AND t.command = u.wakes {more};
        INSERT INTO timers (aggregate, command, due_at)
            SELECT u.aggregate, u.wakes, u.due_at FROM unnest(_timers) u WHERE u.due_at IS NOT NULL {more}
            ON CONFLICT (aggregate, command) DO UPDATE SET due_at = excluded.due_at;
    END IF;
    PERFORM pg_notify('carelog_appended', '');
"""
_INSERT_ALL = _INSERT.format(names=_NAMES, sent=_SENT, n="u.n", chosen="", more="")
_INSERT_CHOSEN = _INSERT.format(
    names=_NAMES,
    sent=_SENT,
    n="row_number() OVER (ORDER BY u.n)",
    chosen="WHERE u.command <> ALL(out)",
    more="AND u.command <> ALL(out)",
)

# A plan that was made while the table was small reads all of it, and is kept while the table grows.
_PLANS = "SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off"

# What must still be so: a new event's predecessor is the newest of its aggregate, a demanded version is the newest of
# its own. Asked as a scalar, one index entry for each: two EXISTS became a hash of the whole index, once a batch.
_UNMET = """FROM unnest(_needs) u
        WHERE u.version <> coalesce(
            (SELECT e.version FROM events e WHERE e.aggregate = u.aggregate ORDER BY e.version DESC LIMIT 1), 0)"""

# Optimistic: writes a whole batch and lets the unique keys decide. Any violation undoes all of it.
_AT_ONCE = f"""
CREATE OR REPLACE FUNCTION append_at_once({_ARGUMENTS}, OUT first bigint, OUT at timestamptz)
LANGUAGE plpgsql {_PLANS} AS $$
#variable_conflict use_column
BEGIN
    {_TAKE_LOCK}
    IF cardinality(_needs) > 0 AND EXISTS (SELECT {_UNMET}) THEN
        RAISE EXCEPTION 'conflict' USING ERRCODE = 'unique_violation';
    END IF;
    {_INSERT_ALL}
END $$;
"""

# Exact: looks at each command of the batch before it writes those that may be written. Under the lock nobody can come
# between the look and the write, and no two commands of a batch touch the same aggregate.
_EXACTLY = f"""
CREATE OR REPLACE FUNCTION append_exactly({_ARGUMENTS},
    OUT first bigint, OUT at timestamptz, OUT known new_command[], OUT lost uuid[])
LANGUAGE plpgsql {_PLANS} AS $$
#variable_conflict use_column
DECLARE
    out uuid[];
BEGIN
    {_TAKE_LOCK}
    known := ARRAY(
        SELECT DISTINCT ROW(e.command, NULL, 'done', NULL)::new_command FROM unnest(_events) u
        JOIN events e ON e.aggregate = u.aggregate AND e.version = u.version WHERE e.command = u.command
    ) || ARRAY(
        SELECT ROW(c.command, c.fingerprint, c.outcome, c.answer)::new_command
        FROM unnest(_commands) u JOIN commands c ON c.command = u.command
    );
    lost := ARRAY(
        SELECT u.command {_UNMET}
        UNION SELECT u.command FROM unnest(_events) u
            JOIN events e ON e.aggregate = u.aggregate AND e.version = u.version
    );
    out := lost || ARRAY(SELECT k.command FROM unnest(known) k);
    {_INSERT_CHOSEN}
END $$;
"""

FUNCTIONS = TYPES + _AT_ONCE + _EXACTLY
AT_ONCE = "SELECT first, at FROM append_at_once($1, $2, $3, $4)"
EXACTLY = "SELECT first, at, known, lost FROM append_exactly($1, $2, $3, $4)"

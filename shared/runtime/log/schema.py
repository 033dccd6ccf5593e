"""The log's tables, and its append as SQL functions: group commit; positions in the order of commit, without holes."""

from asyncpg import Connection

SCHEMA_VERSION = 1

EVENT_COLUMNS = (
    ("aggregate", "uuid"),
    ("version", "integer"),
    ("name", "text"),
    ("topic", "text"),
    ("key", "uuid"),
    ("patient", "uuid"),
    ("organization", "text"),
    ("occurred_at", "timestamptz"),
    ("command", "uuid"),
    ("actor", "text"),
    ("role", "text"),
    ("purpose", "text"),
    ("origin", "text"),
    ("links", "text"),
    ("correlation", "uuid"),
    ("causation", "text"),
    ("trace", "text"),
    ("state", "bytea"),
)
"""what an append says of each event; `position` and `recorded_at` are the database's to say"""

_NAMES = ", ".join(name for name, _ in EVENT_COLUMNS)
_ARRAYS = ", ".join(f"_{name} {kind}[]" for name, kind in EVENT_COLUMNS)
_UNNEST = ", ".join(f"_{name}" for name, _ in EVENT_COLUMNS)
_REST = (
    "_commands uuid[], _fingerprints bytea[], _outcomes text[], _answers bytea[], "
    "_needed uuid[], _needed_at integer[], "
    "_woken uuid[], _wake text[], _due timestamptz[]"
)

TABLES = """
CREATE TABLE IF NOT EXISTS log (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    epoch integer NOT NULL DEFAULT 1,
    schema_version integer NOT NULL
);
CREATE TABLE IF NOT EXISTS events (
    position bigint PRIMARY KEY,
    aggregate uuid NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    name text NOT NULL,
    topic text NOT NULL,
    key uuid NOT NULL,
    patient uuid,
    organization text NOT NULL,
    recorded_at timestamptz NOT NULL,
    occurred_at timestamptz NOT NULL,
    command uuid NOT NULL,
    actor text NOT NULL,
    role text NOT NULL,
    purpose text NOT NULL,
    origin text NOT NULL,
    links text NOT NULL,
    correlation uuid NOT NULL,
    causation text,
    trace text,
    state bytea NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS events_aggregate_version ON events (aggregate, version);
CREATE TABLE IF NOT EXISTS commands (
    command uuid PRIMARY KEY,
    recorded_at timestamptz NOT NULL,
    fingerprint bytea NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('done', 'refused')),
    answer bytea
);
CREATE TABLE IF NOT EXISTS timers (
    aggregate uuid NOT NULL,
    command text NOT NULL,
    due_at timestamptz NOT NULL,
    PRIMARY KEY (aggregate, command)
);
CREATE INDEX IF NOT EXISTS timers_due_at ON timers (due_at);
CREATE TABLE IF NOT EXISTS relay (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    position bigint NOT NULL DEFAULT 0
);
ALTER TABLE relay ADD COLUMN IF NOT EXISTS holder uuid, ADD COLUMN IF NOT EXISTS renewed_at timestamptz,
    ADD COLUMN IF NOT EXISTS rewind_to bigint;
CREATE TABLE IF NOT EXISTS holes (
    projection text NOT NULL,
    source uuid NOT NULL,
    document text NOT NULL,
    expected integer NOT NULL,
    got integer NOT NULL,
    noticed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (projection, source, document)
);
CREATE TABLE IF NOT EXISTS parked (
    consumer text NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    offset_at bigint NOT NULL,
    source uuid,
    sequence integer,
    event text NOT NULL,
    type text NOT NULL,
    error text NOT NULL,
    key bytea,
    value bytea,
    headers bytea NOT NULL,
    parked_at timestamptz NOT NULL DEFAULT now(),
    told boolean NOT NULL DEFAULT false,
    replay_wanted boolean NOT NULL DEFAULT false,
    PRIMARY KEY (consumer, topic, partition, offset_at)
);
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the log is immutable: % on % is refused', TG_OP, TG_TABLE_NAME;
END $$;
CREATE OR REPLACE TRIGGER events_are_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""

# The advisory lock makes the order of commit the order of positions; a counter row or a table lock was measured slower.
_TAKE_LOCK = "PERFORM pg_advisory_xact_lock(4772210, hashtext(current_schema()));"

_INSERT_EVENTS = f"""
    SELECT coalesce(max(e.position), 0) INTO first FROM events e;
    at := clock_timestamp();
    INSERT INTO events (position, recorded_at, {_NAMES})
        SELECT first + u.n, at, {", ".join(f"u.{name}" for name, _ in EVENT_COLUMNS)}
        FROM unnest({_UNNEST}) WITH ORDINALITY AS u({_NAMES}, n);
    INSERT INTO commands (command, recorded_at, fingerprint, outcome, answer)
        SELECT u.command, at, u.fingerprint, u.outcome, u.answer
        FROM unnest(_commands, _fingerprints, _outcomes, _answers) AS u(command, fingerprint, outcome, answer);
"""

_SET_TIMERS = """
    IF cardinality(_woken) > 0 THEN
        DELETE FROM timers t USING unnest(_woken, _wake, _due) AS u(aggregate, command, due)
            WHERE u.due IS NULL AND t.aggregate = u.aggregate AND t.command = u.command;
        INSERT INTO timers (aggregate, command, due_at)
            SELECT u.aggregate, u.command, u.due FROM unnest(_woken, _wake, _due) AS u(aggregate, command, due)
            WHERE u.due IS NOT NULL
            ON CONFLICT (aggregate, command) DO UPDATE SET due_at = excluded.due_at;
    END IF;
    PERFORM pg_notify('carelog_appended', '');
"""

# What must still be so: a new event's predecessor is the newest of its aggregate, a demanded version is the newest of
# its own.
_UNMET = """EXISTS (
        SELECT FROM unnest(_needed, _needed_at) AS u(aggregate, version)
        WHERE EXISTS (SELECT FROM events e WHERE e.aggregate = u.aggregate AND e.version = u.version + 1)
           OR u.version > 0
              AND NOT EXISTS (SELECT FROM events e WHERE e.aggregate = u.aggregate AND e.version = u.version)
    )"""

# Optimistic: writes a whole batch and lets the unique keys decide. Any violation undoes all of it.
APPEND_BATCH = f"""
CREATE OR REPLACE FUNCTION append_batch({_ARRAYS}, {_REST}, OUT first bigint, OUT at timestamptz)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    {_TAKE_LOCK}
    IF cardinality(_needed) > 0 AND {_UNMET} THEN
        RAISE EXCEPTION 'conflict' USING ERRCODE = 'unique_violation';
    END IF;
    {_INSERT_EVENTS}
    {_SET_TIMERS}
END $$;
"""

# Exact: one command, looked at before it is written. Under the lock nobody can come between the look and the write.
APPEND_ONE = f"""
CREATE OR REPLACE FUNCTION append_one({_ARRAYS}, {_REST},
    OUT first bigint, OUT at timestamptz, OUT outcome text, OUT kept_fingerprint bytea, OUT kept_outcome text,
    OUT kept_answer bytea)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    {_TAKE_LOCK}
    SELECT 'duplicate', c.fingerprint, c.outcome, c.answer INTO outcome, kept_fingerprint, kept_outcome, kept_answer
        FROM commands c WHERE c.command = _commands[1];
    IF FOUND THEN RETURN; END IF;
    IF {_UNMET} OR EXISTS (
        SELECT FROM unnest(_aggregate, _version) AS u(aggregate, version)
        JOIN events e ON e.aggregate = u.aggregate AND e.version = u.version
    ) THEN
        outcome := 'conflict';
        RETURN;
    END IF;
    {_INSERT_EVENTS}
    {_SET_TIMERS}
    outcome := 'stored';
END $$;
"""


async def prepare(connection: Connection) -> None:
    """Makes the tables and functions where they are not there yet. Several processes may call it at once."""
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock(4772211)")
        await connection.execute(TABLES)
        await connection.execute(APPEND_BATCH)
        await connection.execute(APPEND_ONE)
        await connection.execute("INSERT INTO log (schema_version) VALUES ($1) ON CONFLICT DO NOTHING", SCHEMA_VERSION)
        await connection.execute("INSERT INTO relay DEFAULT VALUES ON CONFLICT DO NOTHING")

"""The log's tables, and how they come to be there."""

from asyncpg import Connection

from shared.runtime.log.appending import FUNCTIONS

SCHEMA_VERSION = 1

TABLES = """
CREATE TABLE IF NOT EXISTS log (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    epoch integer NOT NULL DEFAULT 1,
    schema_version integer NOT NULL
);
ALTER TABLE log ADD COLUMN IF NOT EXISTS used_before boolean;
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
CREATE TABLE IF NOT EXISTS snapshots (
    aggregate uuid PRIMARY KEY,
    version integer NOT NULL,
    made_by bytea NOT NULL,
    custodian text NOT NULL,
    state bytea NOT NULL
);
CREATE TABLE IF NOT EXISTS timers (
    aggregate uuid NOT NULL,
    command text NOT NULL,
    due_at timestamptz NOT NULL,
    PRIMARY KEY (aggregate, command)
);
CREATE INDEX IF NOT EXISTS timers_due_at ON timers (due_at);
ALTER TABLE timers ADD COLUMN IF NOT EXISTS tries integer NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS retry_at timestamptz, ADD COLUMN IF NOT EXISTS failed_due timestamptz;
CREATE TABLE IF NOT EXISTS relay (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    position bigint NOT NULL DEFAULT 0
);
ALTER TABLE relay ADD COLUMN IF NOT EXISTS holder uuid, ADD COLUMN IF NOT EXISTS renewed_at timestamptz,
    ADD COLUMN IF NOT EXISTS rewind_to bigint, ADD COLUMN IF NOT EXISTS extents text;
CREATE TABLE IF NOT EXISTS holes (
    projection text NOT NULL,
    source uuid NOT NULL,
    document text NOT NULL,
    expected integer NOT NULL,
    got integer NOT NULL,
    noticed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (projection, source, document)
);
ALTER TABLE holes ADD COLUMN IF NOT EXISTS owner text, ADD COLUMN IF NOT EXISTS tries integer NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS next_at timestamptz NOT NULL DEFAULT now(), ADD COLUMN IF NOT EXISTS trouble text;
CREATE TABLE IF NOT EXISTS compared (
    consumer text NOT NULL,
    owner text NOT NULL,
    position bigint NOT NULL,
    compared_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer, owner)
);
CREATE TABLE IF NOT EXISTS duties (
    name text PRIMARY KEY,
    holder uuid NOT NULL,
    renewed_at timestamptz NOT NULL
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
    again_at timestamptz,
    PRIMARY KEY (consumer, topic, partition, offset_at)
);
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the log is immutable: % on % is refused', TG_OP, TG_TABLE_NAME;
END $$;
CREATE OR REPLACE TRIGGER events_are_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""

# A session of somebody else's that appends and then says nothing holds the lock of the append: this ends it. Where an
# administrator has said a limit already, or we may not say one, it stays as it is.
_LIMIT_OTHERS = """
DO $$ BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase, unnest(s.setconfig) AS said
        WHERE d.datname = current_database() AND s.setrole = 0
            AND said LIKE 'idle_in_transaction_session_timeout=%'
    ) THEN
        EXECUTE format('ALTER DATABASE %I SET idle_in_transaction_session_timeout = 5000', current_database());
    END IF;
EXCEPTION WHEN insufficient_privilege THEN NULL;
END $$;
"""


# Whether there were commands before reactions were compared with the log: said once, when the column comes to be.
_OLD_OR_NEW = "UPDATE log SET used_before = EXISTS (SELECT FROM commands) WHERE used_before IS NULL"


async def prepare(connection: Connection) -> None:
    """Makes the tables and functions where they are not there yet. Several processes may call it at once."""
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock(4772211)")
        await connection.execute(TABLES)
        await connection.execute(FUNCTIONS)
        await connection.execute(_LIMIT_OTHERS)
        await connection.execute("INSERT INTO log (schema_version) VALUES ($1) ON CONFLICT DO NOTHING", SCHEMA_VERSION)
        await connection.execute("INSERT INTO relay DEFAULT VALUES ON CONFLICT DO NOTHING")
        await connection.execute(_OLD_OR_NEW)

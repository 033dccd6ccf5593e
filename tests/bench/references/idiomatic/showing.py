"""Shows a document for each event of the topic: `python -m ...showing`, told by the environment."""

import asyncio
import os
from uuid import UUID

import asyncpg
from faststream import FastStream
from faststream.kafka import KafkaBroker
from pydantic import BaseModel

TOPIC = "idiomatic.counters"
TABLE = "CREATE TABLE IF NOT EXISTS documents (id uuid PRIMARY KEY, body jsonb NOT NULL)"
_UPSERT = "INSERT INTO documents (id, body) VALUES ($1, $2::jsonb) ON CONFLICT (id) DO UPDATE SET body = excluded.body"

broker = KafkaBroker(os.environ.get("KAFKA", ""), logger=None)
app = FastStream(broker, logger=None)
pools: list["asyncpg.Pool[asyncpg.Record]"] = []


class Opened(BaseModel):
    """What the topic says."""

    id: UUID
    limit: int
    note: str


@app.on_startup
async def connect() -> None:
    pools.append(await asyncpg.create_pool(os.environ["POSTGRES"]))


@broker.subscriber(TOPIC, group_id="documents", auto_offset_reset="earliest")
async def show(opened: Opened) -> None:
    await pools[0].execute(_UPSERT, opened.id, opened.model_dump_json())


if __name__ == "__main__":
    asyncio.run(app.run())

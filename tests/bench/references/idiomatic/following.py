"""Follows the application and publishes each of its events: `python -m ...following`, told by the environment."""

import asyncio
import os
from typing import Any

from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner
from faststream.kafka import KafkaBroker

from tests.bench.references.idiomatic.application import Counter, Counters
from tests.bench.references.idiomatic.showing import TOPIC, Opened

broker = KafkaBroker(os.environ.get("KAFKA", ""), acks="all", enable_idempotence=True, logger=None)
publisher = broker.publisher(TOPIC)
_LOOP: list[asyncio.AbstractEventLoop] = []


class Published(Projection[PostgresTrackingRecorder]):
    """Says on the topic what was recorded."""

    topics = ()

    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        if isinstance(domain_event, Counter.Opened):  # type: ignore[attr-defined]
            opened = Opened(id=domain_event.originator_id, limit=domain_event.limit, note=domain_event.note)
            sent = publisher.publish(opened, key=str(opened.id).encode())
            asyncio.run_coroutine_threadsafe(sent, _LOOP[0]).result()
        self.view.insert_tracking(tracking)


async def follow() -> None:
    """Until the process is ended."""
    _LOOP.append(asyncio.get_running_loop())
    async with broker:
        await broker.start()
        with ProjectionRunner(
            application_class=Counters, projection_class=Published, view_class=PostgresTrackingRecorder
        ) as runner:
            await asyncio.to_thread(runner.run_forever)


if __name__ == "__main__":
    asyncio.run(follow())

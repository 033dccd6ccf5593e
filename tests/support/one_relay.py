"""A relay of the counters as a process of its own: `python -m tests.support.one_relay <database> <kafka>`."""

import asyncio
import sys
from functools import partial

from shared.runtime.bus.kafka import kafka_outlet
from shared.runtime.bus.lease import LogLease
from shared.runtime.bus.relay import Relay
from shared.runtime.log import Log
from shared.runtime.publishing import Publisher
from tests.integration.runtime.asking import Known
from tests.support.counters import service


async def run(database: str, kafka: str) -> None:
    log = Log(dsn=database, nearness=Known())
    await log.start()
    relay = Relay(
        log=log,
        lease=LogLease(connect=log.connect),
        publisher=Publisher(service, epoch=1),
        outlet=partial(kafka_outlet, bootstrap=kafka),
    )
    await relay.run()


if __name__ == "__main__":
    asyncio.run(run(*sys.argv[1:]))

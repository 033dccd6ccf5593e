"""A running service: its log, documents, doors and workers, made from its `Service` record and its settings."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import Any
from uuid import UUID

from shared.contracts.catalogue import SERVICES, topic_of
from shared.kernel import Field, Invalid, OrganizationId
from shared.runtime.bus.deadletters import DeadLetters
from shared.runtime.bus.feeds import Feeds
from shared.runtime.bus.kafka import inlets, kafka_outlet
from shared.runtime.bus.lease import LogLease
from shared.runtime.bus.relay import Relay
from shared.runtime.bus.topics import ensure_dead_letter_topics
from shared.runtime.bus.watch import KafkaWatch
from shared.runtime.documents.opening import open_documents
from shared.runtime.documents.port import Collection, Documents
from shared.runtime.documents.postgres import PostgresDocuments
from shared.runtime.feed import LogFeed
from shared.runtime.log import Log
from shared.runtime.projecting import collection_name
from shared.runtime.projection import Journal, Projection
from shared.runtime.publishing import Publisher
from shared.runtime.reading import Awaits, Reader, Shelf
from shared.runtime.relations import HeardRelations, Relations
from shared.runtime.reports import Reports
from shared.runtime.service import Service
from shared.runtime.settings import Settings
from shared.runtime.standing import Standing
from shared.runtime.telemetry.metrics import Metrics
from shared.runtime.telemetry.pulse import Pulse
from shared.runtime.workers import Workers

TOPICS = tuple(topic_of(service) for service in SERVICES)


class Runtime:
    """`start`, then serve, relay and work as the process's role says, then `stop`."""

    def __init__(self, *, service: Service, settings: Settings) -> None:
        self.service = service
        self.settings = settings
        self.projections = tuple(one.settled(settings) for one in service.projections)
        self.parts: Mapping[type[Any], Any] = {}
        self.relay: Relay | None = None
        self.workers: Workers | None = None
        self.background: dict[str, asyncio.Task[None]] = {}
        self.metrics = Metrics(service=service.name)
        self.pulse = Pulse()
        self.standing = Standing(pool=lambda: self.log.pool)

    async def start(self) -> None:
        """Nothing stays open where this raises, so that it may be tried again."""
        async with AsyncExitStack() as stack:
            await self._open(stack)
            self._opened = stack.pop_all()
        self.publisher = Publisher(self.service, epoch=self.log.epoch)
        self.feed = LogFeed(log=self.log, publisher=self.publisher)
        self.feeds = Feeds(own={self.service.name: self.feed}, settings=self.settings)
        shelf = Shelf(store=self.documents)
        awaits = Awaits(shelf=shelf, places=self._places, limit=self.settings.wait_limit)
        self.reader = Reader(shelf=shelf, nearness=self.nearness, awaits=awaits)
        self.parts = {type(part): part for part in self.service.parts(self)}

    async def _open(self, stack: AsyncExitStack) -> None:
        """The stores; `stack` closes those that are open, the last one first."""
        self._beside = await PostgresDocuments.open(dsn=self.settings.postgres)
        stack.push_async_callback(self._beside.close)
        self.documents: Documents = await open_documents(self.service.name, self.settings, beside=self._beside)
        if self.documents is not self._beside:
            stack.push_async_callback(self.documents.close)
        await self._prepare()
        self.nearness = HeardRelations(shelf=Shelf(store=self._beside), own=self._registered_here)
        self.log = Log(dsn=self.settings.postgres, nearness=self.nearness, queue=self.settings.append_queue)
        stack.push_async_callback(self.log.stop)
        await self.log.start()

    async def stop(self) -> None:
        await self.feeds.close()
        await self._opened.aclose()

    async def _prepare(self) -> None:
        """The first generation of every collection is there before the first read."""
        for projection in self.projections:
            await _prepare_first(self.documents, projection)
        await _prepare_first(self._beside, Relations())

    def make_relay(self) -> Relay:
        lease, topic = LogLease(connect=self.log.connect), topic_of(self.service.name)
        kafka, replicas, extents = self.settings.kafka, self.settings.kafka_replicas, lease.extents
        self.relay = Relay(
            log=self.log,
            lease=lease,
            publisher=self.publisher,
            outlet=partial(kafka_outlet, bootstrap=kafka, acknowledged=extents.acknowledged),
            watch=KafkaWatch(bootstrap=kafka, topic=topic, replicas=replicas, extents=extents),
        )
        return self.relay

    def make_workers(self) -> Workers:
        self.workers = Workers(
            service=self.service,
            projections=self.projections,
            log=self.log,
            store=self.documents,
            relations=self._beside,
            inlets=inlets(bootstrap=self.settings.kafka, instance=self.settings.instance),
            feeds=self.feeds,
            letters=DeadLetters(
                log=self.log,
                outlet=partial(kafka_outlet, bootstrap=self.settings.kafka),
                topics=partial(
                    ensure_dead_letter_topics, bootstrap=self.settings.kafka, replicas=self.settings.kafka_replicas
                ),
            ),
            parts=self.parts,
        )
        return self.workers

    async def alive(self) -> Mapping[str, str | None]:
        ended = [name for name, task in self.background.items() if task.done()]
        return {
            "committer": None if self.log.committer.alive else "ended",
            "background": f"ended: {', '.join(ended)}" if ended else None,
            "workers": self.workers.trouble() if self.workers else None,
        }

    async def ready(self) -> Mapping[str, str | None]:
        """Commands need the log alone: a broker or document store that is away does not take the doors away."""
        await self.log.head()
        return {"log": None, **await self.alive()}

    async def problems(self) -> Sequence[str]:
        """What stands until it is mended, a line each."""
        return await Reports(log=self.log).problems()

    async def _registered_here(self, organization: OrganizationId, patient: UUID) -> bool:
        """An owner's own patients are judged by its own log, at once."""
        stream = await self.log.stream(patient, up_to=1)
        return bool(stream) and stream[0].organization == organization and stream[0].patient == patient

    async def _places(
        self, projection: type[Projection[Any]], aggregate: UUID, version: int
    ) -> tuple[Collection, Sequence[str]]:
        """Where this version of an aggregate shows: a journal's source row; a document by its owner's own log."""
        shelf = Shelf(store=self.documents)
        live = await shelf.collection(projection)
        if issubclass(projection, Journal):
            return Collection(f"{live.name}_sources", {}), [str(aggregate)]
        stream = await self.log.stream(aggregate, up_to=1)
        if not stream:
            raise Invalid(Field("Carelog-Wait-For", "names no aggregate of this service", "value"))
        envelope = self.publisher.contract(stream[0]).envelope
        kept = next(one for one in self.projections if isinstance(one, projection))
        return live, list(kept.where(envelope))


async def _prepare_first(store: Documents, projection: Projection[Any]) -> None:
    name = collection_name(projection, 1)
    await store.prepare(Collection(name, projection.fields, projection.indexes))
    if isinstance(projection, Journal):
        await store.prepare(Collection(f"{name}_sources", {}))

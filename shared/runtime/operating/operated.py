"""One service as an operator's process sees it: its record and its settings. Nothing of it runs here.

Each engine is asked by itself and within a time: what is away is named, and the rest is told all the same.
"""

import asyncio
import getpass
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

import asyncpg
from aiokafka.errors import (
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    NodeNotReadyError,
    RequestTimedOutError,
)

from shared.contracts.catalogue import topic_of
from shared.kernel import Unavailable
from shared.runtime.bus.feeds import Feeds
from shared.runtime.documents.opening import open_documents
from shared.runtime.documents.port import Documents as Store
from shared.runtime.documents.postgres import PostgresDocuments
from shared.runtime.feed import LogFeed
from shared.runtime.log import Log
from shared.runtime.nearness import Stranger
from shared.runtime.projection import Projection
from shared.runtime.publishing import Publisher
from shared.runtime.relations import Relations
from shared.runtime.service import Service
from shared.runtime.settings import Settings

T = TypeVar("T")
_WORK = 10.0
"""seconds for a statement that does something, however short the patience for questions is"""


TRANSIENT = (
    Unavailable,
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InterfaceError,
    KafkaError,
)
"""what another moment may mend"""


REFUSED = (asyncpg.PostgresError,)
"""what no other moment mends: a right, a table, a column"""

_SILENT = (KafkaConnectionError, KafkaTimeoutError, NodeNotReadyError, RequestTimedOutError)


class Away(Exception):
    """An engine does not answer; the message says which one, and what may be done."""


class Unknown(Exception):
    """There is nothing of that name; the message says what there is."""


@dataclass(frozen=True, kw_only=True)
class Operated:
    """`patience`: seconds for each question to an engine."""

    service: Service
    settings: Settings
    patience: float = 10.0

    @property
    def projections(self) -> Sequence[Projection[Any]]:
        """Its own as its settings want them, and the runtime's."""
        return (*(one.settled(self.settings) for one in self.service.projections), Relations())

    def projection(self, name: str) -> Projection[Any]:
        """Raises `Unknown`."""
        for one in self.projections:
            if one.name == name:
                return one
        there = ", ".join(one.name for one in self.projections)
        raise Unknown(f"{self.service.name} has no projection {name}; it has {there}.")

    @property
    def topics(self) -> Sequence[str]:
        """All that it hears, and its own."""
        heard = {topic_of(service) for one in self.projections for service in one.hears}
        return sorted({self.service.topic, *heard, *(reaction.topic for reaction in self.service.reactions)})

    @asynccontextmanager
    async def log(self) -> AsyncIterator["asyncpg.Pool[Any]"]:
        """Its database. Raises `Away`."""
        pool = await asked("PostgreSQL", self.postgres_place, self.patience, self._pool)
        try:
            yield pool
        finally:
            pool.terminate()  # what is still asked of it is not waited for

    @asynccontextmanager
    async def started_log(self) -> AsyncIterator[Log]:
        """Its log, as a process of its own has it: for what changes something. Raises `Away`."""
        log = Log(dsn=self.settings.postgres, nearness=Stranger())
        try:
            await asked("PostgreSQL", self.postgres_place, max(self.patience, _WORK), log.start)
            yield log
        finally:
            await log.stop()

    def feeds(self, log: Log) -> Feeds:
        """The owners' feeds, its own log among them. To be closed."""
        own = LogFeed(log=log, publisher=Publisher(self.service, epoch=log.epoch))
        return Feeds(own={self.service.name: own}, settings=self.settings)

    async def _pool(self) -> "asyncpg.Pool[Any]":
        return await asyncpg.create_pool(
            self.settings.postgres,
            min_size=1,
            max_size=4,
            timeout=self.patience,
            command_timeout=max(self.patience, _WORK),
            server_settings={"application_name": "carelog operator", "jit": "off"},
        )

    @asynccontextmanager
    async def stores(self) -> AsyncIterator["Stores"]:
        """Where its documents are. Raises `Away`."""
        async with AsyncExitStack() as stack:
            beside = await asked(
                "PostgreSQL",
                self.postgres_place,
                self.patience,
                lambda: PostgresDocuments.open(
                    dsn=self.settings.postgres, connections=4, patience=max(self.patience, _WORK)
                ),
            )
            stack.push_async_callback(beside.close)
            own = await open_documents(self.service.name, self.settings, beside=beside)
            if own is not beside:
                stack.push_async_callback(own.close)
            yield Stores(own=own, beside=beside)

    @property
    def postgres_place(self) -> str:
        return self._place(self.settings.postgres)

    @property
    def kafka(self) -> str:
        return self.settings.kafka

    @property
    def documents_place(self) -> str:
        return self.postgres_place if self.settings.documents == "postgres" else self._place(self.settings.documents)

    @staticmethod
    def _place(address: str) -> str:
        """Host and database of an address: never its user or password."""
        found = urlsplit(address)
        host = found.netloc.rsplit("@", 1)[-1] or "a local socket"
        return f"{host}{found.path}"


@dataclass(frozen=True, slots=True)
class Stores:
    """A service's documents, and those of the runtime's own projection, which are beside the log in every mode."""

    own: Store
    beside: Store

    def of(self, projection: Projection[Any]) -> Store:
        return self.beside if isinstance(projection, Relations) else self.own


async def asked(engine: str, place: str, patience: float, question: Callable[[], Awaitable[T]]) -> T:
    """The answer. Raises `Away` where there is none within `patience` seconds."""
    try:
        async with asyncio.timeout(patience):
            return await question()
    except TimeoutError:
        raise Away(f"{engine} ({place}) does not answer within {patience:g} s.") from None
    except TRANSIENT as error:
        if isinstance(error, KafkaError) and not isinstance(error, _SILENT):
            raise Away(f"{engine} ({place}) refuses ({type(error).__name__}).") from None
        raise Away(f"{engine} ({place}) does not answer ({type(error).__name__}).") from None
    except asyncpg.PostgresError as error:
        raise Away(f"{engine} ({place}) refuses ({type(error).__name__}).") from None


def who() -> str:
    """Who is at the keyboard, for the record: a name and a machine, and the process there."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container's user has no name
        name = str(os.getuid())
    return f"{name}@{socket.gethostname()}:{os.getpid()}"

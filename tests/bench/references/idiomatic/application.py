"""The application, in the library's declarative form."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event

THREADS = 16


class Counter(Aggregate):
    """Can be opened."""

    @event("Opened")
    def __init__(self, limit: int, note: str) -> None:
        self.limit = limit
        self.note = note


class Counters(Application[UUID]):
    """Its one command."""

    def open(self, note: str) -> UUID:
        counter = Counter(limit=1_000_000, note=note)
        self.save(counter)
        return counter.id

    def open_many(self, count: int, note: str) -> None:
        """By as many threads as ours has clients."""
        with ThreadPoolExecutor(THREADS) as clients:
            list(clients.map(self.open, [note] * count))


def environment_of(dsn: str) -> Mapping[str, str]:
    """How the library is told of a database."""
    address = urlsplit(dsn)
    hosts = parse_qs(address.query).get("host", [""])
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": address.path.removeprefix("/"),
        "POSTGRES_HOST": address.hostname or hosts[0],
        "POSTGRES_PORT": str(address.port or 5432),
        "POSTGRES_USER": address.username or "",
        "POSTGRES_PASSWORD": address.password or "none",
        "POSTGRES_POOL_SIZE": str(THREADS),
    }

"""All of Carelog: the five services as `carelog demo` runs them, over Apache Kafka where it can be had."""

import asyncio
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path

import psutil

from deploy.embedded.home import Home
from deploy.story.cast import Caller
from shared.contracts.catalogue import SERVICES, contracts
from shared.contracts.envelope import Contract
from shared.runtime.documents.port import Documents
from shared.runtime.documents.postgres import PostgresDocuments
from shared.runtime.service import Service
from tests.faults.grounds.broker import native_kafka
from tests.support.engines.native import NativeEngine
from tests.support.system import System, until


class Five:
    """A `Ground`. The supervisor starts again what dies; nobody else does."""

    def __init__(self, *, folder: Path) -> None:
        self.kafka_engine: NativeEngine | None = native_kafka(run=folder)
        """None: the development broker, which the supervisor keeps"""
        self.system = System(home=Home(folder / "home"), kafka=self.kafka_engine)
        self.services: Mapping[str, Service] = {
            name: import_module(f"services.{name}.service").service for name in SERVICES
        }
        self.contracts: Mapping[str, type[Contract]] = contracts()

    async def start(self) -> None:
        await asyncio.to_thread(self.system.start)

    async def stop(self) -> None:
        await asyncio.to_thread(self.system.stop)

    @property
    def kafka(self) -> str:
        return self.system.running.kafka

    def database(self, service: str) -> str:
        return self.system.running.databases[service]

    def addresses(self, service: str) -> Sequence[str]:
        return (self.system.running.services[service],)

    def token(self, caller: Caller) -> str:
        return self.system.token(caller)

    async def documents(self, service: str) -> Documents:
        return await self.beside(service)

    async def beside(self, service: str) -> Documents:
        return await PostgresDocuments.open(dsn=self.database(service), connections=2)

    def written(self) -> Sequence[Path]:
        home = self.system.home
        return [home.path / "demo.log", home.postgres / "log", *home.logs.glob("*.log*")]

    def process(self, name: str) -> psutil.Process:
        """The process of a service (or of `broker`), as it is now; waits for one that is being started."""
        found: list[psutil.Process] = []

        def there() -> bool:
            mark = self.system.running.children.get(name)
            found[:] = [mark.process] if mark and mark.process else []
            return bool(found)

        until(there, patience=60)
        return found[0]

    @property
    def postmaster(self) -> psutil.Process:
        """PostgreSQL's first process."""
        return next(one for one in self.system.processes() if "-D" in one.cmdline() and "postgres" in one.name())

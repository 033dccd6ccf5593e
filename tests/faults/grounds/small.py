"""One small service, the counters, as real processes over a PostgreSQL and a broker of its own: for log and bus."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import httpx
import psutil

from deploy.embedded.home import Mark
from deploy.embedded.issuer import AUDIENCE, ISSUER, Issuer
from deploy.embedded.ports import HOST, chosen_ports
from deploy.embedded.postgres import LocalPostgres, PostgresUnavailable
from deploy.embedded.processes import Keeper, Program
from deploy.story.cast import Caller
from shared.contracts.envelope import Contract
from shared.runtime.documents.mongodb import MongoDocuments
from shared.runtime.documents.port import Documents
from shared.runtime.documents.postgres import PostgresDocuments
from shared.runtime.service import Service
from shared.runtime.workers import background
from tests.faults.grounds.broker import native_kafka
from tests.faults.grounds.counting import with_counters
from tests.support.counters import service as counters
from tests.support.engines.native import NativeEngine

_ROOT = Path(__file__).parents[3]
_PATIENCE = 60.0
_LOOK = 2.0


class NotReady(RuntimeError):
    """A process of the small system does not become ready; the message ends with its last words."""


@dataclass(kw_only=True)
class Small:
    """A `Ground`. `told` is more environment for its processes; the folders may lie elsewhere (on a small disk).

    Every process is started again when it dies, as a supervisor or Kubernetes does it.
    """

    folder: Path
    postgres_home: Path | None = None
    broker_home: Path | None = None
    apache: bool = True
    """Apache Kafka where it can be had; else the development broker"""
    told: Mapping[str, str] = field(default_factory=dict)
    keepers: dict[str, Keeper] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)
    services: Mapping[str, Service] = field(default_factory=lambda: {"records": counters})
    contracts: Mapping[str, type[Contract]] = field(default_factory=with_counters)
    kafka_engine: NativeEngine | None = None

    def __post_init__(self) -> None:
        self._postgres_home = self.postgres_home or self.folder / "postgres"
        self.postgres = LocalPostgres(home=self._postgres_home)
        self.issuer = Issuer(self.folder / "issuer")
        self.kafka_engine = native_kafka(run=self.broker_home or self.folder) if self.apache else None

    # start and stop --------------------------------------------------------------------------------------------------

    async def start(self, *processes: str) -> None:
        """Everything answers when this returns. A process is named by its role: `all`, `api`, `api-2`, `relay` ..."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.issuer.prepare()
        await asyncio.to_thread(self.postgres.start)
        await asyncio.to_thread(self.postgres.ensure_database, name="counters")
        await self._start_broker()
        await self.run(*(processes or ("all",)))

    async def run(self, *processes: str) -> None:
        """Starts more processes; returns when they are ready."""
        for name in processes:
            self._keep(name, self._line(name), self.environment(name))
        await asyncio.gather(*(self.ready(name) for name in processes))

    async def end(self, *processes: str, patience: float = 15.0) -> None:
        """These stop, politely, and are not started again."""
        await asyncio.gather(*(self.keepers.pop(name).stop(patience=patience) for name in processes))

    async def renew(self, name: str, *, told: Mapping[str, str] | None = None) -> None:
        """A process ends and another one takes its place, which is told this, too."""
        await self.keepers[name].stop(patience=15)
        self._keep(name, self._line(name), {**self.environment(name), **(told or {})})
        await self.ready(name)

    async def stop(self) -> None:
        await self.end(*(name for name in list(self.keepers) if name != "broker"))
        await self.end(*self.keepers)
        if self.kafka_engine:
            await asyncio.to_thread(self.kafka_engine.stop)
        await asyncio.to_thread(self.postgres.stop)

    @asynccontextmanager
    async def keeping_postgres(self) -> AsyncIterator[None]:
        """A database that ends meanwhile is started again, as the supervisor of the embedded mode does it."""
        async with background(self._keep_postgres(), "keeping PostgreSQL"):
            yield

    async def _keep_postgres(self) -> None:
        while True:
            await asyncio.sleep(_LOOK)
            try:
                connection = await asyncpg.connect(self.database("records"), timeout=5)
                await connection.close()
            except (OSError, asyncpg.PostgresError, TimeoutError):
                with suppress(PostgresUnavailable):
                    await asyncio.to_thread(self.postgres.start)

    async def ready(self, name: str, *, within: float = _PATIENCE) -> None:
        """Returns when the process says that it is ready. Raises `NotReady`."""
        deadline = asyncio.get_running_loop().time() + within
        async with httpx.AsyncClient(timeout=2, trust_env=False) as client:
            while not await self._is_ready(client, name):
                if asyncio.get_running_loop().time() > deadline:
                    raise NotReady(f"{name} is not ready after {within:.0f} s:\n{self.keepers[name].last_words}")
                await asyncio.sleep(0.05)

    async def _is_ready(self, client: httpx.AsyncClient, name: str) -> bool:
        try:
            return (await client.get(f"{self._address(name)}/health/ready")).status_code == 200
        except httpx.HTTPError:
            return False

    async def _start_broker(self) -> None:
        if self.kafka_engine:
            await asyncio.to_thread(self.kafka_engine.start)
        else:
            self.ports.setdefault("broker", chosen_ports(said="0")["broker"])
            home = str((self.broker_home or self.folder) / "broker")
            line = [sys.executable, "-m", "deploy.embedded.broker", "--data", home]
            self._keep("broker", [*line, "--port", str(self.ports["broker"])], _inherited())

    def _keep(self, name: str, line: Sequence[str], environment: Mapping[str, str]) -> None:
        program = Program(name=name, line=line, environment=environment, log=self.folder / f"{name}.log")
        self.keepers[name] = Keeper(program=program, noticed=lambda: None)
        self.keepers[name].start()

    def _line(self, name: str) -> list[str]:
        return [sys.executable, "-m", "tests.faults.grounds.counting", name.split("-")[0]]

    def environment(self, name: str) -> dict[str, str]:
        """What a process is told; `told` has the last word."""
        self.ports.setdefault(name, chosen_ports(said="0")["records"])
        own = {
            "CARELOG_POSTGRES": self.database("records"),
            "CARELOG_KAFKA": self.kafka,
            "CARELOG_ISSUER": ISSUER,
            "CARELOG_ISSUER_KEYS": str(self.issuer.key_set),
            "CARELOG_AUDIENCE": AUDIENCE,
            "CARELOG_HOST": HOST,
            "CARELOG_PORT": str(self.ports[name]),
            "CARELOG_INSTANCE": name,
        }
        return {**_inherited(), **own, **self.told}

    # what the oracle asks --------------------------------------------------------------------------------------------

    @property
    def kafka(self) -> str:
        return self.kafka_engine.address if self.kafka_engine else f"{HOST}:{self.ports['broker']}"

    def database(self, service: str) -> str:
        return self.postgres.dsn(database="counters")

    def addresses(self, service: str) -> Sequence[str]:
        return [self._address(name) for name in self.keepers if name.split("-")[0] in ("api", "all")]

    def _address(self, name: str) -> str:
        return f"http://{HOST}:{self.ports[name]}"

    def token(self, caller: Caller) -> str:
        return caller.token(issuer=self.issuer)

    async def documents(self, service: str) -> Documents:
        if address := self.told.get("CARELOG_DOCUMENTS"):
            return await MongoDocuments.open(url=address, database=f"carelog_{service}")
        return await self.beside(service)

    async def beside(self, service: str) -> Documents:
        return await PostgresDocuments.open(dsn=self.database(service), connections=2)

    def written(self) -> Sequence[Path]:
        return [self.postgres_log, *self.folder.glob("*.log*")]

    # what is done to it ----------------------------------------------------------------------------------------------

    def process(self, name: str) -> psutil.Process:
        """The process as it is now. Raises `LookupError` where it is between two lives."""
        mark: Mark | None = self.keepers[name].mark
        if mark is None or mark.process is None:
            raise LookupError(f"{name} is not running")
        return mark.process

    async def metrics(self, name: str) -> str:
        """What a process measures of itself; nothing where it does not answer."""
        async with httpx.AsyncClient(timeout=2, trust_env=False) as client:
            with suppress(httpx.HTTPError):
                return (await client.get(f"{self._address(name)}/metrics")).text
        return ""

    @property
    def postgres_log(self) -> Path:
        return self._postgres_home / "log"

    @property
    def postmaster(self) -> psutil.Process:
        return psutil.Process(int((self._postgres_home / "data" / "postmaster.pid").read_text().split("\n")[0]))


def _inherited() -> dict[str, str]:
    """Ours, with this very tree on the path, and nothing that would lead a process elsewhere."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("CARELOG_", "PG"))}
    return {**ours, "PYTHONPATH": str(_ROOT), "PYTHONUNBUFFERED": "1"}

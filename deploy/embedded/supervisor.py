"""Starts the local PostgreSQL, the broker and the five services, watches them, and stops them in order.
Inside `async with Supervisor(home=home, wanted=wanted)` everything runs; afterwards nothing of it does.
"""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Coroutine, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import timedelta
from time import monotonic
from types import TracebackType
from typing import IO, Any, Self

import asyncpg
import httpx

from deploy.embedded.home import Home, Mark, Running
from deploy.embedded.plan import Wanted, broker_program, service_addresses, service_programs
from deploy.embedded.ports import BROKER, HOST, taken
from deploy.embedded.postgres import LocalPostgres, PostgresUnavailable
from deploy.embedded.processes import Keeper, Program, bound_log, end_leftovers
from deploy.trouble import Trouble
from shared.contracts.catalogue import SERVICES

START_LIMIT = 120.0
"""seconds in which everything must be ready at the first start"""
_DEATHS_AT_START = 3
_LOOK = 5.0
_SILENT_FOR = 45.0
"""seconds without a sign of life after which a service is started anew"""
_FEED_TOKEN = timedelta(hours=1)
"""how long the token for the feeds is good; a new one is written long before"""
_LARGEST_LOG = 20 * 1024 * 1024
_SERVICES_MAY_TAKE = 6.0
_BROKER_MAY_TAKE = 2.0


class AlreadyRunning(Trouble):
    """Another supervisor has this home."""


class Supervisor:
    """One machine's Carelog. Raises `Trouble` where it cannot start; then nothing of it runs either."""

    def __init__(self, *, home: Home, wanted: Wanted) -> None:
        self._home = home
        self._wanted = wanted
        self._postgres = LocalPostgres(home=home.postgres)
        self._keepers: dict[str, Keeper] = {}
        self._databases: Mapping[str, str] = {}
        self._ready = False
        self._open = AsyncExitStack()

    @property
    def running(self) -> Running:
        return Running(
            supervisor=Mark.of(pid=os.getpid()),
            services=service_addresses(ports=self._wanted.ports),
            kafka=self._wanted.bootstrap(),
            is_development_broker=self._wanted.kafka is None,
            documents=self._wanted.documents,
            channel=self._wanted.channel_in(self._home),
            ready=self._ready,
            children={name: keeper.mark for name, keeper in self._keepers.items() if keeper.mark},
            databases=self._databases,
        )

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as opening:
            self._prepare_home()
            opening.enter_context(_alone(self._home))
            await asyncio.to_thread(self._clear_the_place)
            opening.callback(self._home.forget)
            opening.push_async_callback(asyncio.to_thread, self._postgres.stop)
            await self._start(opening)
            self._ready = True
            self._home.note(self.running)
            await opening.enter_async_context(_beside(self._watch()))
            self._open = opening.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._open.aclose()

    # start -----------------------------------------------------------------------------------------------------------

    def _prepare_home(self) -> None:
        for folder in (self._home.path, self._home.logs, self._home.outbox):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._home.issuer.prepare()
        self._home.issuer.renew_feed_token(lifetime=_FEED_TOKEN)

    def _clear_the_place(self) -> None:
        """Ends what a killed supervisor left, and sees that nobody else listens where we shall."""
        if noted := self._home.noted():
            end_leftovers(marks=noted.children.values())
        ours = {name: port for name, port in self._wanted.ports.items() if name != BROKER or not self._wanted.kafka}
        if busy := taken(ports=ours):
            said = ", ".join(f"{ours[name]} ({name})" for name in busy)
            raise Trouble(f"Others listen on port {said}: stop them, or move Carelog, for example with --ports 0.")

    async def _start(self, opening: AsyncExitStack) -> None:
        if not self._wanted.kafka:
            opening.push_async_callback(self._stop, [BROKER], _BROKER_MAY_TAKE)
            self._keep(broker_program(home=self._home, port=self._wanted.ports[BROKER]))
        await asyncio.to_thread(self._start_postgres)
        opening.push_async_callback(self._stop, SERVICES, _SERVICES_MAY_TAKE)
        for program in service_programs(home=self._home, wanted=self._wanted, databases=self._databases):
            self._keep(program)
        async with httpx.AsyncClient(timeout=5) as client:
            await asyncio.gather(*(self._wait_for(client, name) for name in self._keepers))

    def _start_postgres(self) -> None:
        try:
            self._postgres.start()
            for name in SERVICES:
                self._postgres.ensure_database(name=name)
        except (PostgresUnavailable, PermissionError) as error:
            raise Trouble(f"The local PostgreSQL does not start: {error}") from None
        self._databases = {name: self._postgres.dsn(database=name) for name in SERVICES}

    def _keep(self, program: Program) -> None:
        self._keepers[program.name] = Keeper(program=program, noticed=lambda: self._home.note(self.running))
        self._keepers[program.name].start()

    async def _stop(self, names: Iterable[str], patience: float) -> None:
        """All of these at once."""
        keepers = [self._keepers[name] for name in names if name in self._keepers]
        await asyncio.gather(*(keeper.stop(patience=patience) for keeper in keepers))

    async def _wait_for(self, client: httpx.AsyncClient, name: str) -> None:
        deadline = monotonic() + START_LIMIT
        while not await self._answers(client, name, "/health/ready"):
            keeper = self._keepers[name]
            if keeper.deaths >= _DEATHS_AT_START or monotonic() > deadline:
                raise Trouble(f"{name} does not start. The end of {keeper.program.log}:\n{keeper.last_words}")
            await asyncio.sleep(0.05)

    async def _answers(self, client: httpx.AsyncClient, name: str, door: str) -> bool:
        if name == BROKER:
            return await _listens(self._wanted.ports[BROKER])
        with suppress(httpx.HTTPError):
            return (await client.get(f"{self.running.services[name]}{door}")).status_code == 200
        return False

    # watch -----------------------------------------------------------------------------------------------------------

    async def _watch(self) -> None:
        """Whoever ends is started again by its keeper; here is seen to those who live and do nothing."""
        seen = dict.fromkeys(self._keepers, monotonic())
        async with httpx.AsyncClient(timeout=_LOOK) as client:
            while True:
                await asyncio.sleep(_LOOK)
                self._home.issuer.renew_feed_token(lifetime=_FEED_TOKEN, after=_FEED_TOKEN / 6)
                await self._see_to_postgres()
                for name, keeper in self._keepers.items():
                    bound_log(log=keeper.program.log, most=_LARGEST_LOG)
                    if await self._answers(client, name, "/health/live"):
                        seen[name] = monotonic()
                    elif monotonic() - seen[name] > _SILENT_FOR:
                        await keeper.renew(patience=_SERVICES_MAY_TAKE)
                        seen[name] = monotonic()

    async def _see_to_postgres(self) -> None:
        try:
            connection = await asyncpg.connect(self._postgres.dsn(database="postgres"), timeout=_LOOK)
            await connection.close()
        except (OSError, asyncpg.PostgresError, TimeoutError):
            with suppress(PostgresUnavailable):
                await asyncio.to_thread(self._postgres.start)


async def _listens(port: int) -> bool:
    with suppress(OSError):
        _, writer = await asyncio.open_connection(HOST, port)
        writer.close()
        return True
    return False


def _alone(home: Home) -> IO[str]:
    """Holds the home. The lock is gone with its holder, however that ended. Raises `AlreadyRunning`."""
    lock = home.lock.open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        noted = home.noted()
        where = ", ".join(noted.services.values()) if noted else "starting or stopping right now"
        raise AlreadyRunning(f"Carelog is running already in {home.path}: {where}.") from None
    return lock


@asynccontextmanager
async def _beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Runs beside what is inside, and ends with it."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

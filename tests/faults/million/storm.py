"""What befalls the system meanwhile: engines and processes are killed and frozen, one after another."""

import asyncio
import signal
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from random import Random

import psutil

from tests.faults.grounds.small import Small

PROCESSES = ("relay", "relay-2", "worker", "worker-2")
_FROZEN = 8.0
"""seconds: longer than the relay's lease"""
_AWAY = 3.0
"""seconds without a broker"""


class Storm:
    """`blows` counts what was done. `run` goes on until cancelled, and leaves everything running or to be restarted."""

    def __init__(self, small: Small, *, random: Random, every: float) -> None:
        self.blows: Counter[str] = Counter()
        self._small = small
        self._random = random
        self._every = every

    async def run(self) -> None:
        kinds: Mapping[str, Callable[[], Awaitable[None]]] = {
            "relay killed": lambda: self._kill("relay"),
            "worker killed": lambda: self._kill("worker"),
            "PostgreSQL killed": self._kill_postgres,
            "Kafka killed": self._kill_kafka,
            "relay frozen": lambda: self._freeze("relay"),
            "worker frozen": lambda: self._freeze("worker"),
        }
        while True:
            for name in self._random.sample(sorted(kinds), len(kinds)):
                await asyncio.sleep(self._every)
                await kinds[name]()
                self.blows[name] += 1

    def _one(self, role: str) -> psutil.Process | None:
        """One of the processes of a role; None: it is between two lives."""
        with suppress(LookupError):
            return self._small.process(self._random.choice([name for name in PROCESSES if name.startswith(role)]))
        return None

    async def _kill(self, role: str) -> None:
        if process := self._one(role):
            with suppress(psutil.NoSuchProcess):
                process.kill()

    async def _freeze(self, role: str) -> None:
        if process := self._one(role):
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGSTOP)
                try:
                    await asyncio.sleep(_FROZEN)
                finally:
                    process.send_signal(signal.SIGCONT)

    async def _kill_postgres(self) -> None:
        with suppress(psutil.NoSuchProcess, FileNotFoundError):
            self._small.postmaster.kill()

    async def _kill_kafka(self) -> None:
        if kafka := self._small.kafka_engine:
            await asyncio.to_thread(kafka.kill)
            try:
                await asyncio.sleep(_AWAY)
            finally:
                await asyncio.to_thread(kafka.start)

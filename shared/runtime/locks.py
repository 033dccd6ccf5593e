"""Locks by key, made when first asked for and forgotten when nobody holds or awaits them."""

import asyncio
from collections.abc import Hashable
from types import TracebackType


class KeyedLocks:
    """One lock for each key in use."""

    def __init__(self) -> None:
        self._locks: dict[Hashable, _Lock] = {}

    def hold(self, key: Hashable) -> "_Hold":
        """For an `async with`."""
        return _Hold(self._locks, key)


class _Lock(asyncio.Lock):
    users = 0


class _Hold:
    """A class and no generator: every command passes here, most of them twice."""

    __slots__ = ("_key", "_lock", "_locks")

    def __init__(self, locks: dict[Hashable, _Lock], key: Hashable) -> None:
        self._locks = locks
        self._key = key

    async def __aenter__(self) -> None:
        lock = self._locks.get(self._key)
        if lock is None:
            lock = self._locks[self._key] = _Lock()
        self._lock = lock
        lock.users += 1
        try:
            await lock.acquire()
        except BaseException:
            self._leave()
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()
        self._leave()

    def _leave(self) -> None:
        self._lock.users -= 1
        if not self._lock.users:
            del self._locks[self._key]

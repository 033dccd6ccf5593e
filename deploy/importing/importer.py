"""The import: what others refer to first, then the patients, a few at once; done when all of it can be found."""

import asyncio
import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.importing.door import Accepted, Door
from deploy.importing.files import Unreadable, files_at, in_turns
from deploy.importing.parcel import Parcel, parcel
from deploy.importing.tally import Tally
from services.records.domain.fhir import TYPES

AT_ONCE = 2
_AWAITED = 20
"""how many versions one read may wait for"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far it is: bytes of files, and resources that are in."""

    bytes_done: int
    bytes_all: int
    resources: int
    waits: bool = False
    """all is sent; what is left is that the timelines show it"""


class Importer:
    def __init__(self, *, door: Door, tell: Callable[[Progress], None] = lambda progress: None) -> None:
        self._door = door
        self._tell = tell
        self._tally = Tally()
        self._shown_by: list[tuple[str, Sequence[str]]] = []
        self._sizes: dict[Path, int] = {}
        self._done = 0

    async def bring_in(self, *, path: Path) -> Tally:
        """Brings in the file or folder. Raises `Trouble` where it cannot go on; what was brought in stays."""
        files = files_at(path=path)
        self._sizes = {file: file.stat().st_size for file in files}
        first, patients = in_turns(files=files)
        with _seldom_collecting():
            await self._several(first)
            await self._several(patients)
        self._report(waits=True)
        for patient, versions in self._shown_by:
            await self._door.visible(patient=patient, versions=versions)
        return self._tally

    async def _several(self, files: Sequence[Path]) -> None:
        """A few on their way at a time, the next one read meanwhile; when one fails, no further one is begun."""
        waiting = list(reversed(files))
        on_the_way = asyncio.Semaphore(AT_ONCE)

        async def work() -> None:
            while waiting:
                await self._one(waiting.pop(), on_the_way)

        try:
            async with asyncio.TaskGroup() as together:
                for _ in range(AT_ONCE + 1):
                    together.create_task(work())
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None  # the others were only cut off by it

    async def _one(self, file: Path, on_the_way: asyncio.Semaphore) -> None:
        try:
            ready = await asyncio.to_thread(parcel, path=file)
        except Unreadable as unreadable:
            self._tally.unreadable(file.name, str(unreadable))
        else:
            async with on_the_way:
                await self._send(ready)
        self._done += self._sizes[file]
        self._report()

    async def _send(self, ready: Parcel) -> None:
        said = await self._door.send(ready)
        if isinstance(said, Accepted):
            self._tally.accept(ready, said.statuses, repeated=said.repeated, reasons=said.reasons)
            self._await(ready, said.locations)
        else:
            self._tally.refuse(ready, said.reasons)

    def _await(self, ready: Parcel, locations: Sequence[str]) -> None:
        """One patient's events come in order: when the last of them are shown, all of them are."""
        theirs = [where for type, where in zip(ready.types, locations, strict=False) if _is_a_patients(type)]
        written = [where.split("/") for where in theirs if "/_history/" in where]
        patient = next((parts[1] for parts in written if parts[0] == "Patient"), None)
        if patient:
            self._shown_by.append((patient, [f"{parts[1]}.{parts[3]}" for parts in written[-_AWAITED:]]))

    def _report(self, *, waits: bool = False) -> None:
        self._tell(
            Progress(
                bytes_done=self._done, bytes_all=sum(self._sizes.values()), resources=self._tally.resources, waits=waits
            )
        )


@contextmanager
def _seldom_collecting() -> Iterator[None]:
    """A Bundle is a million objects, of which none is garbage before it is sent: to look for some every 700 objects
    takes longer than to read it.
    """
    before = gc.get_threshold()
    gc.set_threshold(50_000, 20, 20)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _is_a_patients(type: str) -> bool:
    known = TYPES.get(type)
    return known is not None and known.belongs in ("required", "targets")

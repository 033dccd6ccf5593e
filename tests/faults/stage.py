"""The grounds of a run: started when a row first asks for them, kept for the next ones, left after one that broke."""

import asyncio
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.faults.grounds.five import Five
from tests.faults.grounds.small import Small
from tests.faults.oracle.mirror import Mirror
from tests.faults.oracle.topics import Topics

Played = Five | Small


class Stage:
    """`kept` is where the logs of grounds go that a row has broken."""

    def __init__(self, *, kept: Path) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="carelog-faults-"))
        self._kept = kept
        self._grounds: dict[str, Played] = {}
        self._known: dict[int, tuple[Mirror, Topics]] = {}
        self._borrowed: list[Small] = []
        self._made = 0

    async def five(self) -> Five:
        """All of Carelog."""
        found = self._grounds.get("five")
        if not isinstance(found, Five):
            found = await self._started("five", Five(folder=self.new_folder()))
            assert isinstance(found, Five)
        return found

    async def small(
        self, *, name: str = "small", processes: Sequence[str] = ("all",), small: Small | None = None
    ) -> Small:
        """The small service. One with a `name` of its own is as its row wants it, and for that row alone."""
        found = self._grounds.get(name)
        if not isinstance(found, Small):
            found = small or Small(folder=self.new_folder())
            self._grounds[name] = found
            await found.start(*processes)
        return found

    async def _started(self, name: str, ground: Five) -> Played:
        self._grounds[name] = ground
        await ground.start()
        return ground

    def new_folder(self) -> Path:
        self._made += 1
        folder = self.folder / str(self._made)
        folder.mkdir()
        return folder

    def known(self, ground: object) -> tuple[Mirror, Topics]:
        """What is known of a ground from earlier rows."""
        if id(ground) not in self._known:
            self._known[id(ground)] = (Mirror(ground), Topics(ground))  # type: ignore[arg-type]
        return self._known[id(ground)]

    def borrow(self, ground: Small) -> None:
        """A ground that its row starts and stops itself; its logs are kept like the others'."""
        self._borrowed.append(ground)

    async def after(self, number: str, *, held: bool, words: int = 0) -> Sequence[str]:
        """A row is over. Grounds of its own go; where it did not hold, all go, and their logs are kept.

        Answers so many last lines of each log that is kept.
        """
        for ground in self._borrowed if not held else ():
            await asyncio.to_thread(self._keep, ground.written(), number)
        self._borrowed.clear()
        for name in list(self._grounds):
            if not held or name not in ("five", "small"):
                await self._left(name, number if not held else "")
        return [] if held else await asyncio.to_thread(self._last_words, number, words)

    def _last_words(self, number: str, words: int) -> Sequence[str]:
        found: list[str] = []
        for path in sorted((self._kept / number).glob("*.log")):
            said = [line for line in path.read_text(errors="replace").splitlines() if '"level":"INFO"' not in line]
            found += [f"-- {path.name}", *said[-words:]]
        return found

    async def leave(self, name: str) -> None:
        """A ground of the row's own stops before the row is over: before an engine of its own does."""
        if name in self._grounds:
            await self._left(name, "")

    async def close(self) -> None:
        for name in list(self._grounds):
            await self._left(name, "")
        shutil.rmtree(self.folder, ignore_errors=True)

    async def _left(self, name: str, number: str) -> None:
        ground = self._grounds.pop(name)
        self._known.pop(id(ground), None)
        try:
            if number:
                await asyncio.to_thread(self._keep, ground.written(), number)
        finally:
            await ground.stop()

    def _keep(self, files: Sequence[Path], number: str) -> None:
        folder = self._kept / number
        folder.mkdir(parents=True, exist_ok=True)
        for path in files:
            if path.is_file():
                shutil.copyfile(path, folder / f"{path.parent.name}-{path.name}")

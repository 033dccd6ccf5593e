"""A folder of `.eml` files, one for each letter: for machines without a mail server, and for who fetches them there."""

import asyncio
import os
import tempfile
from pathlib import Path

from services.notifications.domain.letter import Letter, Undeliverable
from services.notifications.edges.channels.mail import as_mail


class Folder:
    """A letter that comes twice is the same file. A file is there whole or not at all, and survives a power cut."""

    def __init__(self, path: Path, *, sender: str) -> None:
        self._path = path
        self._sender = sender

    async def deliver(self, letter: Letter) -> None:
        """Raises `Undeliverable` where the folder cannot be written to."""
        content = as_mail(letter, sender=self._sender).as_bytes()
        try:
            await asyncio.to_thread(_write, self._path, f"{letter.id}.eml", content)
        except OSError:
            raise Undeliverable("unreachable") from None


def _write(folder: Path, name: str, content: bytes) -> None:
    """Beside it first, then in its place; the folder's entry is flushed as well."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor, beside = tempfile.mkstemp(dir=folder, prefix=".", suffix=".part")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(beside).replace(folder / name)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise
    entry = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(entry)
    finally:
        os.close(entry)

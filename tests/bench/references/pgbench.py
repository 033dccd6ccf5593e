"""PostgreSQL's own pgbench: one row a transaction, in a table of `rows` with the unique keys that ours has.

570 bytes of payload and time-ordered ids, as ours; a prepared statement over a Unix socket, so that a transaction is
one round trip and the server does nothing but insert and flush. One thread drives the clients (`-j 1`): ours has one
too, and on two cores a second one was no faster, as it takes from the server what it gives to the clients.
"""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from deploy.embedded.postgres import PROGRAMS
from tests.bench.references.payload import PAYLOAD
from tests.bench.references.rows import PLAIN, prepare

_INSERT = """\
INSERT INTO {table} (aggregate, version, command, state) VALUES (uuidv7(), 1, uuidv7(), :state::bytea);
"""
_RATE = re.compile(r"tps = ([\d.]+) \(without initial connection time\)")
_MICROSECONDS = 2
"""the column of a transaction's time in pgbench's log"""


class Broken(RuntimeError):
    """pgbench did not do what it was asked; the message ends with its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pgbench:
    """pgbench on one database."""

    dsn: str
    table: str = PLAIN

    async def rate(self, *, clients: int, rows: int) -> float:
        """Inserts a second, connecting not counted."""
        said = await self._run(clients, rows)
        found = _RATE.search(said)
        if found is None:
            raise Broken(said[-500:])
        return float(found[1])

    async def latencies(self, *, clients: int, rows: int) -> Sequence[float]:
        """The seconds that each insert took. Noting them costs pgbench a little: rates are taken without."""
        with TemporaryDirectory() as folder:
            await self._run(clients, rows, "--log", "--log-prefix", f"{folder}/took")
            lines = [line for path in Path(folder).iterdir() for line in path.read_text().splitlines()]
        return [int(line.split()[_MICROSECONDS]) / 1e6 for line in lines]

    async def _run(self, clients: int, rows: int, *options: str) -> str:
        await prepare(self.dsn)
        line = [
            str(PROGRAMS / "pgbench"), "--no-vacuum", "--protocol", "prepared", "--jobs", "1",
            "--client", str(clients), "--transactions", str(max(1, rows // clients)),
            "--define", f"state={PAYLOAD.decode()}", "--file", "-", *options, self.dsn,
        ]  # fmt: skip
        process = await asyncio.create_subprocess_exec(
            *line, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        said, _ = await process.communicate(_INSERT.format(table=self.table).encode())
        if process.returncode:
            raise Broken(said.decode()[-500:])
        return said.decode()

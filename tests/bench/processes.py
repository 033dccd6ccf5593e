"""A service as processes, one for each role, as they would be deployed: the bench's own where no other is named."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx

from deploy.embedded.issuer import AUDIENCE, ISSUER, Issuer
from deploy.embedded.ports import address, chosen_ports
from shared.kernel import Role
from tests.bench.bench import environment, our_own

_PATIENCE = 60.0
"""seconds that a process may take for its start or its end"""


class NotReady(RuntimeError):
    """A process did not start; the message ends with its last words."""


@dataclass(frozen=True, kw_only=True)
class Serving:
    """The processes that run, by role."""

    ports: Mapping[str, int]
    processes: "Mapping[str, subprocess.Popen[bytes]]"
    issuer: Issuer

    def pid(self, role: str) -> int:
        return self.processes[role].pid

    def token(self, *, role: Role = "clinician") -> str:
        return self.issuer.token(subject="bench", role=role, organization="north-clinic", lifetime=timedelta(hours=2))


@asynccontextmanager
async def serving(
    *roles: str, home: Path, postgres: str, kafka: str = "", module: str = "tests.bench.counting", **more: str
) -> AsyncIterator[Serving]:
    """Each of these roles is ready inside, and has ended after it."""
    issuer = Issuer(home)
    told: dict[str, object] = {
        "postgres": postgres, "issuer": ISSUER, "issuer_keys": issuer.prepare(), "audience": AUDIENCE,
        "log_level": "WARNING", **({"kafka": kafka} if kafka else {}), **more,
    }  # fmt: skip
    ports = dict(zip(roles, chosen_ports(said="0").values(), strict=False))
    logs = {role: home / f"{role}.log" for role in roles}
    processes = {role: _start(module, role, logs[role], {**told, "port": ports[role]}) for role in roles}
    try:
        await asyncio.gather(*(_ready(processes[role], ports[role], logs[role]) for role in roles))
        yield Serving(ports=ports, processes=processes, issuer=issuer)
    finally:
        end(*processes.values())


def end(*processes: "subprocess.Popen[bytes]") -> None:
    """They are asked to end, and have ended when this returns."""
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(timeout=_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def started(line: Sequence[str], *, log: Path, told: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    """A process of its own; what it says is in its log."""
    with log.open("ab") as said:
        return subprocess.Popen(line, env=told, stdin=subprocess.DEVNULL, stdout=said, stderr=said)


def _start(module: str, role: str, log: Path, told: Mapping[str, object]) -> "subprocess.Popen[bytes]":
    return started(our_own(module, role), log=log, told=environment(**told))


async def _ready(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    async with httpx.AsyncClient(base_url=address(port=port)) as client, asyncio.timeout(_PATIENCE):
        while process.poll() is None:
            try:
                if (await client.get("/health/ready")).is_success:
                    return
            except httpx.TransportError:
                pass  # it does not listen yet
            await asyncio.sleep(0.05)
    raise NotReady(log.read_text(errors="replace")[-2000:])

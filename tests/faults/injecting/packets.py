"""Packets that vanish on their way to or from a port of this machine, without a reset: by nftables, on the loopback."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal
from uuid import uuid4

from tests.faults.row import NotHere


@asynccontextmanager
async def vanishing(port: int, *, way: Literal["to", "from"]) -> AsyncIterator[None]:
    """Nothing that is sent `to` the port arrives, or nothing that comes `from` it. Raises `NotHere`."""
    table = f"carelog_{uuid4().hex[:8]}"
    match = {"to": "dport", "from": "sport"}[way]
    rules = (
        f"add table inet {table}\n"
        f"add chain inet {table} lost {{ type filter hook input priority 0; }}\n"
        f"add rule inet {table} lost iifname lo tcp {match} {port} drop\n"
    )
    if said := await _nft(rules):
        raise NotHere(f"nft may not filter packets here: {said}")
    try:
        yield
    finally:
        await _nft(f"delete table inet {table}\n")


async def _nft(rules: str) -> str:
    """Empty where it was done; else what nft says of it."""
    pipe = asyncio.subprocess.PIPE
    nft = await asyncio.create_subprocess_exec("nft", "-f", "-", stdin=pipe, stdout=pipe, stderr=pipe)
    _, said = await nft.communicate(rules.encode())
    return "" if nft.returncode == 0 else said.decode(errors="replace").strip()[-200:] or "it failed"

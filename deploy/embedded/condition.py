"""How a running system's doors are, asked by whoever has to judge it."""

from collections.abc import Sequence
from dataclasses import dataclass

import httpx

_PATIENCE = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What a service's doors say of it. `failing` names checks; `away`: nobody answers."""

    away: bool
    failing: Sequence[str]


async def health(*, address: str) -> Health:
    failing: list[str] = []
    try:
        async with httpx.AsyncClient(base_url=address, timeout=_PATIENCE) as client:
            for door in ("/health/live", "/health/ready"):
                failing += (await client.get(door)).json()["failing"]
    except (httpx.HTTPError, ValueError, KeyError):
        return Health(away=True, failing=())
    return Health(away=False, failing=sorted(set(failing)))

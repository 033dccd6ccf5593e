"""Where the embedded mode listens, on loopback: five services and a broker, moved together or one by one."""

import random
import socket
from collections.abc import Iterator, Mapping
from contextlib import suppress

from deploy.trouble import Trouble
from shared.contracts.catalogue import SERVICES

HOST = "127.0.0.1"
BROKER = "broker"
USUAL: Mapping[str, int] = {**{name: 8101 + at for at, name in enumerate(SERVICES)}, BROKER: 9092}

# Below the range from which the system takes ports for outgoing connections: a client that keeps trying could come to
# sit on the very port that a server of ours is to listen on.
_FREE = range(20_000, 32_000)


def chosen_ports(*, said: str = "") -> Mapping[str, int]:
    """Nothing: the usual ones; `0`: free ones; `9000`: 9000 to 9005; `records=9001,broker=19092`: those, else usual."""
    if not said:
        return USUAL
    if said.isdecimal():
        return _from(int(said))
    moved = dict(_pairs(said))
    return {name: moved.get(name, port) for name, port in USUAL.items()}


def taken(*, ports: Mapping[str, int]) -> list[str]:
    """The names of those ports that somebody else listens on."""
    return [name for name, port in ports.items() if not _is_free(port)]


def address(*, port: int) -> str:
    return f"http://{HOST}:{port}"


def _from(first: int) -> Mapping[str, int]:
    if first + len(USUAL) > 65_536:
        raise Trouble(f"There are no {len(USUAL)} ports from {first} on.")
    numbers = range(first, first + len(USUAL)) if first else _free_ports()
    return dict(zip(USUAL, numbers, strict=False))


def _pairs(said: str) -> Iterator[tuple[str, int]]:
    for part in said.split(","):
        name, _, number = part.strip().partition("=")
        if name not in USUAL or not number.isdecimal() or not 0 < int(number) < 65_536:
            raise Trouble(f"Ports are said as 0, 9000 or records=9001,broker=19092; names are {', '.join(USUAL)}.")
        yield name, int(number)


def _free_ports() -> Iterator[int]:
    for port in random.sample(_FREE, len(_FREE)):
        if _is_free(port):
            yield port


def _is_free(port: int) -> bool:
    with suppress(OSError), socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((HOST, port))
        return True
    return False

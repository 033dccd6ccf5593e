"""Runs the development broker until SIGTERM or SIGINT."""

import argparse
import asyncio
import logging
import signal
import sys
from pathlib import Path

from deploy.embedded.broker import Broker, DataInUse, Limits, NotLoopback

_SWITCH_SECONDS = 0.0005  # the committing thread asks for the interpreter after every statement


def main() -> int:
    arguments = _arguments()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    sys.setswitchinterval(_SWITCH_SECONDS)
    try:
        asyncio.run(_run(arguments))
    except (DataInUse, NotLoopback, OSError) as error:
        sys.stderr.write(f"the development broker did not start: {error}\n")
        return 1
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m deploy.embedded.broker", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the broker's file; made when absent")
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address")
    parser.add_argument("--port", type=int, default=9092, help="0 takes a free one")
    parser.add_argument("--auto-create-partitions", type=int, help="create topics on first use, with this many")
    parser.add_argument("--max-bytes", type=int, help="refuse to store more than that")
    return parser.parse_args()


async def _run(arguments: argparse.Namespace) -> None:
    stop = asyncio.Event()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signal_number, stop.set)
    limits = Limits(auto_create_partitions=arguments.auto_create_partitions)
    async with Broker(
        data=arguments.data, host=arguments.host, port=arguments.port, limits=limits, max_bytes=arguments.max_bytes
    ) as broker:
        sys.stdout.write(
            f"development broker on {broker.bootstrap}, data in {arguments.data}: for development only"
            " (single node, no replication, no transactions, no access control)\n"
        )
        sys.stdout.flush()
        await stop.wait()


if __name__ == "__main__":
    sys.exit(main())

"""Fetches and builds what the native engines need, so that no test waits for it: python -m tests.support.engines."""

import sys

from tests.support.engines import ferretdb, kafka
from tests.support.engines.engine import EngineUnavailable


def prepare() -> None:
    for made in (kafka.jars, ferretdb.program):
        sys.stdout.write(f"{made()}\n")


try:
    prepare()
except EngineUnavailable as unavailable:
    sys.exit(str(unavailable))

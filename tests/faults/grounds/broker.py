"""The broker of a ground: Apache Kafka where it can be had, else None, which means the development broker."""

import os
from pathlib import Path

from tests.support.engines import choice, kafka
from tests.support.engines.engine import EngineUnavailable
from tests.support.engines.native import NativeEngine


def native_kafka(*, run: Path) -> NativeEngine | None:
    """An Apache Kafka of our own, to be killed and frozen: never one that the environment names."""
    try:
        kafka.jars()
    except EngineUnavailable:
        if os.environ.get("CARELOG_REQUIRE_ENGINES") == "1":
            raise
        return None
    return choice.native_kafka(run=run)

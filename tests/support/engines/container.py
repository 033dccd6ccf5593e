"""Engines in containers, where a Docker engine answers. `testcontainers` removes them when the process has ended."""

from collections.abc import Callable
from dataclasses import dataclass

import docker
from docker.errors import DockerException
from testcontainers.community.kafka import KafkaContainer
from testcontainers.community.mongodb import MongoDbContainer
from testcontainers.core.container import DockerContainer


@dataclass(frozen=True, kw_only=True)
class ContainerEngine:
    """One engine in one container."""

    container: DockerContainer
    answer_address: Callable[[], str]

    @property
    def address(self) -> str:
        return self.answer_address()

    def start(self) -> None:
        self.container.start()

    def stop(self) -> None:
        self.container.stop()


def kafka() -> ContainerEngine:
    container = KafkaContainer("confluentinc/cp-kafka:7.9.0").with_kraft()
    container.with_env("KAFKA_AUTO_CREATE_TOPICS_ENABLE", "false")
    return ContainerEngine(container=container, answer_address=container.get_bootstrap_server)


def mongodb() -> ContainerEngine:
    container = MongoDbContainer("mongo:8.0")
    return ContainerEngine(container=container, answer_address=container.get_connection_url)


def docker_answers() -> bool:
    try:
        with docker.from_env(timeout=5) as client:
            return bool(client.ping())
    except DockerException:
        return False

"""What the supervisor runs, and what each program is told: the embedded mode's deployment, as data."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from deploy.embedded.home import Home
from deploy.embedded.issuer import AUDIENCE, ISSUER
from deploy.embedded.ports import BROKER, HOST, USUAL, address
from deploy.embedded.processes import Program
from shared.contracts.catalogue import SERVICES


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a person asked for. Without an outside Kafka the development broker runs; documents are beside the log."""

    ports: Mapping[str, int] = field(default_factory=lambda: USUAL)
    kafka: str | None = None
    documents: str = "postgres"
    channel: str | None = None
    """`folder:<path>` or `smtp://host:port`; none: the outbox in the home"""

    @classmethod
    def by_environment(cls, *, ports: Mapping[str, int]) -> "Wanted":
        said = os.environ.get
        return cls(
            ports=ports,
            kafka=said("CARELOG_KAFKA") or None,
            documents=said("CARELOG_DOCUMENTS") or "postgres",
            channel=said("CARELOG_CHANNEL") or None,
        )

    def bootstrap(self) -> str:
        return self.kafka or f"{HOST}:{self.ports[BROKER]}"

    def channel_in(self, home: Home) -> str:
        return self.channel or f"folder:{quote(str(home.outbox))}"


def service_programs(*, home: Home, wanted: Wanted, databases: Mapping[str, str]) -> list[Program]:
    """The five services, each with its own database."""
    common = {
        "CARELOG_KAFKA": wanted.bootstrap(),
        "CARELOG_DOCUMENTS": wanted.documents,
        "CARELOG_ISSUER": ISSUER,
        "CARELOG_ISSUER_KEYS": str(home.issuer.key_set),
        "CARELOG_AUDIENCE": AUDIENCE,
        "CARELOG_HOST": HOST,
        "CARELOG_CHANNEL": wanted.channel_in(home),
        "CARELOG_FEEDS": ",".join(f"{name}={at}" for name, at in service_addresses(ports=wanted.ports).items()),
        "CARELOG_FEED_TOKEN_FILE": str(home.issuer.feed_token),
        "CARELOG_INSTANCE": "embedded",
    }
    return [
        Program(
            name=name,
            line=[sys.executable, "-m", f"services.{name}", "all"],
            environment={**_inherited(), **common, **_own(name, wanted, databases)},
            log=log_of(home=home, name=name),
        )
        for name in SERVICES
    ]


def broker_program(*, home: Home, port: int) -> Program:
    return Program(
        name=BROKER,
        line=[sys.executable, "-m", "deploy.embedded.broker", "--data", str(home.broker), "--port", str(port)],
        environment=_inherited(),
        log=log_of(home=home, name=BROKER),
    )


def service_addresses(*, ports: Mapping[str, int]) -> dict[str, str]:
    return {name: address(port=ports[name]) for name in SERVICES}


def log_of(*, home: Home, name: str) -> Path:
    return home.logs / f"{name}.log"


def _own(name: str, wanted: Wanted, databases: Mapping[str, str]) -> dict[str, str]:
    """`CARELOG_INSTANCE`: one that was killed has its place in its groups again as soon as it is back."""
    return {
        "CARELOG_POSTGRES": databases[name],
        "CARELOG_PORT": str(wanted.ports[name]),
        "CARELOG_INSTANCE": name,
    }


def _inherited() -> dict[str, str]:
    """Our environment, with this very tree on the path, wherever the command was given."""
    root = str(Path(__file__).parents[2])
    path = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**os.environ, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}

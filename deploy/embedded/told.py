"""What a service of a running home was told: its settings, for who looks after it from outside."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import psutil

from deploy.embedded.home import Home, Running
from deploy.embedded.issuer import AUDIENCE, ISSUER
from shared.runtime.service import Service
from shared.runtime.settings import PREFIX, Settings


def settings(*, service: Service, home: Home, running: Running) -> Settings:
    """Those of its process, where it lives; else what the home's record says."""
    noted = {
        "POSTGRES": running.databases.get(service.name, ""),
        "KAFKA": running.kafka,
        "DOCUMENTS": running.documents,
        "CHANNEL": running.channel,
        "ISSUER": ISSUER,
        "ISSUER_KEYS": str(home.issuer.key_set),
        "AUDIENCE": AUDIENCE,
        "PORT": "0",
    }
    with _environment({**{PREFIX + name: value for name, value in noted.items()}, **_of_process(service, running)}):
        return service.settings.read()


def _of_process(service: Service, running: Running) -> Mapping[str, str]:
    mark = running.children.get(service.name)
    process = mark.process if mark else None
    try:
        said = process.environ() if process else {}
    except psutil.Error:
        return {}
    return {name: value for name, value in said.items() if name.startswith(PREFIX)}


@contextmanager
def _environment(said: Mapping[str, str]) -> Iterator[None]:
    """Settings are read from the environment: this one's, for a moment, without what ours says of Carelog."""
    before = dict(os.environ)
    others = {name: value for name, value in before.items() if not name.startswith(PREFIX)}
    os.environ.clear()
    os.environ.update({**others, **said})
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)

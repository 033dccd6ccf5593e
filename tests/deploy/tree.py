"""The tree's own files, read as what they are."""

import shutil
import subprocess
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml

from shared.contracts.catalogue import SERVICES
from shared.runtime.service import Service
from tests.support.engines.engine import skip_or_fail

TREE = Path(__file__).parents[2]


def text(name: str) -> str:
    return (TREE / name).read_text("utf-8")


def service(name: str) -> Service:
    found: Service = import_module(f"services.{name}.service").service
    return found


def services() -> list[Service]:
    return [service(name) for name in SERVICES]


@cache
def compose() -> Mapping[str, Any]:
    """docker-compose.yml, its anchors resolved."""
    read: Mapping[str, Any] = yaml.safe_load(text("docker-compose.yml"))
    return read


@cache
def manifests(folder: str) -> list[dict[str, Any]]:
    """What kustomize makes of `deploy/k8s/<folder>`."""
    program = ["kubectl", "kustomize"] if shutil.which("kubectl") else ["kustomize", "build"]
    if not shutil.which(program[0]):
        skip_or_fail(reason="neither kubectl nor kustomize is here to build the Kubernetes manifests")
    built = subprocess.run([*program, str(TREE / "deploy/k8s" / folder)], capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    return [one for one in yaml.safe_load_all(built.stdout) if one]

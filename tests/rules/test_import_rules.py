"""Every import rule is broken here on purpose, in a small tree of the same shape, and must be seen to break."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

_PROJECT = Path(__file__).parents[2]
_MODULES = ("__main__", "service", "api", "reactions", "commands", "queries", "projections")
_PACKAGES = ("domain", "edges")

_DIRECTION = "Shared code knows no service, services know no deployment"
_INDEPENDENCE = "Services never import one another"
_LAYERS = "A service is layered, and has no module that is not a layer"
_PLUMBING = "Plumbing knows contracts and kernel, which know nothing of it nor of each other"
_PURITY = "A domain is pure: no clock, no ids of its own, no I/O, no logging"
_CONTRACTS = "A subscriber can install the contracts alone"
_WRITE_SIDE = "The write side does not know the read side"
_READ_SIDE = "The read side does not know the write side"
_ENGINES = "Only the runtime and the embedded mode know the engines"

_BREACHES = [
    (_DIRECTION, "shared/runtime/log.py", "import services.records.service"),
    (_DIRECTION, "shared/kernel/ids.py", "import deploy.cli"),
    (_DIRECTION, "services/records/service.py", "import deploy.embedded.broker"),
    (_INDEPENDENCE, "services/records/api.py", "import services.billing.queries"),
    (_INDEPENDENCE, "services/billing/reactions.py", "from services.records.domain import patient"),
    (_LAYERS, "services/records/service.py", "import services.records.__main__"),
    (_LAYERS, "services/records/api.py", "import services.records.service"),
    (_LAYERS, "services/records/reactions.py", "import services.records.api"),
    (_LAYERS, "services/records/edges/fhir.py", "import services.records.reactions"),
    (_LAYERS, "services/records/commands.py", "import services.records.edges.fhir"),
    (_LAYERS, "services/records/queries.py", "import services.records.commands"),
    (_LAYERS, "services/records/projections.py", "import services.records.queries"),
    (_LAYERS, "services/records/domain/patient.py", "import services.records.projections"),
    (_LAYERS, "services/billing/plumbing.py", ""),
    (_PLUMBING, "shared/kernel/ids.py", "import shared.runtime.log"),
    (_PLUMBING, "shared/contracts/records.py", "import shared.kernel.ids"),
    (_PLUMBING, "shared/utils.py", ""),
    *((_PURITY, "services/records/domain/patient.py", f"import {module}") for module in (
        "asyncio", "httpx", "logging", "os", "random", "shared.contracts.records", "shared.runtime.log", "time",
    )),
    (_PURITY, "services/records/domain/vital/signs.py", "from secrets import token_hex"),
    (_CONTRACTS, "shared/contracts/records.py", "import fastapi"),
    (_WRITE_SIDE, "services/records/commands.py", "import services.records.projections"),
    (_WRITE_SIDE, "services/records/domain/patient.py", "import services.records.queries"),
    (_READ_SIDE, "services/records/projections.py", "import services.records.domain.patient"),
    (_READ_SIDE, "services/records/queries.py", "import services.records.domain.patient"),
    *((_ENGINES, "services/records/queries.py", f"import {library}") for library in (
        "aiokafka", "asyncpg", "bson", "confluent_kafka", "faststream.kafka", "opentelemetry.trace", "pymongo",
        "sqlite3",
    )),
    (_ENGINES, "deploy/cli.py", "import asyncpg"),
    (_ENGINES, "shared/kernel/ids.py", "import opentelemetry"),
]  # fmt: skip

_ALLOWED = [
    ("services/records/__main__.py", "import services.records.service"),
    ("services/records/service.py", "import services.records.commands, services.records.projections"),
    ("services/records/api.py", "import services.records.commands, services.records.queries"),
    ("services/records/reactions.py", "import services.records.commands, shared.contracts.billing"),
    ("services/records/edges/fhir.py", "import services.records.commands, services.records.queries"),
    ("services/records/commands.py", "import services.records.domain.patient, shared.runtime.log"),
    ("services/records/queries.py", "import services.records.projections, shared.runtime.log"),
    ("services/records/domain/patient.py", "import decimal, pydantic, shared.kernel.ids"),
    ("services/records/domain/vital/signs.py", "import services.records.domain.patient"),
    ("shared/contracts/records.py", "import pydantic, uuid, shared.contracts.billing"),
    ("shared/runtime/log.py", "import asyncpg, aiokafka, opentelemetry, shared.contracts.records, shared.kernel.ids"),
    ("deploy/embedded/broker.py", "import aiokafka, sqlite3"),
    ("deploy/cli.py", "import services.records.service, deploy.embedded.broker"),
]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Carelog in small: two services and everything around them, all modules empty, under the project's own rules."""
    shutil.copy(_PROJECT / "pyproject.toml", tmp_path)
    shutil.copytree(_PROJECT / "tests" / "rules", tmp_path / "tests" / "rules")
    (tmp_path / "tests" / "__init__.py").touch()
    for service in ("records", "billing"):
        for module in _MODULES:
            write(tmp_path / f"services/{service}/{module}.py")
    for module in ("domain/patient", "domain/vital/signs", "edges/fhir"):
        write(tmp_path / f"services/records/{module}.py")
    for module in ("runtime/log", "kernel/ids", "contracts/records", "contracts/billing"):
        write(tmp_path / f"shared/{module}.py")
    for module in ("deploy/cli", "deploy/embedded/broker"):
        write(tmp_path / f"{module}.py")
    return tmp_path


@pytest.mark.parametrize(("rule", "module", "line"), _BREACHES)
def test_a_forbidden_import_is_seen_and_the_rule_is_named(tree: Path, rule: str, module: str, line: str) -> None:
    write(tree / module, line)
    assert f"{rule} BROKEN" in verdict(of=tree, red=True)


def test_what_the_rules_allow_stays_green(tree: Path) -> None:
    for module, line in _ALLOWED:
        write(tree / module, line)
    assert "0 broken" in verdict(of=tree, red=False)


def test_every_rule_is_broken_by_some_test(tree: Path) -> None:
    held = {line.removesuffix(" KEPT") for line in verdict(of=tree, red=False).splitlines() if line.endswith(" KEPT")}
    assert held == {rule for rule, _, _ in _BREACHES}


def test_the_project_keeps_its_import_rules() -> None:
    assert "0 broken" in verdict(of=_PROJECT, red=False)


def write(path: Path, text: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    for folder in path.parents:
        if (folder / "pyproject.toml").exists():
            break
        (folder / "__init__.py").touch()
    path.write_text(f"{text}\n")


def verdict(*, of: Path, red: bool) -> str:
    """What import-linter says of a tree, which must end as red or green as it is said to be."""
    linter = Path(sys.executable).with_name("lint-imports")
    wide = {**os.environ, "COLUMNS": "200", "PYTHONPATH": str(of)}
    done = subprocess.run([linter, "--no-cache"], cwd=of, env=wide, capture_output=True, text=True)
    assert done.returncode == (1 if red else 0), done.stdout + done.stderr
    return done.stdout

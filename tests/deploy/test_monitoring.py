"""Alerts, dashboard and runbooks: they name what is there, each alert fires when it should, and has a way out."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from deploy.cli import app
from shared.runtime.http.app import build_app
from shared.runtime.runtime import Runtime
from shared.runtime.settings import Settings
from shared.runtime.signals import announce
from tests.deploy.tree import TREE, service, text
from tests.support.engines.engine import skip_or_fail

RULES = "deploy/monitoring/alerts.yaml"
_OURS = re.compile(r"\b(?:carelog_\w+|http_server_\w+|process_\w+)")


def alerts() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(text(RULES))["groups"] for rule in group["rules"]]


def panels() -> Iterator[dict[str, Any]]:
    yield from json.loads(text("deploy/monitoring/grafana.json"))["panels"]


@pytest.fixture(scope="module")
def told() -> set[str]:
    """The names of all metrics that a process knows."""
    settings = Settings(postgres="postgresql://nowhere", port=0, issuer="issuer", issuer_keys="keys")
    runtime = Runtime(service=service("records"), settings=settings)
    announce(runtime)
    build_app(runtime.service, runtime)
    return set(runtime.metrics.names)


def test_what_alerts_and_dashboard_ask_for_is_measured(told: set[str]) -> None:
    asked = {name for rule in alerts() for name in _OURS.findall(rule["expr"])}
    asked |= {
        name for panel in panels() for target in panel.get("targets", ()) for name in _OURS.findall(target["expr"])
    }
    asked = {re.sub(r"_(bucket|count|sum)$", "", name) for name in asked}
    assert len(asked) > 15
    assert asked <= told


def test_each_alert_has_a_runbook_and_each_runbook_an_alert() -> None:
    runbooks = {f"docs/runbooks/{path.name}" for path in (TREE / "docs/runbooks").glob("*.md")}
    assert {rule["annotations"]["runbook"] for rule in alerts()} == runbooks
    for rule in alerts():
        assert f"Alert `{rule['alert']}`." in text(rule["annotations"]["runbook"])


def test_a_runbook_says_what_it_means_where_to_look_and_when_it_is_over() -> None:
    for path in (TREE / "docs/runbooks").glob("*.md"):
        parts = re.findall(r"^## (\w+)$", path.read_text("utf-8"), re.MULTILINE)
        assert parts == ["Look", "Mend", "Over"], path.name


def test_runbooks_lead_to_each_other_and_nowhere_else() -> None:
    there = {path.name for path in (TREE / "docs/runbooks").glob("*.md")}
    for path in (TREE / "docs/runbooks").glob("*.md"):
        assert set(re.findall(r"\]\(([^)]+)\)", path.read_text("utf-8"))) <= there, path.name


def test_the_commands_that_runbooks_name_are_there() -> None:
    there = {str(one.name) for one in app.registered_commands}
    for group in app.registered_groups:
        assert group.typer_instance
        there |= {
            f"{group.typer_instance.info.name or group.name} {one.name}"
            for one in group.typer_instance.registered_commands
        }
    for path in (TREE / "docs/runbooks").glob("*.md"):
        named = re.findall(r"(?:`|^    )carelog ([a-z]+(?: [a-z]+)?)", path.read_text("utf-8"), re.MULTILINE)
        assert set(named) <= there, path.name


def test_panels_do_not_lie_on_one_another() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in panels():
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken
        taken |= cells


@pytest.mark.parametrize("what", [("check", "rules", RULES), ("test", "rules", "tests/deploy/alerts.test.yaml")])
def test_prometheus_agrees(what: tuple[str, ...]) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        skip_or_fail(reason="promtool is not installed (Debian's package `prometheus` has it)")
    assert promtool
    done = subprocess.run([promtool, *what], cwd=TREE, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_is_tried() -> None:
    tried = set(re.findall(r'alertname="(\w+)",alertstate="firing"', text("tests/deploy/alerts.test.yaml")))
    assert tried == {rule["alert"] for rule in alerts()}

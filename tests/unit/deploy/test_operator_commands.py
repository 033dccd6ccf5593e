"""Operators' commands at the command line: what is away is named in one line, and a wrong question is told apart."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from deploy.cli import app
from deploy.embedded.ports import chosen_ports

_AWAY = {"CARELOG_ISSUER": "urn:somebody", "CARELOG_ISSUER_KEYS": "keys.json", "CARELOG_PORT": "0"}


def carelog(*words: str, home: Path, **environment: str) -> Result:
    return CliRunner().invoke(app, list(words), env={"CARELOG_HOME": str(home), **environment})


@pytest.fixture
def of_a_pod() -> dict[str, str]:
    """The settings of a service whose engines are all away."""
    free = chosen_ports(said="0")
    return {
        **_AWAY,
        "CARELOG_POSTGRES": f"postgresql://carelog:hidden-word@127.0.0.1:{free['records']}/records",
        "CARELOG_KAFKA": f"127.0.0.1:{free['broker']}",
    }


EVERY = pytest.mark.parametrize(
    "words",
    [
        ["status"],
        ["parked", "list"],
        ["parked", "show", "00000000-0000-7000-8000-00000000000a"],
        ["parked", "replay", "--dry-run"],
        ["projections", "status"],
        ["projections", "rebuild", "timeline", "--yes"],
        ["projections", "compare", "timeline"],
        ["projections", "heal"],
        ["projections", "rollback", "timeline", "--yes"],
    ],
    ids=lambda words: " ".join(words[:2]),
)


@EVERY
def test_what_needs_a_running_system_says_so_in_one_line(tmp_path: Path, words: list[str]) -> None:
    done = carelog(*words, home=tmp_path)
    assert done.exit_code == 1
    assert "carelog: Carelog is not running" in done.output
    assert "Traceback" not in done.output


@EVERY
def test_a_service_that_there_is_not_is_a_wrong_question(tmp_path: Path, words: list[str]) -> None:
    done = carelog(*words, "--service", "payroll", home=tmp_path)
    assert done.exit_code == 2
    assert "There is no service payroll" in done.output


def test_in_a_pod_the_service_has_to_be_named(tmp_path: Path, of_a_pod: dict[str, str]) -> None:
    done = carelog("status", home=tmp_path, **of_a_pod)
    assert done.exit_code == 2
    assert "--service" in done.output


def test_settings_that_are_missing_are_named(tmp_path: Path, of_a_pod: dict[str, str]) -> None:
    done = carelog("status", "--service", "records", home=tmp_path, **{**of_a_pod, "CARELOG_ISSUER": ""})
    assert done.exit_code == 1
    assert "CARELOG_ISSUER" in str(done.exception) + done.output


def test_with_all_engines_away_each_is_named_and_no_password_is(tmp_path: Path, of_a_pod: dict[str, str]) -> None:
    done = carelog("status", "--service", "records", "--patience", "2", home=tmp_path, **of_a_pod)
    assert done.exit_code == 1
    assert "PostgreSQL" in done.output
    assert "Kafka" in done.output
    assert "hidden-word" not in done.output
    assert "Traceback" not in done.output


@EVERY
def test_with_the_database_away_each_says_so_in_one_line(
    tmp_path: Path, words: list[str], of_a_pod: dict[str, str]
) -> None:
    done = carelog(*words, "--service", "records", "--patience", "2", home=tmp_path, **of_a_pod)
    assert done.exit_code == 1
    assert "PostgreSQL" in done.output
    assert "does not answer" in done.output
    assert "Traceback" not in done.output


def test_topics_need_the_brokers_alone(tmp_path: Path, of_a_pod: dict[str, str]) -> None:
    done = carelog("topics", "apply", "--service", "records", "--patience", "2", home=tmp_path, **of_a_pod)
    assert done.exit_code == 1
    assert "Kafka" in done.output
    assert "Traceback" not in done.output


@pytest.mark.parametrize("words", [["rebuild", "timeline"], ["rollback", "timeline"]], ids=lambda words: words[0])
def test_what_changes_something_asks_first(tmp_path: Path, words: list[str], of_a_pod: dict[str, str]) -> None:
    done = carelog("projections", *words, "--service", "records", home=tmp_path, **of_a_pod)
    assert done.exit_code == 2
    assert "--yes" in done.output


def test_a_projection_that_there_is_not_is_a_wrong_question(tmp_path: Path, of_a_pod: dict[str, str]) -> None:
    done = carelog("projections", "rebuild", "payroll", "--service", "records", "-y", home=tmp_path, **of_a_pod)
    assert done.exit_code == 2
    assert "There is no projection payroll" in done.output


def test_machines_are_told_the_same(tmp_path: Path, of_a_pod: dict[str, str]) -> None:
    done = carelog("status", "--service", "records", "--patience", "2", "--json", home=tmp_path, **of_a_pod)
    [told] = json.loads(done.stdout)
    assert done.exit_code == 1
    assert (told["service"], told["ledger"], told["bus"]) == ("records", None, None)
    assert {one["about"] for one in told["to_do"]} == {"log", "documents", "kafka"}
    assert "hidden-word" not in done.stdout

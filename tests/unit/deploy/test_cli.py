"""The command line: one clear line where something is wrong, and never a traceback."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from deploy.cli import app
from deploy.embedded.home import Home
from deploy.embedded.issuer import AUDIENCE, ISSUER
from shared.runtime.http.callers import Callers
from shared.runtime.http.keys import Keys


def carelog(*words: str, home: Path) -> Result:
    return CliRunner().invoke(app, list(words), env={"CARELOG_HOME": str(home), "COLUMNS": "200"})


def test_it_says_what_it_can_do(tmp_path: Path) -> None:
    said = carelog("--help", home=tmp_path).output
    for name in ("demo", "story", "import", "token", "doctor", "events"):
        assert name in said


@pytest.mark.parametrize("words", [["story"], ["events", "tail"], ["import", "."]])
def test_what_needs_a_running_system_says_so_in_one_line(tmp_path: Path, words: list[str]) -> None:
    done = carelog(*words, home=tmp_path)
    assert done.exit_code == 1
    assert "carelog: Carelog is not running" in done.output
    assert "Traceback" not in done.output


def test_the_doctor_says_that_nothing_runs_and_what_to_do(tmp_path: Path) -> None:
    done = carelog("doctor", home=tmp_path)
    assert done.exit_code == 1
    assert "nothing runs here" in done.output
    assert "carelog demo" in done.output


def test_a_token_is_one_that_the_doors_take(tmp_path: Path) -> None:
    key_set = Home(tmp_path).issuer.prepare()
    done = carelog(
        "token", "--role", "biller", "--organization", "heart-centre", "--purpose", "HPAYMT", "--subject", "ann",
        home=tmp_path,
    )  # fmt: skip
    assert done.exit_code == 0
    callers = Callers(issuer=ISSUER, audience=AUDIENCE, keys=Keys(str(key_set)))
    actor = _run(callers, done.stdout.strip())
    assert actor == ("ann", "biller", "heart-centre", "HPAYMT")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--role", "king", "--organization", "x"], "There is no role king"),
        (["--role", "biller", "--organization", "x", "--purpose", "FUN"], "There is no purpose FUN"),
        (["--role", "biller", "--organization", "x", "--hours", "0"], "valid for up to"),
        (["--role", "biller", "--organization", "x"], "There is no issuer"),
    ],
)
def test_a_token_that_cannot_be_made_says_why(tmp_path: Path, words: list[str], why: str) -> None:
    done = carelog("token", *words, home=tmp_path)
    assert done.exit_code == 1
    assert why in done.output


def _run(callers: Callers, token: str) -> tuple[str, str, str, str]:
    import asyncio

    actor = asyncio.run(callers.actor([f"Bearer {token}"]))
    return actor.subject, actor.role, actor.organization, actor.purpose


def test_a_home_that_cannot_be_made_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = carelog("demo", "--ports", "0", home=tmp_path / "file" / "home")
    assert done.exit_code == 1
    assert "Not a directory" in done.output

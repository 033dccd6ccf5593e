"""The home: where it is, and what is noted in it about what runs."""

import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from deploy.embedded.home import Home, Mark, Running
from deploy.trouble import Trouble


def running() -> Running:
    return Running(
        supervisor=Mark.of(pid=os.getpid()),
        services={"records": "http://127.0.0.1:8101"},
        kafka="127.0.0.1:9092",
        is_development_broker=True,
        documents="mongodb://somebody:secret@127.0.0.1/",
        channel="folder:/outbox",
        children={"records": Mark(pid=1, born=2.5)},
        databases={"records": "postgresql://..."},
    )


def test_it_is_where_one_says_then_where_the_environment_says_then_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CARELOG_HOME", str(tmp_path / "elsewhere"))
    assert Home.chosen(given=tmp_path / "said").path == tmp_path / "said"
    assert Home.chosen().path == tmp_path / "elsewhere"
    monkeypatch.delenv("CARELOG_HOME")
    assert Home.chosen().path == tmp_path / ".carelog"


def test_what_was_noted_is_read_again_and_nobody_else_can_read_it(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.note(running())
    assert home.noted() == home.running() == running()
    assert stat.S_IMODE((tmp_path / "running.json").stat().st_mode) == 0o600


def test_a_supervisor_that_is_gone_does_not_run(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.note(replace(running(), supervisor=Mark(pid=os.getpid(), born=1.0)))
    with pytest.raises(Trouble, match="carelog demo"):
        home.running()


@pytest.mark.parametrize("content", ["", "{", "{}", "[]", '{"supervisor": 1}'])
def test_a_broken_note_is_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "running.json").write_text(content)
    assert Home(tmp_path).noted() is None

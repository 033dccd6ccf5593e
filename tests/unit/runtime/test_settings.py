"""Settings come from variables and files; what is missing stops the start by name, and no value is ever shown."""

from pathlib import Path

import pytest
from pydantic import Field

from shared.runtime.settings import Misconfigured, Settings

NEEDED = {
    "CARELOG_POSTGRES": "postgresql://u:CANARY@localhost/records",
    "CARELOG_PORT": "8101",
    "CARELOG_ISSUER": "urn:test",
    "CARELOG_ISSUER_KEYS": "keys.json",
}


@pytest.fixture
def variables(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in NEEDED.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


class Tuned(Settings):
    days: dict[str, int] = Field(default={"routine": 30})


def test_the_needed_ones_are_enough(variables: pytest.MonkeyPatch) -> None:
    settings = Settings.read()
    assert (settings.port, settings.documents, settings.body_limit) == (8101, "postgres", 16 * 1024 * 1024)


def test_what_is_missing_is_named_all_at_once(variables: pytest.MonkeyPatch) -> None:
    variables.delenv("CARELOG_POSTGRES")
    variables.setenv("CARELOG_ISSUER", "")
    with pytest.raises(Misconfigured) as stopped:
        Settings.read()
    assert "CARELOG_POSTGRES is required" in str(stopped.value)
    assert "CARELOG_ISSUER is required" in str(stopped.value)
    assert "CANARY" not in str(stopped.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [("PORT", "CANARY"), ("PORT", "70000"), ("BODY_LIMIT", "1CANARY"), ("LOG_LEVEL", "CANARY"), ("WAIT_LIMIT", "-1")],
)
def test_what_is_wrong_is_named_without_its_value(variables: pytest.MonkeyPatch, name: str, value: str) -> None:
    variables.setenv(f"CARELOG_{name}", value)
    with pytest.raises(Misconfigured, match=f"CARELOG_{name} ") as stopped:
        Settings.read()
    assert value not in str(stopped.value)


def test_a_secret_may_come_from_a_file(variables: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "dsn").write_text("postgresql://file\n")
    variables.delenv("CARELOG_POSTGRES")
    variables.setenv("CARELOG_POSTGRES_FILE", str(tmp_path / "dsn"))
    assert Settings.read().postgres == "postgresql://file"


def test_a_folder_of_secrets_is_as_good(variables: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "carelog_postgres").write_text("postgresql://folder")
    variables.delenv("CARELOG_POSTGRES")
    variables.setenv("CARELOG_SECRETS", str(tmp_path))
    assert Settings.read().postgres == "postgresql://folder"


def test_a_file_that_cannot_be_read_stops_the_start(variables: pytest.MonkeyPatch) -> None:
    variables.setenv("CARELOG_POSTGRES_FILE", "nowhere/CANARY")
    variables.delenv("CARELOG_POSTGRES")
    with pytest.raises(Misconfigured, match="CARELOG_POSTGRES_FILE") as stopped:
        Settings.read()
    assert "CANARY" not in str(stopped.value)


def test_tables_of_a_service_come_as_json(variables: pytest.MonkeyPatch, tmp_path: Path) -> None:
    variables.setenv("CARELOG_DAYS", '{"routine": 14}')
    assert Tuned.read().days == {"routine": 14}
    (tmp_path / "days").write_text('{"urgent": 2}')
    variables.delenv("CARELOG_DAYS")
    variables.setenv("CARELOG_DAYS_FILE", str(tmp_path / "days"))
    assert Tuned.read().days == {"urgent": 2}


@pytest.mark.parametrize("content", ["CANARY", '["CANARY"]'])
def test_a_table_that_is_none_is_named(variables: pytest.MonkeyPatch, content: str) -> None:
    variables.setenv("CARELOG_DAYS", content)
    with pytest.raises(Misconfigured, match=r"(?i)days") as stopped:
        Tuned.read()
    assert "CANARY" not in str(stopped.value)


def test_no_password_is_in_a_printed_setting(variables: pytest.MonkeyPatch) -> None:
    variables.setenv("CARELOG_DOCUMENTS", "mongodb://u:CANARY@localhost")
    assert "CANARY" not in repr(Settings.read()) + str(Settings.read())

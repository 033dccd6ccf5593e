"""Every rule of the house is broken here on purpose, and must be seen to break."""

from pathlib import Path

import pytest

from tests.rules.house import RULES, breaches

_PROJECT = Path(__file__).parents[2]

_BREACHES = [
    ("services/records/domain/patient.py", "def register():\n    return datetime.now(UTC)", "now()"),
    ("services/records/domain/vital/signs.py", "born = date.today()", "today()"),
    ("services/records/domain/patient.py", "id = uuid4()", "uuid4()"),
    ("services/records/projections.py", "id = uuid4()", "uuid4()"),
    ("services/records/projections/timeline.py", "id = uuid.uuid7()", "uuid7()"),
    ("services/records/reactions.py", "async def wait():\n    await asyncio.sleep(1)", "sleep()"),
    ("services/records/edges/web/page.py", "sleep(1)", "sleep()"),
    ("shared/runtime/relay.py", "class RelayManager: ...", "RelayManager"),
    ("services/records/domain/patient.py", "class RegisteredEvent: ...", "RegisteredEvent"),
    ("services/records/projections.py", "class ChartProjection(Projection): ...", "ChartProjection"),
    ("shared/contracts/records.py", "class PatientData: ...", "PatientData"),
    ("deploy/utils.py", "", "a file is named after what it holds"),
]

_ALLOWED = [
    ("services/records/domain/patient.py", "def register(*, at: datetime): ...\nclass Event: ..."),
    ("services/records/api.py", "arrived = datetime.now(UTC)"),
    ("shared/runtime/relay.py", "async def wait():\n    await asyncio.sleep(1)"),
    ("shared/runtime/log/rows.py", "class NewEvent: ..."),
    ("shared/runtime/logs.py", "class QuietHandler(logging.Handler): ..."),
]


@pytest.mark.parametrize(("module", "source", "says"), _BREACHES)
def test_a_breach_is_seen_and_says_where(tmp_path: Path, module: str, source: str, says: str) -> None:
    write(tmp_path / module, source)
    [breach] = breaches(root=tmp_path)
    assert str(breach).startswith(f"{module}:")
    assert says in breach.says


@pytest.mark.parametrize(("module", "source"), _ALLOWED)
def test_what_the_rules_allow_stays_green(tmp_path: Path, module: str, source: str) -> None:
    write(tmp_path / module, source)
    assert not [*breaches(root=tmp_path)]


def test_every_rule_says_why() -> None:
    assert all(rule.__doc__ for rule in RULES)


def test_the_project_keeps_the_rules_of_the_house() -> None:
    assert [str(breach) for breach in breaches(root=_PROJECT)] == []


@pytest.mark.parametrize("service", ["records", "scheduling", "billing", "referrals", "notifications"])
def test_all_five_services_have_the_same_files(service: str) -> None:
    same = {"__init__", "__main__", "service", "api", "commands", "domain", "projections", "reactions", "queries"}
    idle = {"reactions"} if service == "records" else set()  # it shows what others say, and answers nothing
    assert same - {path.stem for path in (_PROJECT / "services" / service).iterdir()} == idle


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True)
    path.write_text(text)

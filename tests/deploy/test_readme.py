"""What README.md says of settings, ports, roles and files is what the code says."""

import re
import tomllib

import pytest

from shared.contracts.catalogue import SERVICES
from tests.deploy import tables
from tests.deploy.tree import TREE, compose, text

DOCUMENTS = ["README.md", "CHANGELOG.md", *(str(path.relative_to(TREE)) for path in (TREE / "docs").rglob("*.md"))]


@pytest.mark.parametrize("name", tables.TABLES)
def test_its_tables_are_those_of_the_code(name: str) -> None:
    assert tables.written(name) == tables.TABLES[name](), "run `python -m tests.deploy.tables`"


def test_its_ports_are_those_of_the_compose_file() -> None:
    rows = re.findall(r"^\| (\d{4}) \| (\w+)", text("README.md"), re.MULTILINE)
    published = [(compose()["services"][name]["ports"][0].split(":")[1], name) for name in SERVICES]
    assert rows[:5] == published


@pytest.mark.parametrize("document", DOCUMENTS)
def test_what_a_document_points_at_is_there(document: str) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", text(document)):
        assert ((TREE / document).parent / target).exists(), target


def test_decisions_are_numbered_without_a_gap() -> None:
    numbers = sorted(int(path.name[:4]) for path in (TREE / "docs/adr").glob("*.md"))
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("document", [name for name in DOCUMENTS if name.startswith("docs/adr/")])
def test_a_decision_says_all_that_a_decision_must(document: str) -> None:
    headings = re.findall(r"^## (.+)$", text(document), re.MULTILINE)
    assert headings == ["Context", "Options", "Decision", "Consequences", "What would make us change it"]
    assert re.match(rf"# {int(document[9:13])}\. \S", text(document))
    assert len(text(document).splitlines()) <= 75


def test_each_dependency_has_a_reason() -> None:
    project = tomllib.loads(text("pyproject.toml"))["project"]
    wanted = {re.split(r"[\[<>=;]", one)[0].strip() for one in project["dependencies"]}
    [record] = (TREE / "docs/adr").glob("*-what-each-dependency-is-for.md")
    rows = re.findall(r"^\| (`.+?) \|", record.read_text("utf-8"), re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"`([\w.-]+)`", row)} == wanted

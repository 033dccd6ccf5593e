"""What docs/operating.md tells operators to look at is there."""

import re
from typing import get_args

import asyncpg
import pytest

from shared.runtime.log.schema import prepare
from shared.runtime.main import Role
from tests.deploy.tree import TREE, text

GUIDE = "docs/operating.md"


def test_its_roles_are_those_of_the_program() -> None:
    rows = re.findall(r"^\| `(\w+)` \| .+ \| .+ \|$", text(GUIDE).split("## What a process needs")[0], re.MULTILINE)
    assert set(rows) == set(get_args(Role))


def test_the_lines_that_it_explains_are_written_somewhere() -> None:
    table = text(GUIDE).split("## Logs")[1].split("## Traces")[0]
    code = "".join(path.read_text("utf-8") for path in (TREE / "shared/runtime").rglob("*.py"))
    messages = re.findall(r"`([a-z' ]+)`(?=[^|]*\| (?:ERROR|WARNING|INFO) )", table)
    assert len(messages) > 10
    assert [message for message in messages if f'"{message}"' not in code] == []


@pytest.mark.engines
async def test_its_questions_can_be_asked_and_an_empty_log_has_no_trouble(database: str) -> None:
    connection = await asyncpg.connect(database)
    try:
        await prepare(connection)
        [questions] = re.findall(r"```sql\n(.+?)```", text(GUIDE), re.DOTALL)
        answers = [await connection.fetch(question) for question in questions.strip().split(";\n")]
        assert [[tuple(row) for row in answer] for answer in answers] == [[(0,)], [], [], []]
        for table, columns in re.findall(r"^\| `(holes|parked|timers)` \| (.+) \|$", text(GUIDE), re.MULTILINE):
            named = re.findall(r"`(\w+)`", columns)
            await connection.fetch(f"SELECT {', '.join(named)} FROM {table}")
    finally:
        await connection.close()

"""The policy's table and the code use the same names: no rule without a use, no use without a rule."""

import ast
from collections.abc import Iterator
from pathlib import Path

from shared.runtime.policy import RULES

TREE = Path(__file__).parents[2]
TABLE = TREE / "shared/runtime/policy.py"
SOURCES = [path for part in ("services", "shared/runtime") for path in sorted((TREE / part).rglob("*.py"))]
ASKING = frozenset({"may", "reads", "to_do", "permit", "judge", "action_of"})


def test_every_rule_is_used() -> None:
    said = {text for path in SOURCES if path != TABLE for text in texts(ast.parse(path.read_text("utf-8")))}

    assert sorted(RULES.keys() - said) == []


def test_every_action_that_is_asked_for_has_a_rule() -> None:
    asked = {text for path in SOURCES for text in actions(ast.parse(path.read_text("utf-8")))}

    assert len(asked) > 10
    assert sorted(asked - RULES.keys()) == []


def test_an_action_without_a_rule_would_be_found() -> None:
    asked = actions(ast.parse('may("cake.eat"); unit.may(action="cake.bake"); Reaction(Said, do, action="cake.sell")'))

    assert sorted(asked) == ["cake.bake", "cake.eat", "cake.sell"]


def texts(tree: ast.AST) -> Iterator[str]:
    """Every text in the code."""
    yield from (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str))


def actions(tree: ast.AST) -> Iterator[str]:
    """Every text that is handed over as an action."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            handed = [key.value for key in node.keywords if key.arg == "action"]
            handed += node.args[:1] if name in ASKING else []
            yield from (text for one in handed if isinstance(one, ast.Constant) and "." in (text := str(one.value)))

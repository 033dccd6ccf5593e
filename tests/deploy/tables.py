"""The tables of README.md that are made from the code. `python -m tests.deploy.tables` writes them."""

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from shared.contracts.catalogue import SERVICES
from shared.kernel.actor import ROLES
from shared.runtime.policy import RULES
from shared.runtime.settings import Settings
from tests.deploy.tree import TREE, service

README = TREE / "README.md"


def settings() -> str:
    lines = ["| Variable | Default | What it says |", "|---|---|---|", *_rows(Settings)]
    for name in SERVICES:
        own = service(name).settings
        if own is not Settings:
            lines += [row.replace("| `", f"| {name}: `", 1) for row in _rows(own)]
    return "\n".join(lines)


def actions() -> str:
    """Who may do what: the policy's table."""
    lines = [f"| Action | Whose | {' | '.join(ROLES)} |", "|---" * (len(ROLES) + 2) + "|"]
    for action, rule in RULES.items():
        marks = ("x" if role in rule.roles else " " for role in ROLES)
        lines.append(f"| `{action}` | {rule.scope} | {' | '.join(marks)} |")
    return "\n".join(lines)


TABLES = {"settings": settings, "actions": actions}


def written(name: str) -> str:
    """The table as README.md has it."""
    found = re.search(_between(name), README.read_text("utf-8"), re.DOTALL)
    return found[2] if found else ""


def _between(name: str) -> str:
    return rf"(<!-- {name}: made from the code -->\n)(.*?)(\n<!-- end -->)"


def _rows(of: type[Settings]) -> Iterator[str]:
    said = _docstrings(of)
    for name in inspect.get_annotations(of):
        if field := of.model_fields.get(name):
            yield f"| `CARELOG_{name.upper()}` | {_default(field)} | {said[name]} |"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "needed"
    if isinstance(field.default, BaseModel):
        return "see below"
    return f"`{field.default}`" if field.default != "" else ""


def _docstrings(of: type[Settings]) -> dict[str, str]:
    """What the class says below each of its fields."""
    [declared] = ast.parse(textwrap.dedent(inspect.getsource(of))).body
    assert isinstance(declared, ast.ClassDef)
    found: dict[str, str] = {}
    name = ""
    for statement in declared.body:
        match statement:
            case ast.AnnAssign(target=ast.Name(id=name)):
                pass
            case ast.Expr(value=ast.Constant(value=str(text))) if name:
                found[name] = " ".join(text.split())
                name = ""
    return found


def main() -> None:
    content = README.read_text("utf-8")
    for name, table in TABLES.items():
        made = table()
        content = re.sub(_between(name), lambda found, made=made: found[1] + made + found[3], content, flags=re.DOTALL)  # type: ignore[misc]
    README.write_text(content, "utf-8")


if __name__ == "__main__":
    main()

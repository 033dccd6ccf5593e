"""The rules that no linter knows: each a small function over one file's syntax tree, with its reason beside it."""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

_ASKS_THE_WORLD = {"now", "today", "utcnow", "uuid1", "uuid4", "uuid6", "uuid7", "token_hex", "urandom", "getrandbits"}
_EMPTY_WORDS = ("Manager", "Handler", "Helper", "Helpers", "Util", "Utils", "Base", "Impl", "DTO")
_WORDS_FOR_PLUMBING_ALONE = ("Aggregate", "Command", "Data", "Event", "Info", "Projection")
_EMPTY_FILES = {"common.py", "helpers.py", "misc.py", "util.py", "utils.py"}


@dataclass(frozen=True, kw_only=True)
class Breach:
    path: Path
    line: int
    says: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.says}"


def the_pure_ask_nobody(*, path: Path, tree: ast.Module) -> Iterator[Breach]:
    """Domains and projections get time and ids as arguments.

    A fold that reads the clock gives another state at each replay, and a projection that makes an id gives other
    documents at each rebuild. Imports do not show it: `datetime` is allowed for its type, `datetime.now()` is not.
    """
    if path.parts[0] == "services" and {"domain", "projections", "projections.py"} & {*path.parts}:
        for call in _calls(tree):
            if _called_name(call) in _ASKS_THE_WORLD:
                yield Breach(path=path, line=call.lineno, says=f"{_called_name(call)}(): time and ids are arguments")


def services_never_sleep(*, path: Path, tree: ast.Module) -> Iterator[Breach]:
    """Waiting is the runtime's: a service that sleeps has written a retry of its own, which nobody counts or stops."""
    if path.parts[0] == "services":
        for call in _calls(tree):
            if _called_name(call) == "sleep":
                yield Breach(path=path, line=call.lineno, says="sleep(): waiting and retrying belong to shared.runtime")


def names_say_something(*, path: Path, tree: ast.Module) -> Iterator[Breach]:
    """A class named Manager or Handler can hold anything, and soon does; `...Event` repeats what its tense says.

    What extends another library's `Handler` may say so. Plumbing handles events as such, and Kafka has its own words.
    """
    if path.name in _EMPTY_FILES:
        yield Breach(path=path, line=1, says="a file is named after what it holds")
    of_the_field = path.parts[0] == "services" or path.parts[:2] == ("shared", "contracts")
    words = _EMPTY_WORDS + _WORDS_FOR_PLUMBING_ALONE if of_the_field else _EMPTY_WORDS
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and _ends_emptily(node, words=words):
            yield Breach(path=path, line=node.lineno, says=f"{node.name}: name the thing, not its part in a pattern")


RULES: tuple[Callable[..., Iterator[Breach]], ...] = (the_pure_ask_nobody, services_never_sleep, names_say_something)


def breaches(*, root: Path) -> Iterator[Breach]:
    """All breaches in the tree below `root`; what the tests contain is their own affair."""
    for package in ("services", "shared", "deploy"):
        for file in sorted((root / package).rglob("*.py")):
            tree = ast.parse(file.read_bytes(), filename=str(file))
            for rule in RULES:
                yield from rule(path=file.relative_to(root), tree=tree)


def _ends_emptily(node: ast.ClassDef, *, words: tuple[str, ...]) -> bool:
    word = next((word for word in words if node.name.endswith(word) and node.name != word), None)
    inherited = word in _EMPTY_WORDS and any(_name(base).endswith(str(word)) for base in node.bases)
    return word is not None and not inherited


def _calls(tree: ast.Module) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _called_name(call: ast.Call) -> str:
    return _name(call.func)


def _name(expression: ast.expr) -> str:
    match expression:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Subscript(value=value):
            return _name(value)
        case _:
            return ""

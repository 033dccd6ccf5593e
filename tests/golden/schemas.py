"""The golden schema of a contract, and what may change in it: within a version, optional fields are added, no more."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from shared.contracts.envelope import Contract

FOLDER = Path(__file__).parent / "contracts"
_WORDS = frozenset({"title", "description", "default", "examples", "$defs"})
"""what a schema says besides what is valid"""

Schema = dict[str, Any]


def path_of(contract: type[Contract]) -> Path:
    return FOLDER / f"{contract.TYPE}.schema.json"


def schema_of(contract: type[Contract]) -> Schema:
    return contract.model_json_schema()


def read(path: Path) -> Schema:
    found: Schema = json.loads(path.read_text("utf-8"))
    return found


def write(contract: type[Contract]) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    path_of(contract).write_text(json.dumps(schema_of(contract), indent=2, ensure_ascii=False) + "\n", "utf-8")


def grown(path: Path, contract: type[Contract]) -> bool:
    """Whether the contract has fields that its golden schema does not know."""
    return bool(breaks(schema_of(contract), read(path), event=""))


def breaks(was: Schema, now: Schema, *, event: str) -> list[str]:
    """Each change that would break a subscriber of the event, or its old messages, with the field's name."""
    return [f"{event}: {change}" for change in _breaks(_Node(was, was), _Node(now, now), "")]


class _Node:
    """A part of a schema, which may refer to another part."""

    def __init__(self, part: Schema, whole: Schema) -> None:
        while "$ref" in part:
            part = whole["$defs"][part["$ref"].rsplit("/", 1)[-1]]
        self.part = part
        self.whole = whole

    @property
    def fields(self) -> Mapping[str, "_Node"]:
        return {name: _Node(part, self.whole) for name, part in self.part.get("properties", {}).items()}

    @property
    def required(self) -> frozenset[str]:
        return frozenset(self.part.get("required", ()))

    @property
    def rest(self) -> Schema:
        """All but the fields, where there are any."""
        return {k: self._followed(v) for k, v in self.part.items() if k not in {*_WORDS, "properties", "required"}}

    def _followed(self, value: Any) -> Any:
        """Nothing refers to anything any more; names and descriptions are left out."""
        if isinstance(value, list):
            return [self._followed(one) for one in value]
        if not isinstance(value, dict):
            return value
        node = _Node(value, self.whole)
        if node.fields:
            return node
        return {k: self._followed(v) for k, v in node.part.items() if k not in _WORDS}


def _breaks(was: _Node, now: _Node, at: str) -> Iterator[str]:
    for name, field in was.fields.items():
        where = f"{at}{name}"
        if name not in now.fields:
            yield f"the field {where} was removed"
            continue
        if name in now.required - was.required:
            yield f"the field {where} became required, and old messages lack it"
        if name in was.required - now.required:
            yield f"the field {where} may be absent now, and subscribers rely on it"
        yield from _breaks(field, now.fields[name], f"{where}.")
    for name in sorted(now.required - was.fields.keys()):
        yield f"the new field {at}{name} is required, and old messages lack it"
    yield from _changed(was.rest, now.rest, at)


def _changed(was: Any, now: Any, at: str) -> Iterator[str]:
    """Whether what is valid has changed; within objects, field by field."""
    if isinstance(was, _Node) and isinstance(now, _Node):
        yield from _breaks(was, now, at)
    elif isinstance(was, dict) and isinstance(now, dict) and was.keys() == now.keys():
        for key in was:
            yield from _changed(was[key], now[key], at)
    elif isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        for one, other in zip(was, now, strict=True):
            yield from _changed(one, other, at)
    elif was != now:
        yield f"the type of the field {at.rstrip('.')} changed" if at else "the type of the message changed"

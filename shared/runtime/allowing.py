"""From an event's stored JSON to its contract's without making either: what the contract declares is copied, byte by
byte, and nothing else is read.

Only where that is provably the same as making both: the contract's fields are the event's own, in types that JSON
writes alike. What was stored by an older form of the event does not fit, and goes the long way.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin
from uuid import UUID

import msgspec
from pydantic import BaseModel

from shared.contracts.envelope import Contract
from shared.kernel import Event

Filter = Callable[[bytes], bytes | None]
"""the contract's JSON from the state; None where the long way has to be gone"""


class _Differs(Exception):
    """The two are not written alike, or not provably."""


def filter_of(event: type[Event], contract: type[Contract]) -> Filter | None:
    """None: every event of this class goes the long way."""
    if getattr(event, "class_version", 1) > 1:
        return None  # what is stored says its version, and an older one has to be raised to today's
    try:
        decoder = msgspec.json.Decoder(_form(contract, event))
    except _Differs:
        return None
    encoder = msgspec.json.Encoder()

    def filtered(state: bytes) -> bytes | None:
        try:
            return encoder.encode(decoder.decode(state))
        except msgspec.MsgspecError:
            return None

    return filtered


def _form(said: type[BaseModel], kept: type[BaseModel]) -> type[msgspec.Struct]:
    """What to read of `kept`'s JSON: all fields of `said`, each of them there."""
    if not (_plain(said) and _plain(kept)):
        raise _Differs
    fields = {name: field.annotation for name, field in kept.model_fields.items() if name not in _COLUMNS}
    if not said.model_fields.keys() <= fields.keys():
        raise _Differs
    forms = [(name, _form_of(field.annotation, fields[name])) for name, field in said.model_fields.items()]
    return msgspec.defstruct(said.__name__, forms, gc=False)


_COLUMNS = frozenset({"originator_id", "originator_version"})


def _plain(model: type[BaseModel]) -> bool:
    """Whether its values are what was given, under the names of its fields."""
    own = model.__pydantic_decorators__
    changing: tuple[Mapping[str, Any], ...] = (
        own.validators, own.field_validators, own.root_validators, own.model_validators,
        own.field_serializers, own.model_serializers,
    )  # fmt: skip
    bent = any(field.metadata or field.alias for field in model.model_fields.values())
    return not any(changing) and not bent and model.model_config.get("extra") != "allow"


def _form_of(said: Any, kept: Any) -> Any:
    said, kept = _named(said), _named(kept)
    if _is_model(said) and _is_model(kept):
        return _form(said, kept)
    if _is_union(said):
        return _perhaps(_form_of(_there(said), _there(kept)))
    if get_origin(said) is get_origin(kept) is tuple:
        return _several(_form_of(_each(said), _each(kept)))
    if (said == kept and (said in _LEAVES or get_origin(said) is Literal)) or (said is str and _is_words(kept)):
        return msgspec.Raw
    raise _Differs


_LEAVES = frozenset({str, int, bool, Decimal, UUID, date, datetime, dict[str, Any]})


def _named(kind: Any) -> Any:
    """Without the name that a `NewType` gives it."""
    return getattr(kind, "__supertype__", kind)


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _is_words(kind: Any) -> bool:
    return get_origin(kind) is Literal and all(isinstance(word, str) for word in get_args(kind))


def _is_union(kind: Any) -> bool:
    return get_origin(kind) in (Union, UnionType)


def _there(kind: Any) -> Any:
    """What an optional value is where it is there."""
    if not _is_union(kind):
        return kind
    match [one for one in get_args(kind) if one is not NoneType]:
        case [one]:
            return one
        case _:
            raise _Differs


def _each(kind: Any) -> Any:
    match get_args(kind):
        case (one, more) if more is ...:
            return one
        case _:
            raise _Differs


def _perhaps(form: Any) -> Any:
    return form if form is msgspec.Raw else form | None


def _several(form: Any) -> Any:
    return form if form is msgspec.Raw else list[form]

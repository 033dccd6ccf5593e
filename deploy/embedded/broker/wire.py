"""How a message of Kafka's protocol is declared: a dataclass whose annotations say how each field is written, as in the
protocol guide. `str`, `bytes`, `bool`, `list[...]` and `| None` mean what they say, integers name their width. The
messages stand beside their answers in `apis`; `codec.py` reads and writes them."""

from dataclasses import dataclass, field
from typing import Annotated, TypeVar, dataclass_transform

Message = TypeVar("Message")


@dataclass(frozen=True, slots=True)
class Width:
    """How wide an integer is, in the `struct` module's letters."""

    layout: str


@dataclass(frozen=True, slots=True)
class Since:
    """The first version that has the field."""

    version: int


@dataclass(frozen=True, slots=True)
class Until:
    """The last version that has the field."""

    version: int


Int8 = Annotated[int, Width("b")]
Int16 = Annotated[int, Width("h")]
Int32 = Annotated[int, Width("i")]
Int64 = Annotated[int, Width("q")]


@dataclass_transform(kw_only_default=True, field_specifiers=(field,))
def message(declared: type[Message]) -> type[Message]:
    """Declares a message; fields stand in the order of the wire, whichever of them have defaults."""
    return dataclass(kw_only=True, slots=True)(declared)

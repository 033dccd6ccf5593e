"""Reads and writes the messages that `wire.py` declares, each version of a request in its own form."""

import struct
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cache
from itertools import chain, groupby
from types import NoneType, UnionType
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

from deploy.embedded.broker.buffer import Malformed, Source
from deploy.embedded.broker.wire import Since, Until, Width

Message = TypeVar("Message")
Read = Callable[[Source], Any]
Write = Callable[[bytearray, Any], None]


@dataclass(frozen=True, slots=True)
class Codec:
    """How one type is read and written in one version of a request."""

    read: Read
    write: Write


def decode(*, kind: type[Message], data: bytes, at: int, version: int, flexible: bool) -> Message:
    """The message which starts at `at`; raises `Malformed` for bytes that are not one, or are more than one."""
    source = Source(data, at)
    declared: Any = kind
    try:
        decoded: Message = _message_codec(declared, version, flexible).read(source)
    except UnicodeDecodeError as error:
        raise Malformed("a string is not UTF-8") from error
    source.expect_end()
    return decoded


def encode(*, value: object, to: bytearray, version: int, flexible: bool) -> None:
    declared: Any = type(value)
    _message_codec(declared, version, flexible).write(to, value)


@cache
def _message_codec(kind: type[Any], version: int, flexible: bool) -> Codec:
    hints = get_type_hints(kind, include_extras=True)
    present = [(each.name, hints[each.name]) for each in fields(kind) if _is_in(hints[each.name], version)]
    parts = [
        _row_of_integers(list(some)) if is_fixed else _fields(list(some), version, flexible)
        for is_fixed, some in groupby(present, key=lambda field: _layout(field[1]) is not None)
    ]

    def read(source: Source) -> Any:
        decoded = kind(**dict(chain.from_iterable(part.read(source) for part in parts)))
        if flexible:
            source.skip_tagged_fields()
        return decoded

    def write(written: bytearray, value: Any) -> None:
        for part in parts:
            part.write(written, value)
        if flexible:
            written.append(0)  # no tagged fields

    return Codec(read, write)


def _row_of_integers(row: list[tuple[str, Any]]) -> Codec:
    """Integers that stand side by side are read and written in one go: a fetch may name hundreds of partitions."""
    names = [name for name, _ in row]
    layout = struct.Struct(">" + "".join(_layout(hint) or "" for _, hint in row))

    def write(written: bytearray, value: Any) -> None:
        written.extend(layout.pack(*[getattr(value, name) for name in names]))

    return Codec(lambda source: zip(names, source.unpack(layout), strict=True), write)


def _fields(some: list[tuple[str, Any]], version: int, flexible: bool) -> Codec:
    codecs = [(name, _codec(hint, version, flexible)) for name, hint in some]

    def write(written: bytearray, value: Any) -> None:
        for name, codec in codecs:
            codec.write(written, getattr(value, name))

    return Codec(lambda source: [(name, codec.read(source)) for name, codec in codecs], write)


def _layout(hint: Any) -> str | None:
    """Of an integer or a boolean, in the `struct` module's letters."""
    widths = [mark.layout for mark in getattr(hint, "__metadata__", ()) if isinstance(mark, Width)]
    plain = get_args(hint)[0] if get_origin(hint) is Annotated else hint
    return "?" if plain is bool else next(iter(widths), None)


def _is_in(hint: Any, version: int) -> bool:
    marks = getattr(hint, "__metadata__", ())
    too_early = any(isinstance(mark, Since) and version < mark.version for mark in marks)
    return not too_early and not any(isinstance(mark, Until) and version > mark.version for mark in marks)


def _codec(hint: Any, version: int, flexible: bool) -> Codec:
    layout = _layout(hint)
    if layout is not None:
        return _integer(layout)
    kind = get_args(hint)[0] if get_origin(hint) is Annotated else hint
    nullable = get_origin(kind) is UnionType
    if nullable:
        kind = next(part for part in get_args(kind) if part is not NoneType)
    if kind is str or kind is bytes:
        return _text(nullable, flexible) if kind is str else _bytes(nullable, flexible)
    if get_origin(kind) is list:
        return _array(_codec(get_args(kind)[0], version, flexible), nullable, flexible)
    return _message_codec(kind, version, flexible)


def _integer(layout: str) -> Codec:
    number = struct.Struct(">" + layout)
    return Codec(lambda source: source.unpack(number)[0], lambda written, value: written.extend(number.pack(value)))


def _text(nullable: bool, flexible: bool) -> Codec:
    read_size, write_size = _size("h", nullable, flexible)

    def read(source: Source) -> str | None:
        size = read_size(source)
        return None if size is None else source.take(size).decode()

    def write(written: bytearray, value: str | None) -> None:
        encoded = None if value is None else value.encode()
        write_size(written, encoded)
        written.extend(encoded or b"")

    return Codec(read, write)


def _bytes(nullable: bool, flexible: bool) -> Codec:
    read_size, write_size = _size("i", nullable, flexible)

    def read(source: Source) -> bytes | None:
        size = read_size(source)
        return None if size is None else source.take(size)

    def write(written: bytearray, value: bytes | None) -> None:
        write_size(written, value)
        written.extend(value or b"")

    return Codec(read, write)


def _array(item: Codec, nullable: bool, flexible: bool) -> Codec:
    read_size, write_size = _size("i", nullable, flexible)

    def read(source: Source) -> list[Any] | None:
        size = read_size(source)
        return None if size is None else [item.read(source) for _ in range(size)]

    def write(written: bytearray, values: list[Any] | None) -> None:
        write_size(written, values)
        for value in values or ():
            item.write(written, value)

    return Codec(read, write)


def _size(layout: str, nullable: bool, flexible: bool) -> tuple[Callable[[Source], int | None], Write]:
    """The length before a string, bytes or an array: -1 is null; flexible versions write length + 1 as a varint."""
    number = struct.Struct(">" + layout)

    def read(source: Source) -> int | None:
        size: int = source.varint() - 1 if flexible else source.unpack(number)[0]
        if size < 0 and not nullable:
            raise Malformed("null where a value is required")
        if size > source.remaining:
            raise Malformed("a length beyond the end of the frame")
        return None if size < 0 else size

    def write(written: bytearray, value: Any) -> None:
        size = -1 if value is None else len(value)
        written.extend(_varint(size + 1) if flexible else number.pack(size))

    return read, write


def _varint(value: int) -> bytes:
    written = bytearray()
    while value > 0x7F:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    written.append(value)
    return bytes(written)

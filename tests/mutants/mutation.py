"""A mistake made at run time: a piece of one function's source replaced by another, for as long as it is held.

The piece must stand there exactly once: where the code has moved on, the mistake says so and does not quietly do
nothing.
"""

import inspect
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from types import MappingProxyType
from typing import Any


class Outdated(Exception):
    """The code is not what the mistake was made for."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """`where` is `module:Class.function` (who imports a bare function by its name keeps the old one).

    `needs`: names that the new piece uses and the module does not have.
    """

    where: str
    instead_of: str
    this: str
    needs: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    def source(self) -> str:
        """The function as it would be written. Raises `Outdated`."""
        owner, name = self._place()
        found = inspect.getattr_static(owner, name)
        source = textwrap.dedent(inspect.getsource(getattr(found, "func", found)))
        if source.count(self.instead_of) != 1:
            raise Outdated(f"{self.where} does not have this once: {self.instead_of}")
        return source.replace(self.instead_of, self.this)

    @contextmanager
    def made(self) -> Iterator[None]:
        """The mistake is there, in this process."""
        owner, name = self._place()
        before = inspect.getattr_static(owner, name)
        names = {**vars(import_module(self.where.split(":")[0])), **self.needs}
        exec(compile(self.source(), f"<{self.where}>", "exec", dont_inherit=True), names)  # noqa: S102 - that is the idea
        made = names[name]
        if hasattr(made, "__set_name__"):
            made.__set_name__(owner, name)
        setattr(owner, name, made)
        try:
            yield
        finally:
            setattr(owner, name, before)

    def _place(self) -> tuple[Any, str]:
        module, path = self.where.split(":")
        *owners, name = path.split(".")
        owner: Any = import_module(module)
        for one in owners:
            owner = getattr(owner, one)
        return owner, name

"""What the oracle needs of a system, whichever it is."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from deploy.story.cast import Caller
from shared.contracts.envelope import Contract
from shared.runtime.documents.port import Documents
from shared.runtime.projection import Projection
from shared.runtime.relations import Relations
from shared.runtime.service import Service


class Ground(Protocol):
    """A running system. Its logs are read in their databases, past every door, so that no door can hide a loss."""

    @property
    def services(self) -> Mapping[str, Service]: ...

    @property
    def contracts(self) -> Mapping[str, type[Contract]]:
        """Every contract that may be on its topics, by `TYPE`."""

    @property
    def kafka(self) -> str: ...

    def database(self, service: str) -> str:
        """The DSN of the service's log, by the shortest way: no proxy in between."""

    def addresses(self, service: str) -> Sequence[str]:
        """Where its doors are; several, where several processes serve them."""

    def token(self, caller: Caller) -> str: ...

    async def documents(self, service: str) -> Documents:
        """The store of its read models, opened; whoever asks closes it."""

    async def beside(self, service: str) -> Documents:
        """The store beside its log, where care relationships are in every mode; the same way."""

    def written(self) -> Sequence[Path]:
        """The files that its processes write: logs of all kinds, where no canary may be."""


def projections(service: Service) -> tuple[Projection[Any], ...]:
    """A service's projections as its settings have them where nobody said otherwise, and its relations."""
    known = service.settings.model_construct(
        **{name: field.default for name, field in service.settings.model_fields.items() if not field.is_required()}
    )
    return (*(one.settled(known) for one in service.projections), Relations())

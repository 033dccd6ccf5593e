"""The golden file of an event: how it is made, and whether what it holds is still understood."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from shared.contracts.envelope import Contract
from shared.runtime.bus.relay import value_of
from shared.runtime.json import canonical, loads
from shared.runtime.publishing import Publisher
from shared.runtime.service import Published, Service
from tests.support.contracts import Plain, event, stored

FOLDER = Path(__file__).parent


@dataclass(frozen=True, kw_only=True)
class Golden:
    """One event as it was stored once, and as its topic carried it."""

    event: str
    class_version: int
    state: str
    contract: str
    value: str

    @classmethod
    def of(cls, published: Published, *, publisher: Publisher) -> Self:
        kept = stored(event(published, Plain()))
        return cls(
            event=kept.name,
            class_version=version_of(published),
            state=kept.state.decode(),
            contract=published.contract.TYPE,
            value=value_of(publisher.contract(kept)).decode(),
        )

    @classmethod
    def read(cls, path: Path) -> Self:
        return cls(**json.loads(path.read_text("utf-8")))

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n", "utf-8")

    @cached_property
    def facts(self) -> Any:
        return loads(self.value)

    def published_by(self, service: Service) -> Contract:
        """What the relay would make of it today. Raises whatever goes wrong."""
        [published] = [one for one in service.publishes if self.event == one.event.TOPIC]
        row = stored(event(published, Plain()), name=self.event, state=self.state.encode())
        return Publisher(service, epoch=1).contract(row)


def version_of(published: Published) -> int:
    return int(getattr(published.event, "class_version", 1))


def path_of(service: Service, published: Published) -> Path:
    return FOLDER / service.name / f"{published.event.TOPIC}.v{version_of(published)}.json"


def differences(was: Any, now: Any, *, at: str = "") -> Iterator[str]:
    """What is said differently now, by field. What is only said now is an addition."""
    if isinstance(was, dict) and isinstance(now, dict):
        for name, value in was.items():
            where = f"{at}.{name}" if at else name
            yield from differences(value, now[name], at=where) if name in now else [f"{where} is gone"]
    elif isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        for place, (one, other) in enumerate(zip(was, now, strict=True)):
            yield from differences(one, other, at=f"{at}[{place}]")
    elif canonical(was) != canonical(now):
        yield f"{at} is said differently"

"""What a story must remember to go on after it was cut off: its id, what it has done, and what it has chosen."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

from deploy.embedded.home import write_whole


@dataclass(kw_only=True)
class Notebook:
    """`facts` are written down before they are used: a step that is played again says the same words again."""

    path: Path
    id: str
    facts: dict[str, Any] = field(default_factory=dict)
    done: dict[str, str] = field(default_factory=dict)
    """the steps that were played to their end, each with what came of it"""

    @classmethod
    def begin(cls, *, folder: Path) -> Self:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        id = str(uuid4())
        return cls(path=folder / f"{id}.json", id=id)

    @classmethod
    def open(cls, *, path: Path) -> Self:
        kept = json.loads(path.read_text("utf-8"))
        return cls(path=path, id=kept["id"], facts=kept["facts"], done=kept["done"])

    @classmethod
    def unfinished(cls, *, folder: Path, steps: int) -> Self | None:
        """The newest story in the folder that did not come to its end."""
        for path in sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime, reverse=True):
            found = cls.open(path=path)
            if len(found.done) < steps:
                return found
        return None

    def note(self, **facts: Any) -> None:
        self.facts |= facts
        self._keep()

    def finish(self, *, step: str, outcome: str) -> None:
        self.done[step] = outcome
        self._keep()

    def _keep(self) -> None:
        content: Mapping[str, Any] = {"id": self.id, "facts": self.facts, "done": self.done}
        write_whole(path=self.path, text=json.dumps(content, indent=1))

"""What a door says: JSON whose decimals keep their digits, with the versions that a caller can build on."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from starlette.responses import Response

from shared.runtime.json import dumps
from shared.runtime.mandate import Changed, Done


class Answer(Response):
    """JSON by `shared.runtime.json`: FastAPI's own encoder would make floats of decimals."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return dumps(content)


def answer(
    value: Any, *, status: int = 200, version: int | None = None, headers: Mapping[str, str] | None = None
) -> Answer:
    """A value as JSON; `version` becomes its ETag, which a caller may send back as If-Match."""
    tagged = {"ETag": etag(version)} if version is not None else {}
    return Answer(value, status, {**tagged, **(headers or {})})


def reply(done: Done, *, status: int = 200, location: str | None = None, about: UUID | None = None) -> Answer:
    """What came of a command: `{"id", "version", "changed": [{"type", "id", "version"}, ...]}` and what it says itself.

    `id`, `version` and ETag are those of the aggregate `about`, else of the first changed; `location` may hold `{id}`.
    """
    content: dict[str, Any] = {
        "changed": [{"type": one.type, "id": str(one.id), "version": one.version} for one in done.changed]
    }
    first = _named(done.changed, about)
    if first is not None:
        content = {"id": str(first.id), "version": first.version, **content}
    if isinstance(done.answer, Mapping):
        content |= done.answer
    elif done.answer is not None:
        content["answer"] = done.answer
    where = {"Location": location.format(id=content.get("id", about or ""))} if location else {}
    return answer(content, status=status, version=first.version if first else None, headers=where)


def told(done: Done) -> Answer:
    """What a command says of one thing, with its `version` as ETag."""
    return answer(done.answer, version=done.answer["version"])


def etag(version: int) -> str:
    """A version as a weak entity tag (RFC 9110, 8.8.3): `W/"3"`."""
    return f'W/"{version}"'


def _named(changed: tuple[Changed, ...], about: UUID | None) -> Changed | None:
    return next((one for one in changed if about is None or one.id == about), None)

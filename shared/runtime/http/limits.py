"""The size of a request's body, counted as it arrives (pure ASGI).

Starlette's own limit answers in plain text, past every error handler; this one raises, where the body is read.
"""

from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.kernel import TooLarge


class BodyTooLarge(TooLarge):
    """The request's body is larger than what can be taken."""


@dataclass(frozen=True, slots=True)
class BodyLimit:
    """Raises `BodyTooLarge` to whoever reads more than `limit` bytes, or any of a body that declares more."""

    app: ASGIApp
    limit: int

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "")
        left = -1 if declared.isdecimal() and int(declared[:20]) > self.limit else self.limit

        async def counted() -> Message:
            nonlocal left
            if left < 0:
                raise BodyTooLarge
            message = await receive()
            left -= len(message.get("body", b""))
            if left < 0:
                raise BodyTooLarge
            return message

        await self.app(scope, counted, send)

"""What a store on an engine does besides: it says when the engine is away, and answers like its specification."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings

from shared.kernel.errors import Unavailable
from shared.runtime.documents.memory import MemoryDocuments
from shared.runtime.documents.port import Collection, Documents, Equal, Query
from tests.integration.documents.behaviour import PEOPLE, DocumentsBehaviour, new, person
from tests.integration.documents.histories import FIELDS, HISTORIES, INDEXES, Step, play
from tests.integration.documents.line import Line

CALLS: dict[str, Callable[[Documents], Awaitable[Any]]] = {
    "prepare": lambda people: people.prepare(Collection("other", {"a": "text"}, indexes=[["a"]])),
    "drop": lambda people: people.drop("other"),
    "read": lambda people: people.read(PEOPLE, ["a"]),
    "write": lambda people: people.write(PEOPLE, new(person("b"))),
    "insert": lambda people: people.insert(PEOPLE, [person("b")]),
    "get": lambda people: people.get(PEOPLE, "a"),
    "find": lambda people: people.find(PEOPLE, Query(where=[Equal("visits", 1)])),
    "count": lambda people: people.count(PEOPLE, []),
    "scan": lambda people: people.scan(PEOPLE, after="", limit=1),
    "aliases": lambda people: people.aliases(),
    "point": lambda people: people.point("people", "people.v-1"),
}


class EngineBehaviour(DocumentsBehaviour):
    """Inherit it and give `documents` and `far`: an empty store over a line, with half a second of patience."""

    @pytest.fixture
    async def far(self) -> tuple[Documents, Line]:
        raise NotImplementedError

    @pytest.mark.parametrize("silent", [False, True], ids=["stopped", "silent"])
    async def test_an_engine_that_is_away_is_unavailable_soon_and_used_again_later(
        self, far: tuple[Documents, Line], silent: bool
    ) -> None:
        people, line = far
        await people.prepare(PEOPLE)
        await people.insert(PEOPLE, [person("a")])
        line.silent() if silent else await line.cut()
        begun = time.monotonic()
        answers = await asyncio.gather(*(call(people) for call in CALLS.values()), return_exceptions=True)
        assert {type(answer) for answer in answers} == {Unavailable}
        assert time.monotonic() - begun < 10
        await line.cut()
        await line.up()
        assert await _once_more(lambda: people.get(PEOPLE, "a")) == person("a")

    @settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
    @given(history=HISTORIES)
    async def test_it_answers_like_its_specification(self, documents: Documents, history: list[Step]) -> None:
        collection = Collection(f"c{uuid4().hex}", FIELDS, INDEXES)
        expected = await play(MemoryDocuments(), collection, history)
        answers = await play(documents, collection, history)
        await documents.drop(collection.name)
        assert answers == expected


async def _once_more(call: Callable[[], Awaitable[Any]], patience: float = 15) -> Any:
    """The answer, when there is one again."""
    deadline = time.monotonic() + patience
    while True:
        try:
            return await call()
        except Unavailable:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.05)

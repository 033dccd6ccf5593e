"""The story's own parts: a notebook that survives, a scene that waits, and what the end looks for."""

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from deploy.story.cast import NORTH_DOCTOR
from deploy.story.checking import STEPS, first_missing
from deploy.story.doors import Answer, Doors, Unexpected
from deploy.story.notebook import Notebook
from deploy.story.player import Played, play
from deploy.story.plot import STORY
from deploy.story.scene import NeverCame, Scene
from deploy.story.step import Step


class Door:
    """Answers one after the other what it was given, the last one for ever; notes what it was asked."""

    def __init__(self, *answers: int) -> None:
        self._answers = list(answers)
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        return httpx.Response(self._answers.pop(0) if len(self._answers) > 1 else self._answers[0], json={})


@pytest.fixture
def scene_at(tmp_path: Path) -> Callable[[Door], Scene]:
    def make(door: Door) -> Scene:
        doors = Doors(
            addresses={"records": "http://records"},
            token=lambda caller: caller.subject,
            patience=1,
            transport=httpx.MockTransport(door),
        )
        return Scene(doors=doors, notebook=Notebook.begin(folder=tmp_path), patience=0.3)

    return make


async def say(scene: Scene, *, step: str = "register") -> Answer:
    return await scene.do(step, NORTH_DOCTOR, "records", "/fhir/Patient", {})


async def test_the_same_step_has_the_same_key_and_another_step_another(scene_at: Callable[[Door], Scene]) -> None:
    door = Door(201)
    scene = scene_at(door)
    for step in ("register", "register", "check in"):
        await say(scene, step=step)
    first, second, third = (request.headers["Idempotency-Key"] for request in door.asked)
    assert first == second == f"story-{scene.notebook.id}-register"
    assert third == f"story-{scene.notebook.id}-check-in"


async def test_what_a_service_has_not_heard_of_is_said_again(scene_at: Callable[[Door], Scene]) -> None:
    door = Door(404, 503, 404, 201)
    assert (await say(scene_at(door))).status == 201
    assert len({request.headers["Idempotency-Key"] for request in door.asked}) == 1


async def test_what_never_comes_is_told(scene_at: Callable[[Door], Scene]) -> None:
    with pytest.raises(NeverCame, match="records has heard"):
        await say(scene_at(Door(404)))


async def test_a_refusal_is_told_with_the_step(scene_at: Callable[[Door], Scene]) -> None:
    with pytest.raises(Unexpected, match="register: POST /fhir/Patient of records answered 409"):
        await say(scene_at(Door(409)))


async def test_a_story_that_was_cut_off_goes_on_with_the_step_that_did_not_end(
    scene_at: Callable[[Door], Scene], tmp_path: Path
) -> None:
    played: list[str] = []

    def step(name: str, *, ends: bool = True) -> Step:
        async def do(scene: Scene) -> str:
            played.append(name)
            scene.now(name)
            if not ends:
                raise Unexpected("cut off")
            return name

        return Step(name=name, says=name, play=do)

    scene, told = scene_at(Door(200)), list[Played]()
    with pytest.raises(Unexpected):
        await play(scene, tell=told.append, story=[step("one"), step("two", ends=False)])
    moment = scene.notebook.facts["two at"]

    again = scene_at(Door(200))
    again.notebook = Notebook.open(path=scene.notebook.path)
    await play(again, tell=told.append, story=[step("one"), step("two"), step("three")])
    assert played == ["one", "two", "two", "three"]
    assert [one.milliseconds is None for one in told] == [False, True, False, False]
    assert again.notebook.facts["two at"] == moment


def test_the_newest_story_that_was_cut_off_is_found(tmp_path: Path) -> None:
    ended, cut_off = Notebook.begin(folder=tmp_path), Notebook.begin(folder=tmp_path)
    ended.finish(step="one", outcome="")
    cut_off.note(patient="x")
    found = Notebook.unfinished(folder=tmp_path, steps=1)
    assert found is not None
    assert (found.id, found.facts) == (cut_off.id, {"patient": "x"})
    assert Notebook.unfinished(folder=tmp_path, steps=0) is None


def test_no_two_steps_have_the_same_name() -> None:
    names = [step.name for step in STORY]
    assert len(names) == len(set(names))


def test_a_timeline_with_a_step_missing_or_out_of_its_place_is_noticed() -> None:
    types = [f"{step}.v1" for step in STEPS]
    assert first_missing(types, STEPS) == ""
    assert first_missing(["billing.claim.reversed.v1", *types], STEPS) == ""
    assert first_missing(types[:3] + types[4:], STEPS) == STEPS[3]
    assert first_missing([*types[:2], types[3], types[2], *types[4:]], STEPS) == STEPS[3]

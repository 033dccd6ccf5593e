"""Plays the story: step after step, telling what came of each; those that were played before are only named."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter

from deploy.story.plot import STORY
from deploy.story.scene import Scene
from deploy.story.step import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    number: int
    step: Step
    outcome: str
    milliseconds: float | None
    """None: it had been played before the story was cut off"""


async def play(
    scene: Scene, *, tell: Callable[[Played], None], story: Sequence[Step] = STORY, until: str | None = None
) -> None:
    """Plays to the end, or up to and with the step that is named. Raises `Trouble` where the story cannot go on."""
    for number, step in enumerate(story, 1):
        tell(await _played(scene, number, step))
        if step.name == until:
            return


async def _played(scene: Scene, number: int, step: Step) -> Played:
    if (before := scene.notebook.done.get(step.name)) is not None:
        return Played(number=number, step=step, outcome=before, milliseconds=None)
    began = perf_counter()
    outcome = await step.play(scene)
    scene.notebook.finish(step=step.name, outcome=outcome)
    return Played(number=number, step=step, outcome=outcome, milliseconds=(perf_counter() - began) * 1000)

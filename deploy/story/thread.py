"""The story's events as the services' own logs have them, read from their feeds."""

from collections.abc import Mapping
from typing import Any

from deploy.story.cast import AUDITING_SYSTEM, NORTH_DOCTOR
from deploy.story.scene import Scene

Thread = Mapping[str, dict[str, Any]]
"""events by their id"""


async def whole_thread(scene: Scene) -> Thread:
    """Every event of everything that the patient's timeline names."""
    found: dict[str, dict[str, Any]] = {}
    for service, aggregate in await _aggregates(scene):
        answer = await scene.get(AUDITING_SYSTEM, service, f"/feed/{aggregate}")
        scene.expect(f"{service} has the log of what the timeline names", holds=answer.status == 200)
        found |= {event["id"]: event for event in answer.body}
    return found


async def _aggregates(scene: Scene) -> set[tuple[str, str]]:
    path = f"/patients/{scene.fact('patient')}/timeline?limit=500"
    items = (await scene.get(NORTH_DOCTOR, "records", path)).body["items"]
    return {(item["service"], item["about"]["id"]) for item in items}

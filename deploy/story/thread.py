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
        log = await scene.read(AUDITING_SYSTEM, service, f"/feed/{aggregate}")
        found |= {event["id"]: event for event in log}
    return found


async def _aggregates(scene: Scene) -> set[tuple[str, str]]:
    path = f"/patients/{scene.fact('patient')}/timeline?limit=500"
    items = (await scene.read(NORTH_DOCTOR, "records", path))["items"]
    return {(item["service"], item["about"]["id"]) for item in items}

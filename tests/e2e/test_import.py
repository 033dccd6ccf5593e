"""Another system's Bundles, brought in as history: all of it, once, and shown in the timelines."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx
import pytest

from deploy.importing.door import Door
from deploy.importing.importer import Importer
from deploy.importing.tally import Tally
from deploy.story.cast import NORTH, Caller
from tests.e2e.logs import Event, holes, whole_log
from tests.e2e.mailbox import Outbox
from tests.e2e.setting import whole_system
from tests.e2e.spans import Collector
from tests.support.system import System

pytestmark = [pytest.mark.engines, pytest.mark.timeout(900)]

IMPORTER = Caller(subject="carelog-import", role="system", organization=NORTH)
CLINICIAN = Caller(subject="dr-osei", role="clinician", organization=NORTH)


@pytest.fixture
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    home = tmp_path_factory.mktemp("import")
    with whole_system(home=home, collector=Collector(), mailbox=Outbox(home / "outbox")) as system:
        yield system


async def test_a_part_of_it_comes_in_once_and_shows_in_the_timelines(
    system: System, shared_data: Path, tmp_path: Path
) -> None:
    files = sorted((shared_data / "synthea").iterdir(), key=lambda file: file.stat().st_size)
    patients = [file for file in files if not file.name.startswith("0-")][:2]
    for file in [*patients, *(file for file in files if file.name.startswith("0-"))]:
        (tmp_path / file.name).symlink_to(file)

    first = await bring_in(system, tmp_path)
    assert first.resources == first.came_in.total() == 388 + 390 + 60 + 239
    assert first.reasons == []
    assert set(first.left_out) == {"Claim", "ExplanationOfBenefit"}
    log = await whole_log(system, "records")
    assert holes(log) == []
    assert {event["origin"] for event in log} == {"history"}
    assert len(about_resources(log)) == first.resources
    assert await shown(system, log) == len([event for event in about_resources(log) if event.get("patient")]) > 0

    again = await bring_in(system, tmp_path)
    assert (again.came_in.total(), again.already_there) == (0, first.came_in)
    assert await whole_log(system, "records") == log
    assert await whole_log(system, "billing") == []


@pytest.mark.slow
async def test_all_of_it_comes_in_and_a_second_time_changes_nothing(system: System, shared_data: Path) -> None:
    first = await bring_in(system, shared_data / "synthea")
    assert first.came_in.total() == 13_646
    assert (first.left_out.total(), first.refused.total(), first.reasons) == (2_578, 0, [])
    log = await whole_log(system, "records")
    assert len(about_resources(log)) == 13_646
    assert await shown(system, log) == len([event for event in about_resources(log) if event.get("patient")])

    again = await bring_in(system, shared_data / "synthea")
    assert (again.came_in.total(), again.already_there.total()) == (0, 13_646)
    assert len(await whole_log(system, "records")) == len(log)


async def bring_in(system: System, folder: Path) -> Tally:
    async with system.client(IMPORTER, "records") as client:
        return await Importer(door=Door(client=client)).bring_in(path=folder)


def about_resources(log: Sequence[Event]) -> list[Event]:
    """One each; the others claim identifiers for them."""
    return [event for event in log if not event["type"].startswith("records.identifier.")]


async def shown(system: System, log: Sequence[Event]) -> int:
    """How much the timelines of all patients show."""
    patients = {event["patient"] for event in log if event.get("patient")}
    async with system.client(CLINICIAN, "records") as client:
        return sum([len(await timeline(client, patient)) for patient in sorted(patients)])


async def timeline(client: httpx.AsyncClient, patient: str) -> list[str]:
    events: list[str] = []
    cursor = None
    while True:
        asked = {"limit": "500", **({"cursor": cursor} if cursor else {})}
        page = (await client.get(f"/patients/{patient}/timeline", params=asked)).json()
        events += [item["event"] for item in page["items"]]
        if (cursor := page["next"]) is None:
            assert len(events) == len(set(events))
            return events

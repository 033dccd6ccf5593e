"""What every service has, and has in common with the others."""

import inspect
import runpy
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_type_hints

import httpx
import pytest

from deploy.embedded.issuer import AUDIENCE, ISSUER, Issuer
from shared.contracts.catalogue import contracts
from shared.kernel import Event
from shared.runtime.http.app import build_app
from shared.runtime.policy import RULES
from shared.runtime.runtime import Runtime
from shared.runtime.service import Reaction, Service
from tests.support.deliveries import services

TREE = Path(__file__).parents[2]
FILES = ("__init__", "__main__", "service", "api", "commands", "projections", "queries", "domain")


def test_its_files_are_where_they_are_in_the_others(service: Service) -> None:
    folder = TREE / "services" / service.name
    there = {path.stem for path in folder.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}

    assert set(FILES) <= there
    assert there <= {*FILES, "reactions", "edges"}
    assert ("reactions" in there) == bool(service.reactions)


def test_its_main_hands_the_record_to_the_runtime(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", [service.name, "no-such-role"])
    with pytest.raises(SystemExit, match="2"):
        runpy.run_module(f"services.{service.name}", run_name="__main__")


async def test_it_starts_and_is_healthy(service: Service, database: str, tmp_path: Path) -> None:
    runtime = Runtime(service=service, settings=settings(service, database, tmp_path))
    await runtime.start()
    try:
        app = build_app(service, runtime)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://carelog") as client:
            answers = [await client.get(f"/health/{asked}") for asked in ("live", "ready")]
        assert [answer.status_code for answer in answers] == [200, 200]
        assert await runtime.problems() == []
    finally:
        await runtime.stop()


async def test_it_starts_again_on_what_it_left(service: Service, database: str, tmp_path: Path) -> None:
    for _ in range(2):
        runtime = Runtime(service=service, settings=settings(service, database, tmp_path))
        await runtime.start()
        await runtime.ready()
        await runtime.stop()


def settings(service: Service, database: str, home: Path) -> Any:
    """All that it needs; what else it asks for without a default is a folder of channels."""
    given: dict[str, Any] = {"channel": f"folder:{home}"} if "channel" in service.settings.model_fields else {}
    keys = Issuer(home).prepare()
    return service.settings(postgres=database, port=0, issuer=ISSUER, issuer_keys=str(keys), audience=AUDIENCE, **given)


# its events and contracts -------------------------------------------------------------------------------------------


def test_every_event_is_published_once(service: Service) -> None:
    published = Counter(one.event for one in service.publishes)

    assert set(stored_events(service)) == published.keys()
    assert set(published.values()) == {1}


def stored_events(service: Service) -> Iterator[type[Event]]:
    """The events of its domain: those that are not the base of others, nor the library's of each aggregate."""
    pending: list[type[Event]] = [Event]
    while pending:
        kind = pending.pop()
        pending += kind.__subclasses__()
        if kind.__module__.startswith(f"services.{service.name}.domain") and not kind.__subclasses__():
            yield from () if kind.__name__ == "Event" else (kind,)


def test_a_contract_is_called_as_its_event(service: Service) -> None:
    called = {one.contract.TYPE: f"{one.event.TOPIC}.v1" for one in service.publishes}

    assert list(called) == list(called.values())


def test_an_event_is_called_after_its_service(service: Service) -> None:
    assert {one.event.TOPIC.split(".")[0] for one in service.publishes} == {service.name}


def test_the_catalogue_holds_what_it_publishes_and_no_more(service: Service) -> None:
    known = {name: one for name, one in contracts().items() if name.startswith(f"{service.name}.")}

    assert known == {one.contract.TYPE: one.contract for one in service.publishes}


def test_every_contract_says_what_happened(service: Service) -> None:
    assert [one.contract.TYPE for one in service.publishes if not (one.contract.__doc__ or "").strip()] == []


def test_no_name_is_given_twice_among_all_services() -> None:
    names = Counter(one.event.TOPIC for service in services() for one in service.publishes)
    names.update(one.name for service in services() for one in service.projections)
    names.update(kind.TOPIC for service in services() for kind in service.aggregates)

    assert [name for name, times in names.items() if times > 1] == []


# its reactions and timers -------------------------------------------------------------------------------------------


def test_it_listens_to_what_somebody_says(service: Service) -> None:
    said = {one.contract for another in services() for one in another.publishes}

    assert {one.to for one in service.reactions} <= said
    assert {one.action for one in service.reactions} <= RULES.keys()
    assert len({one.name for one in service.reactions}) == len(service.reactions)


def test_a_reaction_takes_its_contract_the_commands_and_a_mandate(service: Service) -> None:
    assert [one.name for one in service.reactions if not well_formed(one)] == []


def well_formed(reaction: Reaction) -> bool:
    """`async def open_claim(finished: EncounterFinished, *, commands: Commands, mandate: Mandate)`"""
    parameters = list(inspect.signature(reaction.do).parameters.values())
    told, *others = parameters
    return (
        inspect.iscoroutinefunction(reaction.do)
        and get_type_hints(reaction.do)[told.name] is reaction.to
        and {one.name for one in others} == {"commands", "mandate"}
        and all(one.kind is one.KEYWORD_ONLY for one in others)
    )


def test_a_timer_calls_a_command_that_the_policy_knows(service: Service) -> None:
    module = sys.modules[f"services.{service.name}.commands"]
    called = {name: inspect.signature(getattr(module.Commands, name)).parameters for name in service.timers}

    assert set(service.timers.values()) <= RULES.keys()
    assert all({"aggregate", "mandate"} == parameters.keys() - {"self"} for parameters in called.values())


def test_its_projections_hear_services_that_are_there(service: Service) -> None:
    assert {name for one in service.projections for name in one.hears} <= {one.name for one in services()}

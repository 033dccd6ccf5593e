"""Doors that nobody decided about stop the start; those that remain are documented."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import APIRouter

from shared.runtime.http.app import build_app
from shared.runtime.http.doors import Unguarded, doors, may, reads
from tests.unit.runtime.http.world import World, a_service


def start_with(world: World, router: APIRouter) -> None:
    build_app(replace(a_service(), routers=(router,)), world.runtime)


async def nothing() -> Mapping[str, Any]:
    return {}


def test_a_door_without_an_action_stops_the_start(world: World) -> None:
    forgotten = doors(tag="forgotten")
    forgotten.get("/forgotten")(nothing)
    with pytest.raises(Unguarded, match="/forgotten has no action"):
        start_with(world, forgotten)


def test_a_door_deep_inside_is_found_as_well(world: World) -> None:
    outer, inner = doors(tag="outer", prefix="/outer"), doors(tag="inner")
    inner.get("/forgotten")(nothing)
    outer.include_router(inner)
    with pytest.raises(Unguarded, match="/outer/forgotten"):
        start_with(world, outer)


def test_a_route_of_another_make_stops_the_start(world: World) -> None:
    plain = APIRouter()
    plain.get("/plain")(nothing)
    with pytest.raises(Unguarded, match="not made by `doors`"):
        start_with(world, plain)


def test_an_action_without_a_rule_stops_the_start() -> None:
    with pytest.raises(Unguarded, match=r"note\.burn"):
        may("note.burn")
    with pytest.raises(Unguarded, match=r"note\.peek"):
        reads("note.peek")


def test_a_door_that_would_need_a_thread_is_none() -> None:
    with pytest.raises(TypeError, match="must be async"):
        doors(tag="old").get("/old")(list)


async def test_what_needs_no_token_is_known_by_name(world: World) -> None:
    described = world.app.openapi()["paths"]
    async with world.client("") as nobody:
        answers = {
            (method, path): (await nobody.request(method, path.replace("{", "").replace("}", ""))).status_code
            for path, methods in described.items()
            for method in methods
        }
    open_doors = {path for (_, path), status in answers.items() if status != 401}
    assert open_doors == {"/fhir/metadata", "/health/live", "/health/ready"}


async def test_the_headers_and_problems_are_in_the_description(world: World) -> None:
    async with world.client("") as nobody:
        described = (await nobody.get("/openapi.json")).json()["paths"]
    post = described["/notes"]["post"]
    assert {one["name"] for one in post["parameters"]} == {
        "idempotency-key", "if-match", "carelog-cause", "carelog-origin",
    }  # fmt: skip
    assert "application/problem+json" in post["responses"]["default"]["content"]
    assert "422" not in post["responses"]
    assert {one["name"] for one in described["/notes/{id}"]["get"]["parameters"]} == {"id", "carelog-wait-for"}


async def test_no_page_is_fetched_from_elsewhere(ann: httpx.AsyncClient, tmp_path: Path) -> None:
    for path in ("/docs", "/redoc"):
        assert (await ann.get(path)).status_code == 404

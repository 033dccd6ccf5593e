"""Doors of every service: nobody comes in without a token, and every no has its status."""

import pytest

from shared.kernel import CarelogError, Denied, Gone, Invalid, NotFound, Refused, Stale, TooLarge, Unavailable
from shared.runtime.service import Service
from tests.contract.conftest import Front

ERRORS: dict[type[CarelogError], int] = {
    Denied: 403,
    NotFound: 404,
    Refused: 409,
    Gone: 410,
    Stale: 412,
    TooLarge: 413,
    Invalid: 422,
    Unavailable: 503,
}


class RuleOfTheHouse(Refused):
    """Not on a Sunday."""


@pytest.mark.parametrize("error", ERRORS)
async def test_an_error_has_its_status_at_every_door(service: Service, front: Front, error: type[CarelogError]) -> None:
    front.behind.error = error()
    answers = {door.name: (await front.ask(door)).status_code for door in front.doors if door.can_be_asked}

    assert len(answers) > 2
    assert answers == dict.fromkeys(answers, ERRORS[error])


async def test_an_error_is_a_problem_with_its_name(service: Service, front: Front) -> None:
    front.behind.error = RuleOfTheHouse()
    feed = next(door for door in front.doors if door.path == "/feed")
    answer = await front.ask(feed)

    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "urn:carelog:problem:rule-of-the-house",
        "title": "Refused",
        "status": 409,
        "detail": "Not on a Sunday.",
        "code": "RuleOfTheHouse",
    }


async def test_no_door_opens_without_a_token(service: Service, front: Front) -> None:
    answers = {door.name: await front.ask(door, token=False) for door in front.doors if not door.open}

    assert {answer.status_code for answer in answers.values()} == {401}
    assert all("www-authenticate" in answer.headers for answer in answers.values())


def test_what_is_open_to_all_tells_of_no_patient(service: Service, front: Front) -> None:
    opened = {door.path for door in front.doors if door.open}

    assert opened <= {"/health/live", "/health/ready", "/metrics", "/openapi.json", "/asyncapi.json", "/fhir/metadata"}


def test_every_service_has_the_doors_of_the_runtime(service: Service, front: Front) -> None:
    paths = {door.path for door in front.doors}

    assert {"/feed", "/feed/{aggregate}", "/health/live", "/health/ready"} <= paths

"""The policy: deny by default, near enough or not known at all. Every rule, every role, every nearness."""

from uuid import UUID

import pytest

from shared.kernel import Actor, CarelogError, Denied, NotFound, OrganizationId, Role
from shared.kernel.actor import ROLES
from shared.runtime.policy import RULES, Facts, decide, permit

NORTH, HEART, SOUTH = (OrganizationId(name) for name in ("north", "heart", "south"))
ANN = UUID(int=1)
FAR = Facts(custodian=NORTH, patient=ANN)
PARTY = Facts(custodian=NORTH, patient=ANN, parties=frozenset({HEART}))
RELATED = Facts(custodian=NORTH, patient=ANN, related=True)

# From whom, and how near: who is let in at each scope, by a list of our own.
ALLOWED = {
    "open": {"own", "party", "related", "far"},
    "custodian": {"own"},
    "party": {"own", "party"},
    "related": {"own", "party", "related"},
}
NEARNESS = {"own": (NORTH, FAR), "party": (HEART, PARTY), "related": (HEART, RELATED), "far": (SOUTH, PARTY)}


def somebody(role: Role, organization: OrganizationId = NORTH) -> Actor:
    return Actor(subject="someone", role=role, organization=organization)


def answer(role: Role, action: str, near: str) -> type[CarelogError] | None:
    organization, facts = NEARNESS[near]
    try:
        decide(somebody(role, organization), action, facts)
    except CarelogError as no:
        return type(no)
    return None


@pytest.mark.parametrize("near", NEARNESS)
@pytest.mark.parametrize("action", RULES)
def test_only_the_roles_of_the_rule_that_are_near_enough_are_let_in(action: str, near: str) -> None:
    rule = RULES[action]
    let_in = {role for role in ROLES if answer(role, action, near) is None}

    assert let_in == (rule.roles if near in ALLOWED[rule.scope] else set())


@pytest.mark.parametrize("action", RULES)
def test_who_is_far_does_not_learn_whether_the_thing_is_there_unless_everybody_may(action: str) -> None:
    rule, reading = RULES[action], RULES.get(f"{action.split('.')[0]}.read")
    answers = {answer(role, action, "far") for role in rule.roles}

    if rule.scope == "open":
        assert answers == {None}
    elif reading and reading.scope == "open":
        assert answers == {Denied}
    else:
        assert answers == {NotFound}


@pytest.mark.parametrize("near", NEARNESS)
@pytest.mark.parametrize("action", [name for name in RULES if not name.endswith(".read")])
def test_who_may_not_even_read_a_thing_is_never_told_that_it_is_there(action: str, near: str) -> None:
    reading = f"{action.split('.')[0]}.read"
    for role in RULES[action].roles:
        if answer(role, action, near) is Denied:
            assert reading in RULES
            assert answer(role, reading, near) is None


@pytest.mark.parametrize("role", ROLES)
def test_what_has_no_rule_is_denied_to_everybody(role: Role) -> None:
    with pytest.raises(Denied):
        permit(somebody(role), "cake.eat")


def test_a_thing_that_nobody_holds_yet_is_nobodys() -> None:
    with pytest.raises(NotFound):
        decide(somebody("clinician"), "clinical.amend", Facts())


@pytest.mark.parametrize("action", [name for name in RULES if name.endswith((".read", ".amend", ".change"))])
def test_patients_things_are_open_to_no_organisation_at_large(action: str) -> None:
    at_large = {"directory.read", "schedule.read", "log.read"}

    assert (RULES[action].scope == "open") == (action in at_large)
    assert RULES["log.read"].roles == {"system"}

"""Who may do what: one table, one function, deny by default. Pure; it never sees a payload.

A rule says which roles may take an action, and how near the caller's organisation must be to the thing:

- `open`       to any organisation (the directory, metadata)
- `custodian`  the organisation that recorded the thing
- `party`      the custodian, or an organisation that the thing itself names (a referral's recipient)
- `related`    the custodian, a party, or an organisation with a care relationship to the patient
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from shared.kernel import Actor, Denied, NotFound, OrganizationId, Role

Scope = Literal["open", "custodian", "party", "related"]


@dataclass(frozen=True, slots=True)
class Rule:
    scope: Scope
    roles: frozenset[Role]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the policy knows of a thing: who holds it, whose it is, and whether the caller's organisation is near it."""

    custodian: OrganizationId | None = None
    patient: UUID | None = None
    parties: frozenset[OrganizationId] = field(default_factory=frozenset)
    related: bool = False


def _rule(scope: Scope, *roles: Role) -> Rule:
    return Rule(scope, frozenset((*roles, "system")))


_CARE: tuple[Role, ...] = ("clinician", "care-manager")
_DESK: tuple[Role, ...] = ("registrar", "scheduler")
_ALL: tuple[Role, ...] = ("registrar", "clinician", "care-manager", "scheduler", "biller", "auditor", "administrator")

RULES: Mapping[str, Rule] = {
    # records
    "patient.register": _rule("open", "registrar", "clinician", "care-manager"),
    "patient.read": _rule("related", *_CARE, *_DESK, "biller", "auditor"),
    "patient.amend": _rule("custodian", "registrar", "clinician"),
    "clinical.record": _rule("related", *_CARE),
    "clinical.amend": _rule("custodian", *_CARE),
    "clinical.read": _rule("related", *_CARE, "biller", "auditor"),
    "encounter.record": _rule("related", *_CARE, "registrar"),
    "encounter.amend": _rule("custodian", *_CARE, "registrar"),
    "encounter.read": _rule("related", *_CARE, *_DESK, "biller", "auditor"),
    "bundle.send": _rule("open", *_CARE, "registrar", "administrator"),
    "directory.write": _rule("open", "registrar", "administrator", "clinician"),
    "directory.amend": _rule("custodian", "registrar", "administrator", "clinician"),
    "directory.read": _rule("open", *_ALL),
    "timeline.read": _rule("related", *_CARE, "auditor"),
    # scheduling
    "schedule.manage": _rule("open", "scheduler", "administrator"),
    "schedule.read": _rule("open", *_ALL),
    "appointment.book": _rule("related", *_CARE, *_DESK),
    "appointment.change": _rule("custodian", *_CARE, *_DESK),
    "appointment.read": _rule("related", *_CARE, *_DESK, "biller", "auditor"),
    # referrals
    "referral.draft": _rule("related", *_CARE),
    "referral.change": _rule("party", *_CARE),
    "referral.visit": _rule("party", *_CARE, "scheduler"),
    "referral.read": _rule("party", *_CARE, "scheduler", "auditor"),
    # billing
    "coverage.register": _rule("related", "biller", "registrar"),
    "coverage.read": _rule("related", "biller", "registrar", "auditor"),
    "claim.open": _rule("related", "biller"),
    "visit.bill": _rule("open"),  # the system's alone: whoever held the visit bills it, referred any longer or not
    "claim.change": _rule("custodian", "biller"),
    "claim.read": _rule("custodian", "biller", "auditor"),
    # notifications
    "preferences.set": _rule("related", *_CARE, *_DESK),
    "preferences.read": _rule("related", *_CARE, *_DESK, "auditor"),
    "message.send": _rule("open"),  # the system's alone: the patient is told, even by whom a referral was declined
    "message.read": _rule("related", *_CARE, *_DESK, "auditor"),
    # every service
    "log.read": _rule("open"),
}


def permit(actor: Actor, action: str) -> Rule:
    """The rule for this actor's action. Raises `Denied` where the role may never take it."""
    rule = RULES.get(action)
    if rule is None or actor.role not in rule.roles:
        raise Denied(f"The role {actor.role} may not do this ({action}).")
    return rule


def decide(actor: Actor, action: str, facts: Facts) -> None:
    """Lets the actor take the action on this thing, or raises.

    `Denied` (403) where the role may never take it; `NotFound` (404) where the thing is not the organisation's to
    know: a foreign thing answers exactly as a missing one. One that the caller may see but not change is `Denied`.
    """
    if _is_near(actor, permit(actor, action).scope, facts):
        return
    if _may_see(actor, action, facts):
        raise Denied("Only the organisation that recorded it may do this.")
    raise NotFound


def _may_see(actor: Actor, action: str, facts: Facts) -> bool:
    """Whether the same actor may read the thing that it may not change: then it need not be hidden."""
    reading = RULES.get(f"{action.split('.', 1)[0]}.read")
    return reading is not None and actor.role in reading.roles and _is_near(actor, reading.scope, facts)


def _is_near(actor: Actor, scope: Scope, facts: Facts) -> bool:
    match scope:
        case "open":
            return True
        case "custodian":
            return facts.custodian == actor.organization
        case "party":
            return actor.organization in {facts.custodian, *facts.parties}
        case "related":
            return facts.related or actor.organization in {facts.custodian, *facts.parties}

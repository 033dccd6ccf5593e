"""What records can be asked to do, over a log in memory: whose a resource is, what it may name, who bears what."""

from collections.abc import Collection, Iterable
from typing import Any
from uuid import UUID

import pytest

from services.records.commands import AnotherPatient, Commands
from services.records.commands.changes import Amend, Change, Condition, Record, Retract
from services.records.domain.identifier import IdentifierTaken
from shared.kernel import Actor, Denied, Invalid, NotFound, OrganizationId, Stale
from shared.runtime.log.rows import Stored
from shared.runtime.mandate import Done, Mandate, fresh_id
from shared.runtime.nearness import Heard
from tests.unit.records.known import Resource, patient, statement, visit
from tests.unit.scheduling.memory_log import MemoryLog, Shelf

NORTH, HEART = OrganizationId("north-clinic"), OrganizationId("heart-centre")


class Related:
    """Heart Centre has a care relationship to the patients it was told of."""

    def __init__(self) -> None:
        self.patients: set[UUID] = set()

    async def related(self, *, organization: OrganizationId, patient: UUID) -> bool:
        return organization == NORTH or patient in self.patients

    async def patients_of(self, *, organization: OrganizationId) -> Collection[str]:
        return [str(one) for one in self.patients]

    async def heard(self, aggregate: UUID) -> Heard | None:
        return None


class ReadableLog(MemoryLog):
    async def births(self, aggregates: Iterable[UUID]) -> dict[UUID, Stored]:
        return {id: found[0] for id, found in (await self.streams(aggregates)).items()}


class Desk:
    """Commands as somebody's."""

    def __init__(self) -> None:
        self.near = Related()
        self.log = ReadableLog(shelf=Shelf(), nearness=self.near)
        self.commands = Commands(log=self.log)

    async def ask(self, change: Change, *, of: OrganizationId = NORTH, role: Any = "clinician", **more: Any) -> Done:
        return await self.commands.change(mandate=mandate(of=of, role=role, **more), change=change)

    async def record(self, resource: Resource, **who: Any) -> UUID:
        id = UUID(resource["id"])
        await self.ask(Record(id=id, resource=resource, at=resource["resourceType"]), **who)
        return id

    async def registered(self, **who: Any) -> UUID:
        id = fresh_id()
        return await self.record(patient(id=id, mrn=str(id)), **who)

    async def bearer(self, mrn: str) -> UUID | None:
        condition = Condition("Patient", "urn:oid:1.2.36.146", mrn)
        found = await self.commands.bearers(mandate=mandate(), conditions=[condition])
        return found.get(condition)


def mandate(*, of: OrganizationId = NORTH, role: Any = "clinician", **more: Any) -> Mandate:
    return Mandate(actor=Actor(subject="ann", role=role, organization=of), action="clinical.record", **more)


def about(patient: UUID, type: str = "Observation", **said: Any) -> Resource:
    return statement(type, id=fresh_id()) | {"subject": {"reference": f"Patient/{patient}"}, **said}


def amended(resource: Resource, **more: Any) -> Amend:
    return Amend(id=UUID(resource["id"]), resource=resource, at=resource["resourceType"], **more)


@pytest.fixture
def desk() -> Desk:
    return Desk()


async def test_a_statement_has_its_patients_key_and_is_the_recorders(desk: Desk) -> None:
    ann = await desk.registered()
    id = await desk.record(about(ann))
    [stored] = await desk.log.stream(id)

    assert (stored.key, stored.patient, stored.organization) == (ann, ann, NORTH)


async def test_a_statement_belongs_to_its_visit_and_a_visit_to_its_appointment(desk: Desk) -> None:
    ann, appointment = await desk.registered(), fresh_id()
    booked = visit(id=fresh_id()) | {
        "subject": {"reference": f"Patient/{ann}"}, "appointment": [{"reference": f"Appointment/{appointment}"}],
    }  # fmt: skip
    came = await desk.record(booked)
    seen = await desk.record(about(ann, encounter={"reference": f"Encounter/{came}"}))

    [of_visit], [of_statement] = await desk.log.stream(came), await desk.log.stream(seen)
    assert of_visit.birth.links == {"appointment": str(appointment)}
    assert of_statement.birth.links == {"encounter": str(came)}
    assert (of_statement.causation, of_statement.correlation) == (of_visit.id, of_visit.correlation)


async def test_what_points_at_nothing_is_refused_by_its_place(desk: Desk) -> None:
    with pytest.raises(Invalid) as refused:
        await desk.record(about(fresh_id()))

    assert [one.name for one in refused.value.fields] == ["Observation.subject.reference"]


async def test_what_points_at_another_type_is_refused(desk: Desk) -> None:
    ann = await desk.registered()
    seen = await desk.record(about(ann))

    with pytest.raises(Invalid):
        await desk.record(about(ann, encounter={"reference": f"Encounter/{seen}"}))


async def test_a_foreign_patient_is_as_if_there_were_none(desk: Desk) -> None:
    ann = await desk.registered()
    with pytest.raises(Invalid) as foreign:
        await desk.record(about(ann), of=HEART)
    with pytest.raises(Invalid) as missing:
        await desk.record(about(fresh_id()), of=HEART)

    assert foreign.value.fields == missing.value.fields


async def test_with_a_care_relationship_another_organisation_records_and_does_not_amend(desk: Desk) -> None:
    ann = await desk.registered()
    seen = about(ann)
    await desk.record(seen)
    desk.near.patients.add(ann)
    await desk.record(about(ann), of=HEART)

    with pytest.raises(Denied):
        await desk.ask(amended({**seen, "language": "de"}), of=HEART)


async def test_a_statement_stays_with_its_patient(desk: Desk) -> None:
    ann, bob = await desk.registered(), await desk.registered()
    seen = about(ann)
    await desk.record(seen)

    with pytest.raises(AnotherPatient):
        await desk.ask(amended(seen | {"subject": {"reference": f"Patient/{bob}"}}))


async def test_a_resource_of_another_type_is_not_found_by_its_id(desk: Desk) -> None:
    ann = await desk.registered()

    with pytest.raises(NotFound):
        await desk.ask(Retract(id=ann, type="Observation", reason="a mistake"))


async def test_the_version_that_is_expected_is_the_one_that_is_changed(desk: Desk) -> None:
    ann = await desk.registered()
    seen = about(ann)
    await desk.record(seen)
    await desk.ask(amended({**seen, "language": "de"}, expected=1))

    with pytest.raises(Stale):
        await desk.ask(amended({**seen, "language": "fr"}, expected=1))


async def test_an_identifier_is_claimed_kept_and_released_with_its_bearer(desk: Desk) -> None:
    ann, other = fresh_id(), fresh_id()
    await desk.record(patient(id=ann, mrn="1"))
    with pytest.raises(IdentifierTaken):
        await desk.record(patient(id=other, mrn="1"))
    assert await desk.bearer("1") == ann

    await desk.ask(amended(patient(id=ann, mrn="2")))
    assert (await desk.bearer("1"), await desk.bearer("2")) == (None, ann)

    await desk.record(patient(id=other, mrn="1"))
    await desk.ask(Retract(id=ann, type="Patient", reason="registered twice"))
    assert (await desk.bearer("1"), await desk.bearer("2")) == (other, None)


async def test_a_refused_registration_leaves_nothing_behind(desk: Desk) -> None:
    await desk.record(patient(id=fresh_id(), mrn="1"))
    before = len(desk.log.shelf.events)
    with pytest.raises(IdentifierTaken):
        await desk.record(patient(id=fresh_id(), mrn="1"))

    assert len(desk.log.shelf.events) == before


async def test_who_bears_an_identifier_already_is_not_registered_again(desk: Desk) -> None:
    condition = Condition("Patient", "urn:oid:1.2.36.146", "7")
    answers = []
    for _ in range(2):
        id = fresh_id()
        change = Record(id=id, resource=patient(id=id, mrn="7"), at="Patient")
        done = await desk.commands.create_if_none(mandate=mandate(), change=change, condition=condition)
        answers.append((done.answer["id"], done.answer["created"]))

    assert answers == [(answers[0][0], True), (answers[0][0], False)]


async def test_a_transaction_is_all_or_nothing(desk: Desk) -> None:
    ann = fresh_id()
    changes = [
        Record(id=ann, resource=patient(id=ann), at="Bundle.entry[0].resource"),
        Record(id=fresh_id(), resource=about(fresh_id()), at="Bundle.entry[1].resource"),
    ]

    async def prepare(bearers: object) -> Any:
        return changes, {}

    with pytest.raises(Invalid) as refused:
        await desk.commands.transact(mandate=mandate(), conditions=[], prepare=prepare)
    assert [one.name for one in refused.value.fields] == ["Bundle.entry[1].resource.subject.reference"]
    assert desk.log.shelf.events == []


async def test_within_a_transaction_the_new_may_name_the_new(desk: Desk) -> None:
    ann, seen = fresh_id(), fresh_id()
    changes = [
        Record(id=seen, resource=about(ann, id=str(seen)), at="Bundle.entry[0].resource"),
        Record(id=ann, resource=patient(id=ann), at="Bundle.entry[1].resource"),
    ]

    async def prepare(bearers: object) -> Any:
        return changes, {}

    await desk.commands.transact(mandate=mandate(), conditions=[], prepare=prepare)
    stored = desk.log.shelf.events

    assert {one.patient for one in stored} == {ann}
    assert len({one.correlation for one in stored}) == 1
    assert {one.causation for one in stored} == {None}

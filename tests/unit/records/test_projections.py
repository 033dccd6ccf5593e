"""What records shows: each resource as it is now, and a line of the timeline for everything that was said."""

from typing import Any
from uuid import UUID

from services.records.domain.encounter import Encounter
from services.records.domain.entry import Entry
from services.records.domain.identifier import Identifier
from services.records.domain.patient import Patient
from services.records.projections import Resources, Timeline
from services.records.service import service
from shared.contracts.envelope import Contract
from shared.kernel import Aggregate
from shared.runtime.documents.port import Document
from shared.runtime.json import loads
from tests.support.deliveries import all_families
from tests.support.scenario import SOME_ID, SOME_TIME
from tests.support.topics import shown, told
from tests.unit.records.known import ANN, patient, statement, visit


def observed(**said: Any) -> Entry:
    return Entry.record(id=SOME_ID, at=SOME_TIME, resource=statement(code={"text": "HbA1c"}, **said))


async def resource(aggregate: Aggregate, *, patient: UUID | None = ANN) -> Document:
    [document] = (await shown(Resources(), [told(service, aggregate, patient=patient)])).values()
    return document


async def lines(*contracts: Contract) -> list[dict[str, Any]]:
    """The timeline's rows, in order of their events."""
    documents = (await shown(Timeline(), [contracts])).items()
    return [loads(one.body) for id, one in sorted(documents) if "." in id]


async def test_a_resource_shows_its_version_and_when_it_was_recorded() -> None:
    one = observed()
    one.amend(at=SOME_TIME, resource=statement(language="de"))
    document = await resource(one)

    assert loads(document.body) == {
        **statement(language="de"),
        "meta": {"versionId": "2", "lastUpdated": "2026-03-02T09:30:00.000Z"},
    }
    assert document.fields["updated"] == SOME_TIME


async def test_a_retracted_resource_is_not_found_any_more() -> None:
    one = observed()
    one.retract(at=SOME_TIME, reason="another patient's")

    assert not (await resource(one)).visible


async def test_a_resource_belongs_to_the_patient_that_its_log_says() -> None:
    provenance = Entry.record(id=SOME_ID, at=SOME_TIME, resource=statement("Provenance"))

    assert (await resource(provenance)).fields["patient"] == str(ANN)


async def test_a_resource_is_its_first_organisations() -> None:
    one = observed()
    first = told(service, one, patient=ANN, organization="north-clinic")
    one.amend(at=SOME_TIME, resource=statement(language="de"))
    second = told(service, one, patient=ANN, organization="heart-centre")[1:]
    [document] = (await shown(Resources(), [first, second])).values()

    assert document.fields["organization"] == "north-clinic"


async def test_the_timeline_says_what_happened_when_by_whom_and_why() -> None:
    [line] = await lines(*told(service, observed(effectiveDateTime="2011-05"), patient=ANN))

    assert line["what"] == "Observation recorded: HbA1c"
    assert (line["happened"], line["recorded"]) == ("2011-05", SOME_TIME.isoformat())
    assert line["who"] == {"subject": "ann", "role": "clinician", "purpose": "TREAT"}
    assert (line["organization"], line["service"], line["event"]) == ("north-clinic", "records", f"{SOME_ID}.1")


async def test_the_timeline_keeps_every_version() -> None:
    one = Encounter.record(id=SOME_ID, at=SOME_TIME, resource=visit("arrived"), origin="live")
    one.amend(at=SOME_TIME, resource=visit("in-progress"))
    one.amend(at=SOME_TIME, resource=visit("finished"))
    one.retract(at=SOME_TIME, reason="of somebody else")

    assert [line["what"] for line in await lines(*told(service, one, patient=ANN))] == [
        "Encounter recorded: AMB", "Encounter started", "Encounter finished", "Encounter retracted: of somebody else",
    ]  # fmt: skip


async def test_identifiers_and_the_directory_have_no_place_in_a_timeline() -> None:
    claimed = Identifier.claim(id=SOME_ID, at=SOME_TIME, type="Patient", system="a", value="b", bearer=ANN)
    organization = Entry.record(id=SOME_ID, at=SOME_TIME, resource=statement("Medication"))

    assert await lines(*told(service, claimed, patient=ANN)) == []
    assert await lines(*told(service, organization, patient=None)) == []


async def test_the_timeline_shows_every_event_of_every_service() -> None:
    said = [one for family in all_families() if family.patient for one in family.everything()]
    expected = {one.envelope.id for one in said if one.envelope.aggregate != "records.identifier"}

    assert {line["event"] for line in await lines(*said)} == expected
    assert {line["service"] for line in await lines(*said)} == {
        "records", "scheduling", "referrals", "billing", "notifications",
    }  # fmt: skip


async def test_a_patient_is_found_by_its_own_id() -> None:
    registered = Patient.register(id=ANN, at=SOME_TIME, resource=patient(id=ANN))

    assert (await resource(registered, patient=ANN)).fields["patient"] == str(ANN)

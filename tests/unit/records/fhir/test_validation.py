"""What is refused at the FHIR door: every fault is named by its place and its rule, and no value is told."""

from copy import deepcopy
from decimal import Decimal
from typing import Any

import pytest

from services.records.edges.fhir.outcome import outcome
from services.records.edges.fhir.validation import MOST, problems, validate
from shared.kernel import Invalid
from shared.runtime import json
from tests.unit.records.fhir.samples import (
    ALLERGY,
    CANARY,
    ENCOUNTER,
    OBSERVATION,
    PATIENT,
    SAMPLES,
    bent,
    without,
)


def _found(resource: Any) -> list[tuple[str, str]]:
    """Where the faults are and their codes; none of them may tell what was sent."""
    try:
        validate(resource=resource)
    except Invalid as invalid:
        told = f"{invalid} {invalid.fields} {invalid.detail} {json.dumps(outcome(error=invalid))!r}"
        assert CANARY not in told
        return [(field.name, field.code) for field in invalid.fields]
    return []


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample["resourceType"])
def test_a_valid_resource_is_valid(sample: dict[str, Any]) -> None:
    assert _found(sample) == []


@pytest.mark.parametrize(
    ("sample", "path", "value", "name", "code"),
    [
        (PATIENT, "gender", "banana", "Patient.gender", "code-invalid"),
        (PATIENT, "gender", CANARY, "Patient.gender", "code-invalid"),
        (PATIENT, "gender", ["male"], "Patient.gender", "structure"),
        (PATIENT, "gender", {}, "Patient.gender", "structure"),
        (PATIENT, "gender", None, "Patient.gender", "structure"),
        (PATIENT, "birthDate", "2011-02-30", "Patient.birthDate", "value"),
        (PATIENT, "birthDate", CANARY, "Patient.birthDate", "value"),
        (PATIENT, "birthDate", "1974-12-25T10:00:00Z", "Patient.birthDate", "value"),
        (PATIENT, "birthDate", 1974, "Patient.birthDate", "structure"),
        (PATIENT, "active", "true", "Patient.active", "structure"),
        (PATIENT, "active", 1, "Patient.active", "structure"),
        (PATIENT, "id", "not an id", "Patient.id", "value"),
        (PATIENT, "id", "x" * 65, "Patient.id", "value"),
        (PATIENT, "favourite", CANARY, "Patient.favourite", "structure"),
        (PATIENT, f"<{CANARY}>", CANARY, "Patient", "structure"),
        (PATIENT, "gender__ext", {"id": "a"}, "Patient", "structure"),
        (PATIENT, "name", {"family": CANARY}, "Patient.name", "structure"),
        (PATIENT, "name", [], "Patient.name", "structure"),
        (PATIENT, "name", f'[{{"family": "{CANARY}"}}]', "Patient.name", "structure"),
        (PATIENT, "name.0", {}, "Patient.name[0]", "structure"),
        (PATIENT, "name.0", None, "Patient.name[0]", "structure"),
        (PATIENT, "name.0.use", "nick", "Patient.name[0].use", "code-invalid"),
        (PATIENT, "name.0.family", "", "Patient.name[0].family", "structure"),
        (PATIENT, "name.0.family", f"{CANARY}\0", "Patient.name[0].family", "value"),
        (PATIENT, "name.0.family", f"{CANARY}\ud800", "Patient.name[0].family", "value"),
        (PATIENT, "name.0.family", CANARY * 100_000, "Patient.name[0].family", "too-long"),
        (PATIENT, "name.0.given.1", 7, "Patient.name[0].given[1]", "structure"),
        (PATIENT, "name.0.given.1", None, "Patient.name[0].given[1]", "structure"),
        (PATIENT, "telecom.0.system", "pigeon", "Patient.telecom[0].system", "code-invalid"),
        (PATIENT, "telecom.0.rank", 0, "Patient.telecom[0].rank", "value"),
        (PATIENT, "telecom.0.rank", Decimal("1.0"), "Patient.telecom[0].rank", "structure"),
        (PATIENT, "telecom.0", {"value": CANARY}, "Patient.telecom[0].system", "invariant"),
        (PATIENT, "address.0.type", CANARY, "Patient.address[0].type", "code-invalid"),
        (PATIENT, "address.0.period.end", "1970", "Patient.address[0].period.end", "invariant"),
        (PATIENT, "identifier.0.use", CANARY, "Patient.identifier[0].use", "code-invalid"),
        (PATIENT, "identifier.0.system", f"urn:oid:{CANARY}", "Patient.identifier[0].system", "value"),
        (PATIENT, "link.0.type", "friend", "Patient.link[0].type", "code-invalid"),
        (PATIENT, "link.0.other.reference", CANARY, "Patient.link[0].other.reference", "value"),
        (PATIENT, "link.0.other.reference", "Organization/1", "Patient.link[0].other.reference", "value"),
        (PATIENT, "link.0.other.reference", f"#{CANARY}", "Patient.link[0].other.reference", "not-found"),
        (PATIENT, "contact.0", {"gender": "male"}, "Patient.contact[0]", "invariant"),
        (PATIENT, "text.status", "hidden", "Patient.text.status", "code-invalid"),
        (PATIENT, "text.div", f"<div><script>{CANARY}</script></div>", "Patient.text.div", "invariant"),
        (PATIENT, "text.div", CANARY, "Patient.text.div", "value"),
        (PATIENT, "_birthDate.extension.0", {"url": "http://x"}, "Patient._birthDate.extension[0]", "invariant"),
        (PATIENT, "_birthDate.extension.0.url", "a b", "Patient._birthDate.extension[0].url", "value"),
        (
            PATIENT,
            "_birthDate.extension.0.valueDateTime",
            "x",
            "Patient._birthDate.extension[0].valueDateTime",
            "value",
        ),
        (PATIENT, "_active", {}, "Patient._active", "structure"),
        (PATIENT, "deceasedBoolean", "no", "Patient.deceasedBoolean", "structure"),
        (OBSERVATION, "status", CANARY, "Observation.status", "code-invalid"),
        (OBSERVATION, "valueString", CANARY, "Observation.value", "structure"),
        (OBSERVATION, "dataAbsentReason", {"text": CANARY}, "Observation.dataAbsentReason", "invariant"),
        (OBSERVATION, "effectiveDateTime", "2011-05-02T10:15", "Observation.effectiveDateTime", "value"),
        (OBSERVATION, "effectiveDateTime", "2011-02-29T10:15:00Z", "Observation.effectiveDateTime", "value"),
        (OBSERVATION, "issued", "2011-05-02", "Observation.issued", "value"),
        (OBSERVATION, "valueQuantity.value", "51.3", "Observation.valueQuantity.value", "structure"),
        (OBSERVATION, "valueQuantity.value", Decimal("1e99999999"), "Observation.valueQuantity.value", "value"),
        (OBSERVATION, "valueQuantity.value", Decimal("NaN"), "Observation.valueQuantity.value", "value"),
        (OBSERVATION, "valueQuantity.value", True, "Observation.valueQuantity.value", "structure"),
        (OBSERVATION, "valueQuantity.comparator", "~", "Observation.valueQuantity.comparator", "code-invalid"),
        (OBSERVATION, "valueQuantity", {"code": CANARY}, "Observation.valueQuantity.system", "invariant"),
        (OBSERVATION, "code.coding.0.code", " 1", "Observation.code.coding[0].code", "value"),
        (OBSERVATION, "subject.reference", "Patient/a b", "Observation.subject.reference", "value"),
        (OBSERVATION, "subject.reference", "Patinet/1", "Observation.subject.reference", "value"),
        (OBSERVATION, "subject", "Patient/1", "Observation.subject", "structure"),
        (ALLERGY, "clinicalStatus.coding.0.code", CANARY, "AllergyIntolerance.clinicalStatus", "code-invalid"),
        (ALLERGY, "clinicalStatus", {"text": CANARY}, "AllergyIntolerance.clinicalStatus", "code-invalid"),
        (ALLERGY, "category.0", CANARY, "AllergyIntolerance.category[0]", "code-invalid"),
        (ALLERGY, "reaction.0.severity", CANARY, "AllergyIntolerance.reaction[0].severity", "code-invalid"),
        (ENCOUNTER, "status", "banana", "Encounter.status", "code-invalid"),
        (ENCOUNTER, "resourceType", CANARY, "resourceType", "not-supported"),
        (ENCOUNTER, "resourceType", None, "resourceType", "not-supported"),
        (ENCOUNTER, "contained", [{"resourceType": CANARY}], "Encounter.contained[0].resourceType", "not-supported"),
    ],
)
def test_a_fault_is_named_by_its_place_and_code(
    sample: dict[str, Any], path: str, value: Any, name: str, code: str
) -> None:
    assert _found(bent(sample, path, value)) == [(name, code)]


@pytest.mark.parametrize(
    ("sample", "name"),
    [(OBSERVATION, "code"), (OBSERVATION, "status"), (ENCOUNTER, "class"), (ENCOUNTER, "status"), (ALLERGY, "patient")],
)
def test_a_required_element_that_is_missing_is_named(sample: dict[str, Any], name: str) -> None:
    assert _found(without(sample, name)) == [(f"{sample['resourceType']}.{name}", "required")]


def test_an_extension_may_stand_for_a_required_primitive() -> None:
    absent = {
        "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}]
    }
    assert _found({**without(OBSERVATION, "status"), "_status": absent}) == []
    assert _found(bent(PATIENT, "name.0", {"given": [None, "James"], "_given": [absent, None]})) == []


def test_all_faults_are_told_at_once() -> None:
    resource = bent(bent(PATIENT, "gender", "banana"), "birthDate", "2011-02-30")
    assert {name for name, _ in _found(resource)} == {"Patient.gender", "Patient.birthDate"}


def test_a_flood_of_faults_is_cut_off() -> None:
    assert len(_found(bent(PATIENT, "name", [None] * 10_000))) == MOST


def test_the_type_of_the_address_has_to_be_that_of_the_resource() -> None:
    (fault,) = problems(resource=PATIENT, type="Observation")
    assert (fault.name, fault.code) == ("resourceType", "invalid")


@pytest.mark.parametrize("resource", [None, [], "Patient", 7, True])
def test_what_is_no_object_is_no_resource(resource: Any) -> None:
    assert _found(resource) == [("Resource", "structure")]


def test_elements_are_not_nested_without_end() -> None:
    extension: dict[str, Any] = {"url": "http://x", "valueBoolean": True}
    for _ in range(200):
        extension = {"url": "http://x", "extension": [extension]}
    assert [code for _, code in _found({**PATIENT, "extension": [extension]})] == ["too-long"]


def test_a_contained_resource_is_looked_into_but_holds_no_other() -> None:
    inner = {"resourceType": "Organization", "id": "o", "name": "Heart Centre"}
    holder = {**deepcopy(PATIENT), "managingOrganization": {"reference": "#o"}}
    assert _found({**holder, "contained": [inner]}) == []
    assert _found({**holder, "contained": [{**inner, "active": CANARY}]}) == [
        ("Patient.contained[0].active", "structure")
    ]
    nested = {**inner, "contained": [{"resourceType": "Location", "id": "l"}]}
    assert ("Patient.contained[0].contained[0]", "invariant") in _found({**holder, "contained": [nested]})


@pytest.mark.parametrize(
    "markup",
    [
        '<div><a href="javascript:alert(1)">a</a></div>',
        '<div><a href="java&#115;cript:alert(1)">a</a></div>',
        '<div><a href="&#x1;javascript&colon;alert(1)">a</a></div>',
        '<div><img src="data:text/html,x"/>a</div>',
        '<div onclick="a()">a</div>',
        "<div><p onclick=a()>a</p></div>",
        "<div><!--><script>a()</script>-->a</div>",
        "<div><iframe/>a</div>",
        "<div><p>a</div>",
        "<div>a</div><script>a()</script>",
        "<div>a</div>a<b/>",
        "<div> </div>",
        "</div>",
        "<p>a</p>",
    ],
)
def test_a_narrative_is_formatted_text_and_nothing_that_acts(markup: str) -> None:
    assert [name for name, _ in _found(bent(PATIENT, "text.div", markup))] == ["Patient.text.div"]

"""Facts about resources: types, references, summaries, and what they are found by."""

from services.records.domain.fhir import (
    DIRECTORY,
    ENTRIES,
    SEARCH_FIELDS,
    TYPES,
    Target,
    entered_in_error,
    patient_reference,
    references,
    replace_references,
    search_fields,
    status,
    summary,
    target,
)
from tests.unit.records.fhir.samples import ALLERGY, ENCOUNTER, OBSERVATION, PATIENT, bent


def test_records_holds_patients_visits_a_directory_and_23_kinds_of_entry() -> None:
    assert (len(ENTRIES), len(DIRECTORY), len(TYPES)) == (23, 4, 29)
    assert len({type.noun for type in TYPES.values()}) == len(TYPES)


def test_a_resource_names_its_patient_where_its_type_says() -> None:
    assert patient_reference(resource=OBSERVATION) == "Patient/p-1"
    assert patient_reference(resource=ALLERGY) == "Patient/p-1"
    assert patient_reference(resource=bent(OBSERVATION, "subject.reference", "Group/g-1")) is None


def test_a_status_is_a_code_wherever_it_stands() -> None:
    assert (status(resource=OBSERVATION), status(resource=ALLERGY), status(resource=PATIENT)) == (
        "final",
        "active",
        None,
    )
    assert not entered_in_error(resource=ALLERGY)
    mistaken = {"coding": [{"code": "entered-in-error"}]}
    assert entered_in_error(resource={**ALLERGY, "verificationStatus": mistaken})


def test_references_come_with_their_paths_and_without_contained_ones() -> None:
    resource = {**ENCOUNTER, "serviceProvider": {"reference": "#org"}}
    assert [(path, found["reference"]) for path, found in references(resource=resource)] == [
        ("subject", "urn:uuid:057aa36e-b892-9964-75b9-ffb46b097e34"),
        ("participant[0].individual", "Practitioner/d-1"),
    ]


def test_the_reference_of_an_expression_is_none() -> None:
    extension = {"url": "http://example.org/e", "valueExpression": {"language": "text/cql", "reference": "http://x"}}
    assert list(references(resource={"resourceType": "Goal", "extension": [extension]})) == []


def test_replacing_references_leaves_identifiers_and_the_original_alone() -> None:
    name = "urn:uuid:057aa36e-b892-9964-75b9-ffb46b097e34"
    resource = {**ENCOUNTER, "identifier": [{"system": "urn:ietf:rfc:3986", "value": name}]}
    replaced = replace_references(resource=resource, mapping={name: "Patient/p-9"})
    assert replaced["subject"] == {"reference": "Patient/p-9"}
    assert replaced["identifier"] == resource["identifier"]
    assert resource["subject"] == {"reference": name}


def test_only_relative_references_have_a_target() -> None:
    assert target(reference="Patient/1/_history/2") == target(reference="Patient/1") == Target("Patient", "1")
    for other in ("urn:uuid:1", "http://x/Patient/1", "Patient?identifier=a|b", "#a", "Patient/", "Patient"):
        assert target(reference=other) is None


def test_a_summary_is_in_the_words_of_the_resource() -> None:
    assert summary(resource=OBSERVATION) == "HbA1c: <51.30 %"
    assert summary(resource=ALLERGY) == "Cashew nuts"
    assert summary(resource=PATIENT) == "Peter James Chalmers"
    assert summary(resource=ENCOUNTER) == "AMB"
    assert summary(resource={"resourceType": "Provenance"}) == "Provenance"


def test_a_resource_is_found_by_code_with_and_without_its_system() -> None:
    fields = search_fields(resource=OBSERVATION)
    assert fields["code"] == ["4548-4", "http://loinc.org|4548-4"]
    assert (fields["patient"], fields["status"], fields["type"]) == ("p-1", "final", "Observation")
    assert fields.keys() == SEARCH_FIELDS.keys()


def test_a_patient_is_found_by_every_part_of_every_name_without_accents() -> None:
    fields = search_fields(resource=bent(PATIENT, "name.0", {"family": "Müller  Lüdenscheidt", "given": ["Ann"]}))
    assert fields["name"] == ["muller ludenscheidt", "muller", "ludenscheidt", "ann"]
    assert fields["identifier"] == ["12345", "urn:oid:1.2.36.146|12345"]
    assert fields["patient"] == "p-1"

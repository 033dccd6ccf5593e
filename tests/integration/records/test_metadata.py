"""The CapabilityStatement says what works, and all that it says does work, type by type."""

from typing import Any

from tests.integration.records.clinic import WHY, Clinic
from tests.integration.records.samples import LOINC, MRN, Resource, least, text

_ASKED = {
    "_lastUpdated": "ge2020-01-01",
    "birthdate": "1974-12",
    "name": "C",
    "category": "category",
    "date": "2011-05",
}
_OTHER_CATEGORY = {"SupplyDelivery": "device", "FamilyMemberHistory": "mother", "AllergyIntolerance": "food",
                   "Consent": f"{LOINC}|59284-0"}  # fmt: skip
_NAMES = {"Organization": "north", "Location": "ward", "CareTeam": "TEAM"}


async def stated(clinic: Clinic) -> Resource:
    answer = await (await clinic.running.at("nobody", role="auditor")).get("/fhir/metadata", headers={})
    assert answer.status_code == 200
    statement: Resource = answer.json()
    return statement


async def test_the_statement_needs_no_token(clinic: Clinic) -> None:
    client = await clinic.running.at("nobody", role="auditor")
    assert (await client.get("/fhir/metadata", headers={"Authorization": ""})).status_code == 200


async def test_every_interaction_of_every_type_works(clinic: Clinic) -> None:
    ann = await clinic.registered("another")
    [rest] = (await stated(clinic))["rest"]
    for said in rest["resource"]:
        type, codes = said["type"], {each["code"] for each in said["interaction"]}
        assert codes == {"read", "vread", "update", "delete", "history-instance", "create", "search-type"}
        made = await clinic.recorded(least(type, ann))
        where = f"/fhir/{type}/{made['id']}"
        assert (await clinic.get(where)).json() == made
        assert (await clinic.get(f"{where}/_history/1")).json() == made
        assert (await clinic.put(made | {"language": "de"})).headers["ETag"] == 'W/"2"'
        assert (await clinic.get(f"{where}/_history")).json()["total"] == 2
        await clinic.heard()
        assert await clinic.found(type, f"_id={made['id']}") == [made["id"]]
        assert (await clinic.delete(where, headers=WHY)).status_code == 204
        await clinic.heard()
        assert await clinic.found(type, f"_id={made['id']}") == []


async def test_every_search_parameter_of_every_type_finds_and_tells_apart(clinic: Clinic) -> None:
    ann = await clinic.registered("another", name=[text("Somebody Else")], birthDate="2001")
    [rest] = (await stated(clinic))["rest"]
    made = {said["type"]: await clinic.recorded(least(said["type"], ann)) for said in rest["resource"]}
    await clinic.heard()
    for said in rest["resource"]:
        for parameter in said["searchParam"]:
            type, name = said["type"], parameter["name"]
            matching, missing = values(made[type], name, ann, parameter)
            found = await clinic.found(type, f"{name}={matching}")
            assert made[type]["id"] in found, (type, name)
            assert await clinic.found(type, f"{name}={missing}") == [], (type, name)


def values(made: Resource, name: str, ann: str, parameter: dict[str, Any]) -> tuple[str, str]:
    """A value that finds it, and one that finds nothing."""
    type = made["resourceType"]
    if name == "_id":
        return made["id"], ann[:-1]
    if name in ("patient", "subject"):
        return f"Patient/{made['id'] if type == 'Patient' else ann}", f"Patient/{made['id'][:-1]}"
    if name == "identifier":
        value = {"Patient": f"{MRN}|1", "QuestionnaireResponse": "least"}.get(type, f"{MRN}|least-{type}")
        return value, f"{MRN}|other"
    if name == "name":
        return _NAMES.get(type, "c"), "nobody"
    if parameter["type"] == "date":
        return _ASKED.get(name, "2011-05-02"), "ge2120"
    if name in ("status", "clinical-status", "lifecycle-status"):
        return status_of(made), "nothing"
    if name == "category":
        return _OTHER_CATEGORY.get(type, "category"), "nothing"
    return code_of(made), f"{LOINC}|nothing"


def status_of(made: Resource) -> str:
    said: Any = made.get("lifecycleStatus") or made.get("status")
    return said if said and made["resourceType"] != "Condition" else "active"


_CODES = {"Organization": "kind", "Location": "kind", "Encounter": "kind", "PractitionerRole": "kind",
          "Practitioner": "md", "Immunization": "140", "MedicationRequest": "m", "MedicationStatement": "m",
          "MedicationAdministration": "m", "DocumentReference": "11488-4", "CarePlan": "walk", "Goal": "lose",
          "Device": "pacemaker", "ImagingStudy": "ct", "SupplyDelivery": "strip", "Provenance": "create",
          "Consent": "all", "Specimen": "blood", "FamilyMemberHistory": "c"}  # fmt: skip


def code_of(made: Resource) -> str:
    return _CODES.get(made["resourceType"], f"{LOINC}|4548-4")


async def test_the_statement_says_for_which_types_creation_may_be_conditional(clinic: Clinic) -> None:
    [rest] = (await stated(clinic))["rest"]
    conditional = {said["type"] for said in rest["resource"] if said["conditionalCreate"]}
    assert conditional == {"Patient", "Organization", "Practitioner", "PractitionerRole", "Location"}

"""What FHIR R4 structures consist of, read from the definitions in `fhir.resources`, each when it is first needed.

Only its definitions are used: those of R4B, which for our types differ from R4 in what `_R4_*` puts right. Its
validators take strings for numbers and JSON in strings for objects, quote what they refuse, and are slower.
"""

import typing
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Annotated, Any, NamedTuple

from services.records.domain.fhir import TYPES
from services.records.edges.fhir.bindings import CODES, CONCEPTS, Concepts, words
from services.records.edges.fhir.narrative import xhtml
from services.records.edges.fhir.primitives import CHECKS, Check, Fault

_CHECKS = {**CHECKS, "xhtml": xhtml}
_CUT_SHORT = frozenset({"+", "etc."})
"""How a list of codes ends in the definitions where it is longer than they show."""

_NOT_R4 = frozenset({"Extension.valueCodeableReference", "Extension.valueRatioRange"})
_R4_SUBJECTS = frozenset({"Patient", "Group", "Device", "Location"})
_R4_TARGETS = {"Observation.subject": _R4_SUBJECTS, "DiagnosticReport.subject": _R4_SUBJECTS}
_R4_RESOURCES = words(
    "EffectEvidenceSynthesis MedicinalProduct MedicinalProductAuthorization MedicinalProductContraindication"
    " MedicinalProductIndication MedicinalProductIngredient MedicinalProductInteraction MedicinalProductManufactured"
    " MedicinalProductPackaged MedicinalProductPharmaceutical MedicinalProductUndesirableEffect RiskEvidenceSynthesis"
    " SubstanceNucleicAcid SubstancePolymer SubstanceProtein SubstanceReferenceInformation SubstanceSourceMaterial"
    " SubstanceSpecification"
)


class Element(NamedTuple):
    """One element of a structure. Primitive elements have a check, others the name of their structure."""

    structure: str
    check: Check | None
    many: bool
    concepts: Concepts | None
    targets: frozenset[str]


class Choice(NamedTuple):
    """An element of several types, of which at most one is there (FHIR R4, formats: choice)."""

    name: str
    elements: tuple[str, ...]
    required: bool


class Structure(NamedTuple):
    """A resource, datatype or backbone element: its elements by their names in JSON."""

    name: str
    elements: Mapping[str, Element]
    required: tuple[str, ...]
    choices: tuple[Choice, ...]


_R4_META = Element("Meta", None, many=False, concepts=None, targets=frozenset())


CONTAINABLE = frozenset(TYPES) | words(
    "Account Appointment BodyStructure Claim Communication Coverage DetectedIssue DeviceRequest Endpoint EpisodeOfCare"
    " Flag Group HealthcareService List Media MedicationDispense NutritionOrder Person Questionnaire RelatedPerson"
    " RiskAssessment Schedule Slot Substance SupplyRequest Task VisionPrescription"
)
"""What may be contained in another resource: the definitions of all that FHIR knows would take 90 MB."""


@cache
def structure(name: str) -> Structure:
    """The structure of this name, `Observation` or `ObservationComponent`. Raises `KeyError` where there is none."""
    fields = {element: field for element, field in _fields(name) if not element.startswith("_")}
    elements = {element: _element(f"{name}.{element}", field) for element, field in fields.items()}
    if name == "Extension":
        elements["valueMeta"] = _R4_META
    return Structure(
        name=name,
        elements=elements,
        required=tuple(element for element, field in fields.items() if _is_required(field)),
        choices=tuple(_choices(fields)),
    )


@cache
def resources() -> frozenset[str]:
    """The names of all resources that FHIR knows: what a reference may point at."""
    from fhir.resources.R4B import fhirtypes

    return _R4_RESOURCES.union(_names_of_resources(vars(fhirtypes)))


def _names_of_resources(types: Mapping[str, Any]) -> Iterator[str]:
    """A resource has a module of its own name; structures within one share its module, datatypes are told by name."""
    for kind in types.values():
        path = getattr(kind, "_model_klass", "")
        module, _, name = path.rpartition(".")
        if name and module.rpartition(".")[2] == name.lower() and name not in _DATATYPES:
            yield name


def _fields(name: str) -> Iterator[tuple[str, Any]]:
    from fhir.resources.R4B import get_fhir_model_class

    try:
        model = get_fhir_model_class(name)
    except ValueError:
        raise KeyError(name) from None
    for field_name, field in model.model_fields.items():
        if f"{name}.{field_name}" not in _NOT_R4 and field_name != "fhir_comments":
            yield field.alias or field_name, field


def _extra(field: Any) -> dict[str, Any]:
    return field.json_schema_extra or {}


def _is_required(field: Any) -> bool:
    return bool(field.is_required() or _extra(field).get("element_required"))


def _choices(fields: Mapping[str, Any]) -> Iterator[Choice]:
    groups: dict[str, list[str]] = {}
    for element, field in fields.items():
        if choice := _extra(field).get("one_of_many"):
            groups.setdefault(choice, []).append(element)
    for choice, elements in groups.items():
        yield Choice(
            choice, tuple(elements), any(_extra(fields[each]).get("one_of_many_required") for each in elements)
        )


def _element(name: str, field: Any) -> Element:
    kind, many = _kind(field)
    check = _CHECKS.get(kind)
    if check and (codes := _codes(name, field)):
        check = _one_of(codes)
    return Element(kind, check, many, CONCEPTS.get(name), _targets(name, field) if kind == "Reference" else frozenset())


def _targets(name: str, field: Any) -> frozenset[str]:
    """The types that a reference may point at; none where any will do."""
    listed = frozenset(_extra(field).get("enum_reference_types") or ())
    return frozenset() if "Resource" in listed else _R4_TARGETS.get(name, listed)


def _codes(name: str, field: Any) -> frozenset[str]:
    listed = frozenset(_extra(field).get("enum_values") or ())
    return CODES.get(name) or (frozenset() if listed & _CUT_SHORT else listed)


def _one_of(codes: frozenset[str]) -> Check:
    wrong = Fault("must be one of: " + ", ".join(sorted(codes)), "code-invalid")
    not_a_code = Fault("must be a string", "structure")

    def check(value: Any) -> Fault | None:
        if type(value) is not str:
            return not_a_code
        return None if value in codes else wrong

    return check


def _kind(field: Any) -> tuple[str, bool]:
    """The name of a field's primitive type or structure, and whether it repeats."""
    from fhir_core.constraints import FHIR_PRIMITIVES_MAPS

    annotation, many = field.annotation, False
    while annotation not in FHIR_PRIMITIVES_MAPS and typing.get_origin(annotation) is not None:
        many = many or typing.get_origin(annotation) is list
        annotation = next(part for part in typing.get_args(annotation) if part is not type(None))
    if field.metadata and annotation in FHIR_PRIMITIVES_MAPS:
        annotation = Annotated[annotation, *field.metadata]
    primitive = FHIR_PRIMITIVES_MAPS.get(annotation)
    return primitive or annotation.__name__.removesuffix("Type"), many


_DATATYPES = words(
    "Address Age Annotation Attachment BackboneElement CodeableConcept CodeableReference Coding ContactDetail"
    " ContactPoint Contributor Count DataRequirement Distance Dosage Duration Element ElementDefinition Expression"
    " Extension FHIRPrimitiveExtension HumanName Identifier MarketingStatus Meta Money MoneyQuantity Narrative"
    " ParameterDefinition Period Population ProdCharacteristic ProductShelfLife Quantity Range Ratio RatioRange"
    " Reference RelatedArtifact SampledData Signature SimpleQuantity SubstanceAmount Timing TriggerDefinition"
    " UsageContext DomainResource Resource BackboneType DataType"
)

"""Whether a resource is valid FHIR R4: its elements, their types, formats, required codes and the rules between them.

Every problem is found in one walk, each named by a FHIRPath-like expression and a rule in words, never by a value.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from services.records.domain.fhir import TYPES, Resource
from services.records.edges.fhir.elements import CONTAINABLE, Element, Structure, resources, structure
from services.records.edges.fhir.primitives import Fault
from services.records.edges.fhir.rules import RULES
from shared.kernel import Field, Invalid

DEEPEST = 64
"""Levels of elements within elements."""

MOST = 100
"""Problems that are told at once."""

_OBJECT = Fault("must be an object", "structure")
_ARRAY = Fault("must be an array: the element may repeat", "structure")
_ONE = Fault("must not be an array: the element does not repeat", "structure")
_EMPTY = Fault("must not be empty: leave it out instead", "structure")
_NULL = Fault("must not be null: leave it out instead", "structure")
_GAP = Fault("must have a value or an extension", "structure")
_DEEP = Fault(f"must not be nested deeper than {DEEPEST} levels", "too-long")
_REQUIRED = Fault("must be there", "required")
_UNKNOWN = Fault("is not an element of this structure", "structure")
_UNNAMED = Fault("must not have elements by other names than FHIR's", "structure")
_TYPE = Fault("must be a type of resource that may be contained here", "not-supported")
_CONTAINED = Fault("must not be inside a contained resource", "invariant")
_REFERENCE = Fault("must be `Type/id`, a URL, a `urn:uuid:`, `Type?identifier=...` or `#id` of a contained resource")
_NOT_CONTAINED = Fault("must name a contained resource of this resource", "not-found")

_NAME = re.compile(r"_?[A-Za-z][A-Za-z0-9]{0,63}")
_LOCAL = re.compile(r"([A-Z][A-Za-z]{1,63})(/[A-Za-z0-9\-.]{1,64}(/_history/[A-Za-z0-9\-.]{1,64})?|\?\S+)")
_ABSOLUTE = re.compile(r"(https?://|urn:(uuid|oid):)\S+")


def validate(*, resource: Any, type: str | None = None) -> None:
    """Raises `Invalid` with every problem; `type` is the one that the address names (FHIR R4, validating resources)."""
    found = problems(resource=resource, type=type)
    if found:
        raise Invalid(*found)


def problems(*, resource: Any, type: str | None = None, at: str = "") -> tuple[Field, ...]:
    """What is wrong with the resource, the first `MOST` of it; `at` is where it stands (`Bundle.entry[3].resource`)."""
    if not isinstance(resource, dict):
        return (Field(at or type or "Resource", _OBJECT.message, _OBJECT.code),)
    name = resource.get("resourceType")
    if not isinstance(name, str) or name not in TYPES:
        return (Field(_join(at, "resourceType"), "must be a type that records holds", "not-supported"),)
    if type not in {None, name}:
        return (Field(_join(at, "resourceType"), "must be the type that the address names", "invalid"),)
    return structure_problems(value=resource, name=name, at=at or name)


def structure_problems(*, value: dict[str, Any], name: str, at: str) -> tuple[Field, ...]:
    """What is wrong with a value as the resource or datatype of this name, whether records holds such or not."""
    walk = _Walk(contained=_contained_ids(value))
    walk.object(value, structure(name), at, 1)
    return tuple(walk.found)


@dataclass(slots=True)
class _Walk:
    """One walk over one resource. `found` grows, up to `MOST`."""

    contained: frozenset[str]
    inside: bool = False
    found: list[Field] = field(default_factory=list)

    def fault(self, path: str, fault: Fault) -> None:
        if len(self.found) < MOST:
            self.found.append(Field(path, fault.message, fault.code))

    def object(self, value: Any, shape: Structure, path: str, depth: int) -> None:
        """A resource, datatype or backbone element. Its rules are asked only where its elements are sound."""
        if type(value) is not dict or not value or depth > DEEPEST:
            self.fault(path, _DEEP if depth > DEEPEST else _EMPTY if value == {} else _OBJECT)
            return
        before, elements = len(self.found), shape.elements
        for name, child in value.items():
            element = elements.get(name)
            if element is None:
                self.unlisted(name, child, shape, path, depth)
            elif child is None:
                self.fault(f"{path}.{name}", _NULL)
            elif element.many:
                self.array(child, value.get(f"_{name}"), element, f"{path}.{name}", depth)
            elif element.check is None or element.check(child):  # a sound primitive, as most are, needs no path
                self.one(child, element, f"{path}.{name}", depth)
        if shape.required or shape.choices:
            self.cardinality(value, shape, path)
        if len(self.found) == before and (shape.name in RULES or shape.name == "Reference"):
            self.rules(value, shape, path)

    def one(self, value: Any, element: Element, path: str, depth: int) -> None:
        """One value of an element, primitive or not."""
        if element.check is not None:
            fault = element.check(value)
            if fault:
                self.fault(path, _ONE if type(value) is list else fault)
        elif element.structure == "Resource":
            self.resource(value, path, depth)
        else:
            before = len(self.found)
            self.object(value, structure(element.structure), path, depth + 1)
            if (element.targets or element.concepts) and len(self.found) == before:
                self.bound(value, element, path)

    def array(self, value: Any, beside: Any, element: Element, path: str, depth: int) -> None:
        """A repeating element. A null among primitives keeps the place of one that has only extensions."""
        if type(value) is not list or not value:
            self.fault(path, _EMPTY if value == [] else _ARRAY)
            return
        for index, item in enumerate(value):
            if item is not None:
                if element.check is None or element.check(item):
                    self.one(item, element, f"{path}[{index}]", depth)
            elif element.check is None or not _has(beside, index):
                self.fault(f"{path}[{index}]", _GAP if element.check else _NULL)

    def unlisted(self, name: str, value: Any, shape: Structure, path: str, depth: int) -> None:
        """`resourceType`, the extensions of a primitive (`_birthDate`), or a name that FHIR does not know here."""
        element = shape.elements.get(name[1:]) if name.startswith("_") else None
        if element is not None and element.check is not None:
            self.extensions(value, element, f"{path}.{name}", depth)
        elif name != "resourceType" or "implicitRules" not in shape.elements:
            known = _NAME.fullmatch(name)
            self.fault(f"{path}.{name}" if known else path, _UNKNOWN if known else _UNNAMED)

    def extensions(self, value: Any, element: Element, path: str, depth: int) -> None:
        """What stands beside a primitive value (FHIR R4, json: primitive elements)."""
        shape = structure("FHIRPrimitiveExtension")
        if not element.many:
            self.object(value, shape, path, depth + 1)
        elif type(value) is not list or not value:
            self.fault(path, _EMPTY if value == [] else _ARRAY)
        else:
            for index, item in enumerate(value):
                if item is not None:
                    self.object(item, shape, f"{path}[{index}]", depth + 1)

    def cardinality(self, value: Resource, shape: Structure, path: str) -> None:
        for name in shape.required:
            if name not in value and f"_{name}" not in value:
                self.fault(f"{path}.{name}", _REQUIRED)
        for choice in shape.choices:
            present = len([name for name in choice.elements if name in value or f"_{name}" in value])
            if present > 1:
                self.fault(f"{path}.{choice.name}", Fault("must be one of its types only", "structure"))
            elif choice.required and not present:
                self.fault(f"{path}.{choice.name}", _REQUIRED)

    def rules(self, value: Resource, shape: Structure, path: str) -> None:
        if shape.name == "Reference" and "reference" in value:
            self.reference(value["reference"], f"{path}.reference")
        for rule in RULES.get(shape.name, ()):
            for name, words in rule(value):
                self.fault(f"{path}.{name}" if name else path, Fault(words, "invariant"))

    def reference(self, text: str, path: str) -> None:
        """The forms of a literal reference (FHIR R4, references), and a conditional one as transactions know it."""
        local = _LOCAL.fullmatch(text)
        if text.startswith("#"):
            if text != "#" and text[1:] not in self.contained:
                self.fault(path, _NOT_CONTAINED)
        elif not (_ABSOLUTE.fullmatch(text) or (local and local[1] in resources())):
            self.fault(path, _REFERENCE)

    def bound(self, value: Resource, element: Element, path: str) -> None:
        """A CodeableConcept that must say one of some codes; a reference that must point at one of some types."""
        if element.concepts is not None and not any(
            coding.get("system") == element.concepts.system and coding.get("code") in element.concepts.codes
            for coding in value.get("coding", ())
        ):
            codes = ", ".join(sorted(element.concepts.codes))
            self.fault(path, Fault(f"must have a coding of {element.concepts.system}: {codes}", "code-invalid"))
        if element.targets:
            local = _LOCAL.fullmatch(value.get("reference", ""))
            if local and local[1] not in element.targets:
                types = ", ".join(sorted(element.targets))
                self.fault(f"{path}.reference", Fault(f"must point at one of: {types}"))

    def resource(self, value: Any, path: str, depth: int) -> None:
        """A contained resource (FHIR R4, references: contained)."""
        name = value.get("resourceType") if type(value) is dict else None
        if self.inside:
            self.fault(path, _CONTAINED)
        elif not isinstance(name, str) or name not in CONTAINABLE:
            self.fault(f"{path}.resourceType", _TYPE)
        else:
            self.inside = True
            self.object(value, structure(name), path, depth + 1)
            self.inside = False


def _contained_ids(resource: Resource) -> frozenset[str]:
    contained = resource.get("contained")
    items: Iterable[Any] = contained if isinstance(contained, list) else ()
    return frozenset(item["id"] for item in items if isinstance(item, dict) and isinstance(item.get("id"), str))


def _has(beside: Any, index: int) -> bool:
    return isinstance(beside, list) and index < len(beside) and beside[index] is not None


def _join(at: str, name: str) -> str:
    return f"{at}.{name}" if at else name

"""The kinds of import rule that import-linter lacks: closed lists, of what may be imported and of who may import."""

import sys
from collections.abc import Iterable, Iterator
from typing import cast

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output
from importlinter.domain.helpers import module_expressions_to_modules
from importlinter.domain.imports import ModuleExpression


class OnlyImports(Contract):
    """`source_modules` import themselves and `allowed_modules`, each with what lies below, and nothing else.

    With `standard_library`, all of that too. Direct imports count: what an allowed module imports is its own affair.
    """

    source_modules = fields.SetField(subfield=fields.ModuleExpressionField())
    allowed_modules = fields.SetField(subfield=fields.ModuleExpressionField())
    standard_library = fields.BooleanField(required=False, default=False)

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        del verbose
        return _outcome(graph, self._breaches(graph))

    def render_broken_contract(self, check: ContractCheck) -> None:
        _render(check)

    def _breaches(self, graph: ImportGraph) -> Iterator[tuple[str, str]]:
        allowed = {module.expression for module in _expressions(self.allowed_modules)}
        if cast("bool", self.standard_library):
            allowed |= sys.stdlib_module_names
        for root in module_expressions_to_modules(graph, _expressions(self.source_modules)):
            for importer in {root.name, *graph.find_descendants(root.name)}:
                for imported in graph.find_modules_directly_imported_by(importer):
                    if not _lies_in(imported, {*allowed, root.name}):
                        yield importer, imported


class ImportedOnlyBy(Contract):
    """`guarded_modules`, and what lies below them, are imported by `allowed_importers` alone.

    import-linter's own `protected` refuses a guarded library that nothing imports yet.
    """

    guarded_modules = fields.SetField(subfield=fields.ModuleExpressionField())
    allowed_importers = fields.SetField(subfield=fields.ModuleExpressionField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        del verbose
        return _outcome(graph, self._breaches(graph))

    def render_broken_contract(self, check: ContractCheck) -> None:
        _render(check)

    def _breaches(self, graph: ImportGraph) -> Iterator[tuple[str, str]]:
        guarded = {module.expression for module in _expressions(self.guarded_modules)}
        allowed = {module.expression for module in _expressions(self.allowed_importers)}
        for imported in graph.modules:
            for importer in graph.find_modules_that_directly_import(imported) if _lies_in(imported, guarded) else ():
                if not _lies_in(importer, guarded | allowed):
                    yield importer, imported


def _expressions(field: object) -> Iterable[ModuleExpression]:
    """What import-linter puts into the place of a declared field."""
    return cast("Iterable[ModuleExpression]", field)


def _lies_in(module: str, packages: set[str]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def _outcome(graph: ImportGraph, breaches: Iterable[tuple[str, str]]) -> ContractCheck:
    said = [f"{importer} -> {imported} (l.{_line(graph, importer, imported)})" for importer, imported in breaches]
    return ContractCheck(kept=not said, metadata={"breaches": sorted(said)})


def _line(graph: ImportGraph, importer: str, imported: str) -> int:
    return min(detail["line_number"] for detail in graph.get_import_details(importer=importer, imported=imported))


def _render(check: ContractCheck) -> None:
    for breach in check.metadata["breaches"]:
        output.print_error(f"- {breach}", bold=False)
    output.new_line()

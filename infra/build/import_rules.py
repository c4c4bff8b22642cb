"""An import-linter contract that says what modules may import, for rules like "the standard library and their own layer".

import-linter's own types name what is forbidden; the rule of a pure domain names what is allowed. `{app}` in a pattern
stands for one name, the same in `modules` and in `allowed`. A pattern covers a module and everything below it.
"""

import re
import sys
from typing import cast

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output

STANDARD_LIBRARY = "<standard library>"


def pattern(text: str, app: str = r"(?P<app>\w+)") -> re.Pattern[str]:
    """The modules that a pattern covers; with `app` given, those of that app only."""
    return re.compile(re.escape(text).replace(r"\{app\}", app) + r"(\..+)?")


def is_covered(module: str, patterns: set[str], app: str) -> bool:
    """Is the module one of these, or below one?"""
    if STANDARD_LIBRARY in patterns and module.partition(".")[0] in sys.stdlib_module_names:
        return True
    return any(pattern(text, re.escape(app)).fullmatch(module) for text in patterns)


def said(field: fields.SetField) -> set[str]:
    """On a contract's instance, import-linter has put the configured value where the class has the field."""
    return cast("set[str]", field)


class MayImport(Contract):
    """Of what is in `concerning` (everything, if empty), `modules` import only what is in `allowed`, directly."""

    type_name = "may_import"

    modules = fields.SetField(subfield=fields.StringField())
    exempt = fields.SetField(subfield=fields.StringField(), required=False, default=set())
    concerning = fields.SetField(subfield=fields.StringField(), required=False, default=set())
    allowed = fields.SetField(subfield=fields.StringField(), required=False, default=set())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: ARG002, FBT001 - import-linter's signature
        """Look at each direct import of each module the rule is about."""
        broken = sorted(
            (importer, imported)
            for importer in graph.modules
            for imported in graph.find_modules_directly_imported_by(importer)
            if self._is_broken_by(importer, imported)
        )
        return ContractCheck(kept=not broken, metadata={"broken": [(a, b, self._lines(graph, a, b)) for a, b in broken]})

    def _is_broken_by(self, importer: str, imported: str) -> bool:
        matched = next((match for text in said(self.modules) if (match := pattern(text).fullmatch(importer))), None)
        if matched is None or is_covered(importer, said(self.exempt), ""):
            return False
        app = matched.groupdict().get("app", "")
        concerned = not said(self.concerning) or is_covered(imported, said(self.concerning), app)
        return concerned and not is_covered(imported, said(self.allowed), app)

    @staticmethod
    def _lines(graph: ImportGraph, importer: str, imported: str) -> str:
        return ", ".join(str(detail["line_number"]) for detail in graph.get_import_details(importer=importer, imported=imported))

    def render_broken_contract(self, check: ContractCheck) -> None:
        """One line an import."""
        for importer, imported, lines in check.metadata["broken"]:
            output.print_error(f"{importer} imports {imported} (line {lines})")

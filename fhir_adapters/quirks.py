"""What single servers do differently, as settings by name.

Learnt from the servers' own documentation and from running against them; each row says what it is based on.
A server that is not listed here is asked as FHIR R4 says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

Parameters = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Quirks:
    """How the questions to one server have to be put."""

    name: str
    about: str
    """What is peculiar, for the reader of ``dosewright sandbox list``."""
    bare_patient: bool = False
    """``patient=ID`` instead of ``patient=Patient/ID``."""
    sorts: bool = True
    """Understands ``_sort``."""
    includes: bool = True
    """Understands ``_include``; else Medications are asked for by their ids."""
    most_per_page: int | None = None
    """More than so many a page are refused."""
    dstu2: bool = False
    """Speaks FHIR 1.0.2: other names for orders and for the time of a dose, another way to sort."""
    searches_by_post: bool = False
    """Searches go by POST to ``_search``, so that no patient id stands in a log of URLs."""

    def kind(self, kind: str) -> str:
        """What the server calls a type of resource."""
        return "MedicationOrder" if self.dstu2 and kind == "MedicationRequest" else kind

    def adapted(self, parameters: Parameters) -> Parameters:
        """The parameters of a search as this server wants them."""
        return tuple(self._pair(*pair) for pair in parameters if self._is_understood(pair[0]))

    def _is_understood(self, name: str) -> bool:
        return (self.sorts or name != "_sort") and (self.includes or not name.startswith("_include"))

    def _pair(self, name: str, value: str) -> tuple[str, str]:
        if name in ("patient", "subject") and self.bare_patient:
            value = value.removeprefix("Patient/")
        if name == "_count" and self.most_per_page is not None and value.isdecimal():
            value = str(min(int(value), self.most_per_page))
        if self.dstu2 and name == "_sort" and value.startswith("-"):
            return "_sort:desc", _DSTU2_NAMES.get(value[1:], value[1:])
        if self.dstu2 and name.startswith("_include"):
            value = value.replace("MedicationRequest:", "MedicationOrder:")
        if self.dstu2:
            name = _DSTU2_NAMES.get(name, name)
        return name, value


_DSTU2_NAMES = {"effective-time": "effectivetime"}

PLAIN = Quirks("plain", "asked as FHIR R4 says")

QUIRKS: Mapping[str, Quirks] = MappingProxyType(
    {
        one.name: one
        for one in (
            PLAIN,
            Quirks(
                "epic",
                "Observation wants a category or a code beside the patient; the rest filters afterwards",
                sorts=False,
                includes=False,
            ),
            Quirks(
                "oracle",
                "no _include, no _sort, at most 200 Observations a page; refusals come as plain text",
                sorts=False,
                includes=False,
                most_per_page=200,
            ),
            Quirks("hapi", "cached searches expire, the last page may be empty, totals may be missing"),
            Quirks("medplum", "20 a page unless asked for more, 1000 at most", most_per_page=1000),
            Quirks("smart-health-it", "open, simulates SMART launches; an unknown parameter finds nothing"),
            Quirks("dstu2", "FHIR 1.0.2: MedicationOrder, effectivetime, _sort:desc", dstu2=True),
            Quirks("bare", "patient=ID without the resource's name", bare_patient=True),
            Quirks("post", "searches by POST, so that no patient id stands in a URL", searches_by_post=True),
        )
    }
)
"""By name. Epic: open.epic.com and fhir.epic.com/Specifications (2024); Oracle Health: documentation of
fhir.cerner.com; HAPI: its public issues 1300, 3599 and 7220; Medplum: constants of ``@medplum/core``; SMART
Health IT: measured against its launcher."""

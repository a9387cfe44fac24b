"""Which questions the record is asked, as prefetch templates and as searches.

Templates keep to what every CDS Hooks 2.0 client can fill: ``{{context.patientId}}``, simple search
parameters, none of them twice, no dates. How far back a fact may lie is decided when it is read; a search
that we send ourselves asks the server for no more than that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from types import MappingProxyType
from typing import Literal

from dosing_core.library import drugs, load_drug
from fhir_adapters.terminology.genetics import report_category, search_codes
from fhir_adapters.terminology.loinc import BODY, LABORATORY, LOINC, code_list

LABS = timedelta(days=90)
"""How far back creatinine and haematocrit are read (project policy: older ones say nothing about today)."""
BODY_MEASURES = timedelta(days=730)
"""How far back weight and height are read (project policy; how old one may be for a dose is the drug
file's)."""
LEVELS = timedelta(days=30)
"""How far back drug levels are read where the drug file does not say (project policy: older ones are
explained by doses beyond ``DOSES``)."""
DOSES = timedelta(days=45)
"""How far back doses are read where the drug file does not say (project policy: 15 days longer than levels,
so that what was given before the first level is known)."""


LOOKBACK: Mapping[str, timedelta] = MappingProxyType(
    {"weight": BODY_MEASURES, "height": BODY_MEASURES, "creatinine": LABS, "haematocrit": LABS}
)


def levels_since(drug: str, now: datetime) -> datetime:
    """From when on levels of this drug of the library are read."""
    rule = load_drug(drug).lookback
    return now - (timedelta(hours=rule.levels.value) if rule else LEVELS)


def doses_since(drug: str, now: datetime) -> datetime:
    """From when on doses of this drug of the library are read."""
    rule = load_drug(drug).lookback
    return now - (timedelta(hours=rule.doses.value) if rule else DOSES)


@dataclass(frozen=True)
class Search:
    """One question to the record."""

    key: str
    resource: str
    parameters: str
    """Everything but the patient, as in a URL, unescaped."""
    about: tuple[str, ...]
    """Which facts are unknown if it is not answered."""
    since: tuple[str, timedelta] | None = None
    """Date parameter and how far back, added when we ask the server ourselves."""
    holds: Literal["levels", "doses"] | None = None
    """What it finds that some drugs need from further back than ``since``."""
    include: str = ""
    """Added when we ask the server ourselves; not every client can fill it."""

    @property
    def template(self) -> str:
        """The prefetch template."""
        return f"{self.resource}?patient={{{{context.patientId}}}}&{self.parameters}"

    def query(self, patient_id: str, now: datetime, drug: str) -> tuple[tuple[str, str], ...]:
        """The parameters by which we ask the server for a dose of this drug of the library."""
        pairs = [("patient", f"Patient/{patient_id}")]
        pairs += [(name, value) for name, _, value in (p.partition("=") for p in self.parameters.split("&"))]
        if self.since is not None:
            earliest = min(now - self.since[1], self._earliest_of(drug, now)).astimezone(UTC)
            pairs.append((self.since[0], f"ge{earliest:%Y-%m-%dT%H:%M:%SZ}"))
        if self.include:
            pairs.append(("_include", self.include))
        return tuple(pairs)

    def _earliest_of(self, drug: str, now: datetime) -> datetime:
        """From when on what it holds is read for the drug."""
        return {"levels": levels_since, "doses": doses_since}[self.holds](drug, now) if self.holds else now


def _codes(*codes: str) -> str:
    return "code=" + ",".join(f"{LOINC}|{code}" for code in codes)


@cache
def searches() -> tuple[Search, ...]:
    """The questions besides the Patient itself."""
    levels = tuple(drug.drug for drug in drugs())
    return (
        Search(
            "labs",
            "Observation",
            f"category=laboratory&{_codes(*code_list(*LABORATORY, *levels))}&_sort=-date&_count=200",
            ("creatinine", "haematocrit", "levels"),
            ("date", LABS),
            holds="levels",
        ),
        Search(
            "vitals",
            "Observation",
            f"category=vital-signs&{_codes(*code_list(*BODY))}&_sort=-date&_count=100",
            ("weight", "height"),
            ("date", BODY_MEASURES),
        ),
        Search("genotypes", "Observation", f"code={','.join(search_codes())}&_count=200", ("genotypes",)),
        Search(
            "reports",
            "DiagnosticReport",
            f"category={report_category()}&_count=100",
            ("genotypes",),
            include="DiagnosticReport:result",
        ),
        Search(
            "administrations",
            "MedicationAdministration",
            "_sort=-effective-time&_count=500",
            ("doses",),
            ("effective-time", DOSES),
            holds="doses",
            include="MedicationAdministration:medication",
        ),
        Search(
            "requests",
            "MedicationRequest",
            "status=active&_count=200",
            ("co_medications",),
            include="MedicationRequest:medication",
        ),
        Search("conditions", "Condition", "_count=200", ("conditions",)),
    )


PATIENT = "patient"


@cache
def prefetch() -> Mapping[str, str]:
    """The prefetch templates of both services."""
    return MappingProxyType(
        {PATIENT: "Patient/{{context.patientId}}"} | {search.key: search.template for search in searches()}
    )


def __getattr__(name: str) -> Mapping[str, str]:
    """``PREFETCH``: the same, read from the drug library on first use so that importing stays quick."""
    if name == "PREFETCH":
        return prefetch()
    raise AttributeError(name)

"""Which questions the record is asked, as prefetch templates and as searches.

Templates keep to what every CDS Hooks 2.0 client can fill: ``{{context.patientId}}``, simple search
parameters, none of them twice, no dates. How far back a fact may lie is decided when it is read; a search
that we send ourselves asks the server for no more than that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from types import MappingProxyType
from typing import Literal

from dosing_core.library import asks, drugs, load_drug, names_in
from fhir_adapters.terminology.genetics import report_category, search_codes
from fhir_adapters.terminology.loinc import LOINC, analytes, code_list
from fhir_adapters.terminology.signs import (
    ANTIBODIES,
    SMOKER,
    codes_beside,
    sign_look_back,
    smoking_codes,
)

ALWAYS = frozenset({"creatinine", "weight", "height"})
"""Facts that are read for every drug: limits by weight and kidneys, and the trend of the creatinine."""
LEVELS = timedelta(days=30)
"""How far back drug levels are read where the drug file does not say (project policy: older ones are
explained by doses beyond ``DOSES``)."""
DOSES = timedelta(days=45)
"""How far back doses are read where the drug file does not say (project policy: 15 days longer than levels,
so that what was given before the first level is known)."""


def facts_for(drug: str | None) -> frozenset[str]:
    """Names of what a drug of the library needs to know: facts, effects, signs; nothing without a drug."""
    if drug is None:
        return frozenset()
    asked = asks(drug)
    own = {one.name for one in analytes().values() if one.drug == drug and one.output in asked}
    return ALWAYS | asked | own


EARLIER = timedelta(days=400)
"""How far back orders that are over are read (project policy: a year of renewals, and a month)."""


def levels_since(drug: str, now: datetime) -> datetime:
    """From when on levels of this drug of the library are read."""
    rule = load_drug(drug).lookback
    return now - (timedelta(hours=rule.levels.value) if rule else LEVELS)


def doses_since(drug: str, now: datetime) -> datetime:
    """From when on doses of this drug of the library are read."""
    rule = load_drug(drug).lookback
    return now - (timedelta(hours=rule.doses.value) if rule else DOSES)


def look_back(name: str) -> timedelta:
    """How far back a fact, an effect or a sign is read; everything, of what is true since birth."""
    known = analytes().get(name)
    back = known.look_back if known else sign_look_back(name)
    return back if back is not None else timedelta(days=50_000)


def _codes(*codes: str) -> str:
    return "code=" + ",".join(f"{LOINC}|{code}" for code in codes) if codes else ""


@dataclass(frozen=True)
class Search:
    """One question to the record."""

    key: str
    resource: str
    parameters: str
    """Everything but the patient and the codes, as in a URL, unescaped."""
    about: tuple[str, ...] = ()
    """Which facts are unknown if it is not answered, beside ``measures``."""
    since: tuple[str, timedelta] | None = None
    """Date parameter and how far back, added when we ask the server ourselves."""
    holds: Literal["levels", "doses"] | None = None
    """What it finds that some drugs need from further back than ``since``."""
    include: str = ""
    """Added when we ask the server ourselves; not every client can fill it."""
    measures: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Names of facts, and the codes by which they are asked for."""
    if_other_drugs: bool = False
    """True if only drugs need it whose file names other drugs."""
    stands_in: bool = False
    """True if it is asked only where no given dose was sent along; no prefetch template asks it, and nobody
    misses its answer."""
    of_drugs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Drug: codes of what is measured for it alone: levels, antibodies, MIC."""

    @property
    def template(self) -> str:
        """The prefetch template: it asks for all that any drug needs.

        Codes stand without their system, which leaves them as clear and the URL short enough for gateways
        that stop at 2,048 characters.
        """
        codes = [code for held in (self.measures, self.of_drugs) for each in held.values() for code in each]
        asked = f"code={','.join(dict.fromkeys(codes))}" if codes else ""
        written = "&".join(filter(None, (asked, self.parameters)))
        return f"{self.resource}?patient={{{{context.patientId}}}}&{written}"

    def query(self, patient_id: str, now: datetime, drug: str | None) -> tuple[tuple[str, str], ...]:
        """The parameters by which we ask the server for a dose of this drug of the library; None: for no
        dose, only for what no drug decides."""
        wanted = facts_for(drug)
        codes = [code for name, each in self.measures.items() if name in wanted for code in each]
        codes += self.of_drugs.get(drug or "", ())
        written = "&".join(filter(None, (_codes(*codes), self.parameters)))
        pairs = [("patient", f"Patient/{patient_id}")]
        pairs += [(name, value) for name, _, value in (p.partition("=") for p in written.split("&"))]
        if self.since is not None:
            back = max([self.since[1], *(look_back(name) for name in self.measures if name in wanted)])
            earliest = min(now - back, self._earliest_of(drug, now)).astimezone(UTC)
            pairs.append((self.since[0], f"ge{earliest:%Y-%m-%dT%H:%M:%SZ}"))
        if self.include:
            pairs.append(("_include", self.include))
        return tuple(pairs)

    def about_for(self, drug: str | None) -> tuple[str, ...]:
        """What of this drug's facts is unknown if it is not answered."""
        wanted = facts_for(drug)
        return (*(name for name in self.measures if name in wanted), *self.about)

    def needed_for(self, drug: str | None) -> bool:
        """False if it asks only for what this drug does not need."""
        if self.stands_in:
            return True
        others = frozenset() if drug is None else names_in(drug)
        return bool(self.about_for(drug)) and bool(others or not self.if_other_drugs)

    def _earliest_of(self, drug: str | None, now: datetime) -> datetime:
        """From when on what it holds is read for the drug."""
        if drug is None or self.holds is None:
            return now
        return {"levels": levels_since, "doses": doses_since}[self.holds](drug, now)


def _measured(search: str) -> dict[str, tuple[str, ...]]:
    """The facts and effects that a search asks for, with their codes."""
    return {
        name: code_list(name)
        for name, one in analytes().items()
        if one.role != "level" and one.search == search
    }


@cache
def searches() -> tuple[Search, ...]:
    """The questions besides the Patient itself."""
    labs, vitals, history = _measured("labs"), _measured("vitals"), _measured("history")
    levels = {drug.drug: (*code_list(drug.drug), *codes_beside(drug.drug)) for drug in drugs()}
    return (
        Search(
            "labs",
            "Observation",
            "category=laboratory&_sort=-date&_count=200",
            ("levels",),
            ("date", LEVELS),
            holds="levels",
            measures={**labs, ANTIBODIES: ()},
            of_drugs=levels,
        ),
        Search(
            "vitals",
            "Observation",
            "category=vital-signs&_sort=-date&_count=100",
            since=("date", timedelta(0)),
            measures=vitals,
        ),
        Search(
            "history",
            "Observation",
            "_sort=-date&_count=50",
            measures={**history, SMOKER: smoking_codes()},
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
        Search(
            "earlier",
            "MedicationRequest",
            "status=stopped,completed&_count=200",
            ("earlier_orders",),
            ("authoredon", EARLIER),
            include="MedicationRequest:medication",
            if_other_drugs=True,
        ),
        Search("conditions", "Condition", "_count=200", ("conditions",)),
        Search("allergies", "AllergyIntolerance", "_count=200", ("reactions",)),
        Search(
            "dispenses",
            "MedicationDispense",
            "_count=100",
            include="MedicationDispense:medication",
            stands_in=True,
        ),
        Search(
            "statements",
            "MedicationStatement",
            "_count=100",
            include="MedicationStatement:medication",
            stands_in=True,
        ),
    )


PATIENT = "patient"


@cache
def prefetch() -> Mapping[str, str]:
    """The prefetch templates of both services."""
    return MappingProxyType(
        {PATIENT: "Patient/{{context.patientId}}"}
        | {search.key: search.template for search in searches() if not search.stands_in}
    )


def __getattr__(name: str) -> Mapping[str, str]:
    """``PREFETCH``: the same, read from the drug library on first use so that importing stays quick."""
    if name == "PREFETCH":
        return prefetch()
    raise AttributeError(name)

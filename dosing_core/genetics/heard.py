"""What the patient's genes and earlier reactions say about one order, before any kinetics.

Rows of several populations may hold; those that the patient's age rules out are left away, the others are
labelled. A drug is avoided where a row that holds says so with strength, or where a severe reaction is on
record.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from dosing_core.case import Case, Finding, Reaction
from dosing_core.genetics.advice import Advice, GuidedDrug, advise, guided_drug, untested_genes
from dosing_core.genetics.asked_tests import AskedTest, asked_tests
from dosing_core.genetics.catalogue import genes
from dosing_core.genetics.known import Known, known_genes
from dosing_core.genetics.phenoconversion import acting, converted

ADULT_YEARS = 18.0
"""CPIC's rows for ``adults`` and ``pediatrics`` (voriconazole) part at this age."""
_STRENGTHS = ("Strong", "Moderate")
"""Of a row that forbids a drug. An optional one asks to think again (project policy)."""
_OTHER_FIRST = re.compile(r"^(choose|select|prescribe|recommend)\b", re.IGNORECASE)
"""Rows that ask for another drug first and say how this one is given all the same."""
_TAKEN_LONG = re.compile(r">\s?3\s?mos")


@dataclass(frozen=True)
class Heard:
    """Everything that genes and earlier reactions say."""

    drug: GuidedDrug | None
    """The drug as a guideline knows it; None if none does."""
    advice: tuple[Advice, ...] = ()
    known: tuple[Known, ...] = ()
    """Genes of the drug of which something is known."""
    conversions: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    """About genes of this drug, or about genetic results as a whole."""
    untested: tuple[AskedTest, ...] = ()
    """Tests that are asked for before the drug and of which there is no usable result."""
    unread: bool = False
    """True if the record's genetic results could not be read, or not wholly."""
    reactions: tuple[Reaction, ...] = ()

    @property
    def forbidding(self) -> tuple[Advice, ...]:
        """The rows that forbid the drug."""
        return tuple(one for one in self.advice if forbids(one))

    @property
    def severe(self) -> tuple[Reaction, ...]:
        """Severe reactions on record."""
        return tuple(one for one in self.reactions if one.severe)

    @property
    def unless_taken_long(self) -> bool:
        """True if the guideline lets those go on who have taken the drug for more than three months."""
        return any(_TAKEN_LONG.search(one.population) for one in self.advice)


def forbids(advice: Advice) -> bool:
    """Whether a row says not to give the drug, and with strength."""
    return advice.verdict == "avoid" and advice.strength in _STRENGTHS and not other_first(advice)


def other_first(advice: Advice) -> bool:
    """Whether a row asks for another drug first and leaves this one as the second choice."""
    return bool(_OTHER_FIRST.match(advice.text.strip()))


def hear(case: Case, names: Iterable[str] = ()) -> Heard:
    """Look up the order's drug. ``names``: other names and RxNorm codes of it."""
    drug = next(filter(None, map(guided_drug, (case.order.drug, *names))), None)
    reactions = tuple(one for one in case.subject.reactions if one.drug == case.order.drug)
    if drug is None:
        return Heard(None, reactions=reactions)
    read = known_genes(case.subject)
    everything, conversions = converted(read.genes, acting(case.subject.co_medications, case.now))
    known = tuple(one for one in everything if one.result.gene in drug.genes)
    results = tuple(one.result for one in known)
    rows = tuple(one for one in advise(drug.name, results) if _may_hold(one.population, case))
    findings = tuple(
        one for one in (*case.findings, *read.findings) if one.about == "genotypes" and _names(one, drug)
    )
    open_ = untested_genes(drug.name, results)
    return Heard(
        drug,
        advice=rows,
        known=known,
        conversions=tuple(one for one in conversions if any(symbol in one for symbol in drug.genes)),
        findings=findings,
        untested=tuple(one for one in asked_tests(drug.name) if one.gene in open_),
        unread=any(one.kind == "unreachable" for one in findings),
        reactions=reactions,
    )


def _may_hold(population: str, case: Case) -> bool:
    """False only if the patient's age rules the population out."""
    age = case.subject.age_years
    if age is None:
        return True
    if population == "adults":
        return age >= ADULT_YEARS
    return age < ADULT_YEARS if population == "pediatrics" else True


def _names(finding: Finding, drug: GuidedDrug) -> bool:
    """Whether a finding is about a gene of the drug, or about no gene in particular."""
    named = {symbol for symbol in genes() if re.search(rf"(?<![\w-]){symbol}(?![A-Z\d-])", finding.detail)}
    return not named or bool(named & set(drug.genes)) or drug.name in finding.detail

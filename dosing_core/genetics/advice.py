"""What guidelines advise for a drug and what is known of a patient's genes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from dosing_core.genetics.catalogue import NO_RESULT, recommendations, risk_alleles
from dosing_core.genetics.phenotype import GeneResult

Verdict = Literal["avoid", "alternative", "adjust", "standard", "none"]
"""``avoid``: not this drug. ``alternative``: another drug should be considered. ``adjust``: another dose or
closer watching. ``standard``: as usual. ``none``: no recommendation for this result."""

_AVOID = re.compile(
    r"^(avoid(?! moderate)|(abacavir|ivacaftor) is not recommended|allopurinol is contraindicated"
    r"|(based on \w+ status, )?halogenated volatile"
    r"|if patient is \S+-na[iï]ve(?: and alternative agents are available)?, do not use"
    r"|choose an alternative agent|select (an )?alternative|prescribe an alternative statin"
    r"|recommend alternative hormonal)",
    re.IGNORECASE,
)
_STANDARD = re.compile(
    r"^(no reason to avoid|there is no need to avoid|if considering|no adjustments|no action recommended"
    r"|based on genotype, there is no indication to change|insufficient evidence"
    r"|use .{0,80}(standard|label|typical)"
    r"|(initiate|prescribe|start)\b.{0,40}\b(standard|recommended|desired)\b"
    r"|based on \w+(?: status)?, (prescribe|initiate)\b.{0,30}\b(standard|desired)\b)",
    re.IGNORECASE,
)
_CHANGED = re.compile(
    r"slower titration|with caution|\d ?% (of|reduction|lower)|consider (increasing|\d+)|lowest recommended"
    r"|(lower|decreased|reduced|higher) (starting|maintenance|target) dose",
    re.IGNORECASE,
)
_NOTHING = re.compile(r"^(no recommendation|n/a|not applicable)", re.IGNORECASE)
_ALTERNATIVE = re.compile(
    r"\balternative (agent|drug|therap|anti|p2y12|hormonal|non|statin|antidepressant)|non-?thiopurine"
    r"|consider a clinically appropriate|consider (an )?alternative|consider hormonal therapy",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Guideline:
    """Where the advice comes from."""

    name: str
    url: str
    pmids: tuple[str, ...]


@dataclass(frozen=True)
class Advice:
    """One row of a guideline that holds for the patient."""

    id: str
    drug: str
    population: str
    """CPIC's label, such as ``general``, ``adults``, ``PHT naive``: several rows may each hold for their
    own."""
    strength: str
    text: str
    """CPIC's words, as published."""
    implications: Mapping[str, str]
    genes: Mapping[str, str]
    """Gene: the result by which the row was found."""
    verdict: Verdict
    guideline: Guideline
    comments: str = ""


@dataclass(frozen=True)
class GuidedDrug:
    """A drug with rows, and the genes that they ask about."""

    name: str
    rxnorm: str
    atc: tuple[str, ...]
    genes: tuple[str, ...]


@cache
def guided_drugs() -> tuple[GuidedDrug, ...]:
    """Every drug with at least one row, by name."""
    found = []
    for drug in recommendations()["drugs"]:
        rows = _rows().get(drug["name"], ())
        genes = dict.fromkeys(symbol for row in rows for lookup in row["lookup"] for symbol in lookup)
        if rows:
            found.append(GuidedDrug(drug["name"], drug["rxnorm"], tuple(drug["atc"]), tuple(genes)))
    return tuple(sorted(found, key=lambda one: one.name))


@cache
def guided_drug(name: str) -> GuidedDrug | None:
    """The drug of this name or RxNorm ingredient code, or None if no guideline has rows for it."""
    wanted = name.strip().casefold()
    return next((one for one in guided_drugs() if wanted in (one.name.casefold(), one.rxnorm)), None)


def advise(drug: str, results: Sequence[GeneResult]) -> tuple[Advice, ...]:
    """All rows that hold for this drug and these results; a gene without a result counts as ``No Result``.

    Empty if there is no guideline, or none of its rows speaks of these results. Several rows hold for
    different populations, and are labelled by it.
    """
    known = guided_drug(drug)
    if known is None:
        return ()
    keys = {symbol: _keys(known, symbol, results) for symbol in known.genes}
    found = []
    for row in _rows()[known.name]:
        for lookup in row["lookup"]:
            if all(key in keys[symbol] for symbol, key in lookup.items()):
                found.append(_advice(row, lookup))
                break
    return tuple(found)


def rows_of(drug: str) -> tuple[Advice, ...]:
    """Every row of a drug, once for each of its combinations of results."""
    known = guided_drug(drug)
    rows = _rows().get(known.name, ()) if known is not None else ()
    return tuple(_advice(row, lookup) for row in rows for lookup in row["lookup"])


def untested_genes(drug: str, results: Sequence[GeneResult]) -> tuple[str, ...]:
    """Genes that the drug's guideline asks about and of which there is no usable result."""
    known = guided_drug(drug)
    if known is None:
        return ()
    return tuple(symbol for symbol in known.genes if _keys(known, symbol, results) == {NO_RESULT})


def _keys(drug: GuidedDrug, symbol: str, results: Iterable[GeneResult]) -> frozenset[str]:
    """What is known of one gene for this drug. Of HLA only the alleles that matter to the drug count: a
    typing that leaves them open is no result."""
    own = next((one for one in results if one.gene == symbol), None)
    keys = own.keys if own is not None else frozenset()
    if symbol.startswith("HLA-"):
        matter = {
            str(risk[side])
            for risk in risk_alleles()
            if risk["gene"] == symbol and drug.name in risk["drugs"]
            for side in ("lookup_positive", "lookup_negative")
        }
        keys &= matter
    return keys or frozenset({NO_RESULT})


def verdict(text: str) -> Verdict:
    """What a row's words come to."""
    words = text.strip()
    if _NOTHING.match(words):
        return "none"
    if _AVOID.match(words):
        return "avoid"
    if _STANDARD.match(words) and not _CHANGED.search(words) and not _ALTERNATIVE.search(words):
        return "standard"
    return "alternative" if _ALTERNATIVE.search(words) else "adjust"


@cache
def _rows() -> dict[str, tuple[dict[str, Any], ...]]:
    by_drug: dict[str, list[dict[str, Any]]] = {}
    for row in recommendations()["recommendations"]:
        by_drug.setdefault(row["drug"], []).append(row)
    return {drug: tuple(rows) for drug, rows in by_drug.items()}


@cache
def _guideline(identifier: int) -> Guideline:
    one = next(g for g in recommendations()["guidelines"] if g["id"] == identifier)
    return Guideline(
        one["name"], one["url"], tuple(publication["pmid"] for publication in one["publications"])
    )


def _advice(row: dict[str, Any], lookup: dict[str, str]) -> Advice:
    place = row["lookup"].index(lookup)
    readable = row["phenotypes"][place] if place < len(row.get("phenotypes", ())) else {}
    return Advice(
        id=row["id"],
        drug=row["drug"],
        population=row["population"],
        strength=row["classification"],
        text=row["recommendation"],
        implications=row["implications"],
        genes={symbol: readable.get(symbol, key) for symbol, key in lookup.items()},
        verdict=verdict(row["recommendation"]),
        guideline=_guideline(row["guideline"]),
        comments=row.get("comments") or "",
    )

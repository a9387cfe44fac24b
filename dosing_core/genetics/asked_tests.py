"""Tests that are asked for before a drug is given, and what they could show.

Which test is required or recommended is the label's word as CPIC lists it (field ``fda_testing`` of its pair
table). It is asked for of everybody: a person's ancestry is never a stand-in for a test.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from dosing_core.genetics.advice import Verdict, guided_drug, rows_of
from dosing_core.genetics.catalogue import INDETERMINATE, NO_RESULT, recommendations, risk_alleles

_ASKED = {"Testing Required": "required", "Testing Recommended": "recommended"}
_GRAVITY: tuple[Verdict, ...] = ("avoid", "alternative", "adjust")


@dataclass(frozen=True)
class AskedTest:
    """One gene that is to be tested before the drug is given."""

    gene: str
    word: str
    """``required`` or ``recommended``."""
    what: str
    """What to test: the gene, or the allele of an HLA gene."""
    could_show: str
    """What results would change the advice, in words; empty if none would."""


@cache
def asked_tests(drug: str) -> tuple[AskedTest, ...]:
    """The tests that the drug's label asks for, of genes that its guideline speaks of."""
    known = guided_drug(drug)
    if known is None:
        return ()
    entry = next(one for one in recommendations()["drugs"] if one["name"] == known.name)
    return tuple(
        AskedTest(
            pair["gene"],
            _ASKED[pair["fda_testing"]],
            _what(known.name, pair["gene"]),
            _could_show(known.name, pair["gene"]),
        )
        for pair in entry["pairs"]
        if pair["fda_testing"] in _ASKED and pair["gene"] in known.genes
    )


def _what(drug: str, gene: str) -> str:
    alleles = [risk["allele"] for risk in risk_alleles() if risk["gene"] == gene and drug in risk["drugs"]]
    return " and ".join(f"{gene}{allele}" for allele in alleles) or gene


def _could_show(drug: str, gene: str) -> str:
    """The results that would ask for another drug or dose, the gravest word of each first."""
    worst: dict[str, int] = {}
    for row in rows_of(drug):
        alone = all(value == NO_RESULT for symbol, value in row.genes.items() if symbol != gene)
        name = row.genes.get(gene, NO_RESULT)
        if row.verdict not in _GRAVITY or not alone or name in (NO_RESULT, INDETERMINATE):
            continue
        worst[name] = min(worst.get(name, len(_GRAVITY)), _GRAVITY.index(row.verdict))
    words = ("avoid it", "another drug", "another dose or closer watching")
    groups = [
        f"{', '.join(sorted(name for name, place in worst.items() if place == index))}: {words[index]}"
        for index in range(len(_GRAVITY))
        if index in worst.values()
    ]
    return "; ".join(groups)

"""Single variants behind the common alleles: what a result that arrives as a variant says.

A single tag variant does not make a haplotype (``data/variants.json``). It decides something only where the
variant is the allele itself (DPYD, VKORC1, MT-RNR1 …) or where both copies carry one that only one allele
has.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from dosing_core.errors import UnreadableGenotype
from dosing_core.genetics.catalogue import Gene, gene
from dosing_core.genetics.diplotype import read_allele

_DATA = Path(__file__).with_name("data") / "variants.json"
_CHANGE = re.compile(r"(?:^|:)([cm]\.[^\s;,]+)")


@dataclass(frozen=True)
class Carried:
    """The allele that a variant stands for."""

    allele: str
    itself: bool
    """True if the variant is the allele; False if it is one of the variants that define it."""


def carried(symbol: str, identifiers: tuple[str, ...]) -> Carried:
    """The allele behind a variant named by rsID or HGVS of the coding or mitochondrial sequence.

    Raises ``UnreadableGenotype`` if none of the names is known, or if several alleles have it.
    """
    known = gene(symbol)
    if known is None:
        raise UnreadableGenotype(symbol, ", ".join(identifiers), "there is no content for this gene")
    for one in identifiers:
        if change := _CHANGE.search(one):
            try:
                return Carried(read_allele(known.symbol, change.group(1))[0], itself=True)
            except UnreadableGenotype:
                continue
    alleles = {name for one in identifiers for name in _by_rsid(known.symbol).get(one.strip().lower(), ())}
    if len(alleles) == 1:
        allele = alleles.pop()
        return Carried(allele, itself=not allele.startswith("*"))
    text = ", ".join(identifiers) or "without a name"
    if alleles:
        raise UnreadableGenotype(known.symbol, text, f"{', '.join(sorted(alleles))} have this variant")
    raise UnreadableGenotype(known.symbol, text, "this variant is not one that is known here")


def reference(known: Gene) -> str | None:
    """The allele without any variant, where a gene's alleles are single variants; None for star alleles."""
    return next((name for name in known.alleles if name == "Reference" or " reference (" in name), None)


@cache
def _by_rsid(symbol: str) -> dict[str, frozenset[str]]:
    with _DATA.open(encoding="utf-8") as file:
        listed = json.load(file)["genes"].get(symbol, {})
    found: dict[str, set[str]] = {}
    for allele, variants in listed.items():
        for variant in variants:
            found.setdefault(variant["rsid"], set()).add(allele)
    return {rsid: frozenset(alleles) for rsid, alleles in found.items()}

"""CPIC's alleles, phenotype rules and recommendations, read once from the package's data.

Provenance, version and licence (CC0) stand in each file's ``_meta``. Content is updated by CPIC: see the
primary source for the current text.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

_DATA = Path(__file__).with_name("data")
NO_RESULT = "No Result"
INDETERMINATE = "Indeterminate"
NOT_ASSIGNED = "n/a"
"""CPIC's activity value of an allele whose function is not known."""


@dataclass(frozen=True)
class Allele:
    """One allele as CPIC names it."""

    name: str
    function: str | None
    """CPIC's clinical function; None: named but not assigned."""
    activity: str | None
    """Activity value as CPIC writes it (``0.5``, ``≥3.0``, ``n/a``); only for genes with a score."""


@dataclass(frozen=True, eq=False)
class Gene:
    """One gene with its alleles and its way to a phenotype."""

    symbol: str
    alleles: dict[str, Allele]
    rule: dict[str, Any]
    """As in ``data/phenotypes.json``."""
    hgnc: str
    """``HGNC:2638``."""

    @property
    def method(self) -> str:
        """``function_pair``, ``activity_score``, ``single_allele``, ``single_variant``, ``allele_presence``
        or ``named_alleles_only``."""
        return str(self.rule["method"])

    @property
    def x_linked(self) -> bool:
        """True if men have one copy."""
        return bool(self.rule.get("x_linked", False))


def _load(name: str) -> dict[str, Any]:
    with (_DATA / f"{name}.json").open(encoding="utf-8") as file:
        loaded: dict[str, Any] = json.load(file)
    return loaded


@cache
def genes() -> dict[str, Gene]:
    """Every gene by its symbol."""
    named, rules = _load("alleles")["genes"], _load("phenotypes")["genes"]
    return {
        symbol: Gene(
            symbol,
            {
                name: Allele(name, one.get("function"), one.get("activity"))
                for name, one in entry["alleles"].items()
            },
            rules[symbol],
            entry["hgnc"],
        )
        for symbol, entry in named.items()
    }


def gene(symbol: str) -> Gene | None:
    """The gene of this symbol in any case, or None if CPIC has no content for it."""
    return genes().get(symbol.strip().upper())


@cache
def recommendations() -> dict[str, Any]:
    """Guidelines, drugs and recommendation rows, as in ``data/recommendations.json``."""
    return _load("recommendations")


@cache
def risk_alleles() -> tuple[dict[str, Any], ...]:
    """HLA alleles with the drugs and reactions that they stand for, as in ``data/hla.json``."""
    return tuple(_load("hla")["alleles"])

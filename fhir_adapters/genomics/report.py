"""``Report``: one thing that one genetic result states, before the results of a gene are held together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from dosing_core.case import Finding


@dataclass(frozen=True)
class Report:
    """What is stated of one gene."""

    gene: str
    kind: Literal["diplotype", "haplotype", "typing", "variant", "phenotype"]
    alleles: tuple[str, ...] = ()
    """CPIC's names. A haplotype has one, a typing the alleles found, a variant each copy that was seen."""
    name: str = ""
    """Of a phenotype, HLA statuses included."""
    complete: bool = True
    """Of a variant: whether both copies of what it decides are known."""
    time: datetime | None = None
    source: str = ""


@dataclass(frozen=True)
class Stated:
    """What one resource states, and what is to be said about it."""

    reports: tuple[Report, ...] = ()
    findings: tuple[Finding, ...] = ()


def excluded(detail: str, source: str) -> Finding:
    """Something genetic that was there and cannot be used."""
    return Finding(kind="excluded", about="genotypes", detail=detail, source=source)


def noted(detail: str, source: str) -> Finding:
    """Something that was read in another way than it was written."""
    return Finding(kind="note", about="genotypes", detail=detail, source=source)


def elsewhere(detail: str, source: str) -> Finding:
    """Something genetic that has nothing to do with any gene of the guidelines: kept apart, so that no
    drug's answer speaks of it."""
    return Finding(kind="excluded", about="other_genes", detail=detail, source=source)

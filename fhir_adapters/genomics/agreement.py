"""All reports of one gene, held together: the newest wins, and what contradicts it is shown."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from datetime import datetime

from dosing_core.case import Finding, Genotype, Phenotype
from dosing_core.genetics.catalogue import gene as known_gene
from dosing_core.genetics.variants import reference
from fhir_adapters.genomics.reading import spelt
from fhir_adapters.genomics.report import Report, excluded


def agreed(reports: Sequence[Report]) -> tuple[list[Genotype], list[Phenotype], list[Finding]]:
    """One genotype a gene, and one phenotype; of HLA one status an allele."""
    genotypes: list[Genotype] = []
    phenotypes: list[Phenotype] = []
    findings: list[Finding] = []
    for gene in sorted({one.gene for one in reports}):
        mine = sorted((one for one in reports if one.gene == gene), key=lambda one: one.source)
        whole = _of(mine, "diplotype") + _of(mine, "typing")
        whole = whole or _joined(gene, _of(mine, "haplotype"), findings)
        whole = whole or _gathered(gene, _of(mine, "variant"))
        if (best := _newest(gene, whole, lambda one: one.alleles, findings)) is not None:
            said = spelt(gene, best.alleles)
            genotypes.append(Genotype(gene=gene, diplotype=said, time=best.time, source=best.source))
        named = _of(mine, "phenotype")
        for about in sorted({_allele(one) for one in named}):
            own = [one for one in named if _allele(one) == about]
            if (best := _newest(gene, own, lambda one: one.name, findings)) is not None:
                phenotypes.append(
                    Phenotype(gene=gene, phenotype=best.name, time=best.time, source=best.source)
                )
    return genotypes, phenotypes, findings


def _of(reports: Sequence[Report], kind: str) -> list[Report]:
    return [one for one in reports if one.kind == kind]


def _allele(report: Report) -> str:
    """Which allele a status is of; empty for a phenotype."""
    return report.name.rpartition(" ")[0] if report.gene.startswith("HLA-") else ""


def _newest(
    gene: str, reports: Sequence[Report], said: Callable[[Report], Hashable], findings: list[Finding]
) -> Report | None:
    """The newest report; None where two of them differ and neither is newer."""
    if not reports:
        return None
    latest = max((one.time for one in reports if one.time is not None), default=None)
    newest = [one for one in reports if one.time == latest]
    unlike = {said(one) for one in reports}
    if len(unlike) == 1:
        return newest[0]
    kept = newest[0] if len({said(one) for one in newest}) == 1 and latest is not None else None
    texts = dict.fromkeys(one.name or spelt(gene, one.alleles) for one in reports)
    used = "the newest was used" if kept else "neither was used"
    detail = f"{gene} is reported as {' and as '.join(sorted(texts))}; {used}"
    findings.append(Finding(kind="conflict", about="genotypes", detail=detail, source=reports[-1].source))
    return kept


def _last(reports: Sequence[Report]) -> list[Report]:
    """Those of the newest day on which any was reported."""

    def day(report: Report) -> datetime | None:
        return report.time.replace(hour=0, minute=0, second=0, microsecond=0) if report.time else None

    days = [one for one in map(day, reports) if one is not None]
    latest = max(days, default=None)
    return [one for one in reports if day(one) == latest]


def _joined(gene: str, haplotypes: Sequence[Report], findings: list[Finding]) -> list[Report]:
    """The diplotype or typing that the single alleles of one day make."""
    if not haplotypes:
        return []
    last = _last(haplotypes)
    alleles = tuple(sorted(allele for one in last for allele in one.alleles))
    most = 2
    if len(alleles) > most:
        detail = (
            f"{gene} is reported with {len(alleles)} alleles ({', '.join(alleles)}) where there are 2 copies"
        )
        findings.append(excluded(detail, last[-1].source))
        return []
    known = known_gene(gene)
    single = known is not None and (known.x_linked or known.method == "single_allele")
    if len(alleles) < most and not single:
        detail = f"only {gene} {alleles[0]} is reported, which says nothing about the other copy; left out"
        findings.append(excluded(detail, last[-1].source))
        return []
    return [replace(last[-1], kind="diplotype", alleles=alleles)]


def _gathered(gene: str, variants: Sequence[Report]) -> list[Report]:
    """The diplotype that the variants of one day make: each is taken to lie on its own copy (CPIC for DPYD),
    and a copy without any is the reference."""
    if not variants:
        return []
    known = known_gene(gene)
    last = _last(variants)
    plain = reference(known) if known is not None else None
    carried = [allele for one in last for allele in one.alleles if allele != plain]
    if known is not None and (known.method == "single_allele" or known.x_linked):
        return [replace(last[-1], kind="diplotype", alleles=tuple(carried or last[-1].alleles))]
    while len(carried) < 2 and plain is not None:
        carried.append(plain)
    return [replace(last[-1], kind="diplotype", alleles=tuple(carried))]

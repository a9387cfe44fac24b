"""Reads genotype Observations: a diplotype in star alleles of a gene that a model asks for."""

from __future__ import annotations

import re
from collections.abc import Iterable

from dosing_core.case import Finding, Genotype
from fhir_adapters.elements import Resource, codings, items, moment, source, text, word, wordings
from fhir_adapters.labs import FINAL
from fhir_adapters.subject import of_another
from fhir_adapters.terminology.loinc import SYSTEMS, gene_studied, genes, genotype_codes
from fhir_adapters.terminology.words import words_in

_DIPLOTYPE = re.compile(r"(?<![*/])(\*\d{1,3})\s?/\s?(\*\d{1,3})(?![\w*./])")


def read_genotype(resource: Resource, *, patient_id: str) -> tuple[Genotype | None, list[Finding]]:
    """The genotype that an Observation reports; None, without a finding, if it is about something else."""
    if not any(c.system in SYSTEMS and c.code in genotype_codes() for c in codings(resource.get("code"))):
        return None, []
    said = (
        *wordings(resource.get("valueCodeableConcept")),
        *filter(None, [text(resource.get("valueString"))]),
    )
    named = _genes(resource, said)
    if not named:
        return None, []
    gene = next(iter(named))
    origin = source(resource)
    if (foreign := of_another(resource, patient_id, "genotypes")) is not None:
        return None, [foreign]
    if len(named) > 1:
        return None, [_excluded("a genotype names more than one gene; left out", origin)]
    if word(resource.get("status")) not in FINAL:
        return None, [_excluded(f"a {gene} genotype that is not final; left out", origin)]
    found = {_in_order(*match) for one in said for match in _DIPLOTYPE.findall(one)}
    if len(found) != 1:
        return None, [_excluded(f"a {gene} genotype that states no single diplotype; left out", origin)]
    when = moment(resource.get("effectiveDateTime")) or moment(resource.get("issued"))
    return Genotype(
        gene=gene, diplotype=found.pop(), time=when.instant if when else None, source=origin
    ), []  # fmt: skip


def agreed(genotypes: Iterable[Genotype]) -> tuple[tuple[Genotype, ...], list[Finding]]:
    """One genotype a gene: genes do not change, so two different reports mean that one is wrong."""
    kept: list[Genotype] = []
    findings: list[Finding] = []
    by_gene: dict[str, list[Genotype]] = {}
    for genotype in sorted(genotypes, key=lambda g: (g.gene, g.source)):
        by_gene.setdefault(genotype.gene, []).append(genotype)
    for gene, reported in by_gene.items():
        diplotypes = sorted({one.diplotype for one in reported})
        if len(diplotypes) == 1:
            kept.append(reported[0])
        else:
            detail = f"{gene} is reported as {' and as '.join(diplotypes)}; neither was used"
            findings.append(
                Finding(kind="conflict", about="genotypes", detail=detail, source=reported[-1].source)
            )
    return tuple(kept), findings


def _genes(resource: Resource, said: tuple[str, ...]) -> set[str]:
    symbols = set(genes().values())
    component = next(
        (
            part.get("valueCodeableConcept")
            for part in items(resource.get("component"))
            if any(c.code == gene_studied() for c in codings(part.get("code")))
        ),
        None,
    )
    if component is not None:
        named = {genes()[c.code] for c in codings(component) if c.code in genes()}
        spelt = {symbol.lower(): symbol for symbol in symbols}
        said_there = (word for one in wordings(component) for word in words_in(one, tuple(sorted(spelt))))
        return named or {spelt[word] for word in said_there}
    words = (*said, *wordings(resource.get("code")))
    return {s for s in symbols if any(re.search(rf"(?<!\w){s}(?!\d|[A-Z])", word) for word in words)}


def _in_order(one: str, other: str) -> str:
    return "/".join(sorted((one, other), key=lambda allele: int(allele[1:])))


def _excluded(detail: str, origin: str) -> Finding:
    return Finding(kind="excluded", about="genotypes", detail=detail, source=origin)

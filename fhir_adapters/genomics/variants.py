"""Variants: a change of the sequence, whether it is there, and on how many copies."""

from __future__ import annotations

import re

from dosing_core.case import Finding
from dosing_core.errors import UnreadableGenotype
from dosing_core.genetics.catalogue import gene as known_gene
from dosing_core.genetics.variants import carried, reference
from fhir_adapters.elements import Resource, codings, items, text
from fhir_adapters.genomics.report import Report, Stated, elsewhere, excluded, noted
from fhir_adapters.terminology.genetics import answers, is_code, presence

_IDENTIFIERS = frozenset({"81255-2", "81252-9", "48004-6", "81290-9", "82154-6"})
"""dbSNP and other variation ids, c.HGVS, g.HGVS."""
_NAMED = re.compile(r"\brs\d+\b|\b(?:NM_[\d.]+:)?c\.[\w+>_-]+|\bm\.\d+[ACGT]>[ACGT]", re.IGNORECASE)
_COPIES = {"homozygous": 2, "heterozygous": 1, "hemizygous": 1, "homoplasmic": 1, "heteroplasmic": 1}


def is_somatic(resource: Resource) -> bool:
    """Whether the result is of a tumour."""
    return any("somatic" in one.lower() for one in _said(resource, "source_class"))


def read_variant(resource: Resource, gene: str, origin: str) -> Stated:
    """What one variant says of this gene."""
    if is_somatic(resource):
        detail = f"a somatic variant of {gene} says nothing about how the body handles a drug; left out"
        return Stated(findings=(elsewhere(detail, origin),))
    names = _identifiers(resource)
    there = presence(answers(resource.get("valueCodeableConcept")))
    known = known_gene(gene)
    if known is None or there is None:
        return _left_out(gene, origin, f"a {gene} variant that is not said to be there or not; left out")
    try:
        found = carried(gene, names)
    except UnreadableGenotype as error:
        return _left_out(gene, origin, f"a {gene} variant is not used: {error.problem}")
    plain = reference(known)
    if not there:
        if known.method == "single_variant" and plain:
            return _stated(gene, (plain, plain), origin)
        detail = f"{gene} {found.allele} was looked for and not found, which leaves other variants open"
        return Stated(findings=(noted(detail, origin),))
    state = next((one for one in map(str.lower, _said(resource, "allelic_state")) if one in _COPIES), None)
    if known.method == "single_allele":
        notes: list[Finding] = []
        if state == "heteroplasmic":
            notes = [
                noted(f"{gene} {found.allele} is on a part of the copies only; it counts in full", origin)
            ]
        return _stated(gene, (found.allele,), origin, notes)
    if state is None:
        return _left_out(
            gene, origin, f"{gene} {found.allele} is there, but not on how many copies; left out"
        )
    if _COPIES[state] == 2:
        said = [] if found.itself else [_only(gene, found.allele, origin)]
        return _stated(gene, (found.allele, found.allele), origin, said)
    if state == "hemizygous" and known.x_linked:
        return _stated(gene, (found.allele,), origin)
    if found.itself and plain is not None:
        rest: list[Finding] = []
        if known.method != "single_variant" and len(known.alleles) > 2:
            rest = [noted(f"{gene} variants that are not reported were taken as not there", origin)]
        return _stated(gene, (found.allele,), origin, rest)
    detail = f"one copy of {gene} carries a variant of {found.allele}, which does not say what the other is"
    return _left_out(gene, origin, detail)


def _only(gene: str, allele: str, origin: str) -> Finding:
    return noted(f"{gene} {allele}/{allele} was read from one variant on both copies", origin)


def _stated(gene: str, alleles: tuple[str, ...], origin: str, said: list[Finding] | None = None) -> Stated:
    report = Report(gene, "variant", alleles, source=origin)
    return Stated((report,), tuple(said or ()))


def _left_out(gene: str, origin: str, detail: str) -> Stated:
    return Stated(findings=(excluded(detail, origin),))


def _identifiers(resource: Resource) -> tuple[str, ...]:
    found: list[str] = []
    for part in items(resource.get("component")):
        if not any(c.code in _IDENTIFIERS for c in codings(part.get("code"))):
            continue
        value = part.get("valueCodeableConcept")
        found += [one for c in codings(value) for one in (c.code, c.display) if one]
        found += [one for one in (text(part.get("valueString")),) if one]
    for one in answers(resource.get("code")):
        found += _NAMED.findall(one)
    return tuple(dict.fromkeys(found))


def _said(resource: Resource, name: str) -> tuple[str, ...]:
    """The value of a component in words."""
    return tuple(
        word
        for part in items(resource.get("component"))
        if is_code(part.get("code"), name)
        for word in answers(part.get("valueCodeableConcept"))
    )

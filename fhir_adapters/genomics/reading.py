"""One genetic Observation: what it states of which gene."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dosing_core.errors import UnreadableGenotype
from dosing_core.genetics.catalogue import gene as known_gene
from fhir_adapters.elements import Resource, codings, items, number, text, word, wordings
from fhir_adapters.genomics.gene import named_gene
from fhir_adapters.genomics.implications import read_implication
from fhir_adapters.genomics.report import Report, Stated, elsewhere, excluded, noted
from fhir_adapters.genomics.stars import counted, diplotype_in, haplotype_in, in_order, phenotype_in
from fhir_adapters.genomics.typings import statuses_in, typing_in
from fhir_adapters.genomics.variants import is_somatic, read_variant
from fhir_adapters.labs import FINAL
from fhir_adapters.terminology.genetics import answers, is_code, kinds, of_a_gene, symbols_in

GL_STRING = "http://glstring.org"
_COMPONENT = "Observation.component"


def read_observation(resource: Resource, origin: str, genes: Mapping[str, str]) -> Stated:
    """What an Observation states, its components that are results of their own included."""
    if word(resource.get("status")) not in FINAL:
        about = named_gene(resource, values(resource)).gene
        said = f"a {about} result" if about else "a genetic result"
        return Stated(findings=(excluded(f"{said} that is not final; left out", origin),))
    kind = kinds(codings(resource.get("code")))
    if "implication" in kind:
        return read_implication(resource, origin, genes)
    parts = [_read_part(part, origin) for part in items(resource.get("component")) if _is_result(part)]
    own = _read_one(resource, kind, origin) if values(resource) or not parts else Stated()
    every = (own, *parts)
    return Stated(
        tuple(report for one in every for report in one.reports),
        tuple(finding for one in every for finding in one.findings),
    )


def values(resource: Resource) -> tuple[str, ...]:
    """What the value says: text, displays, and codes that are themselves written in alleles."""
    concept = resource.get("valueCodeableConcept")
    spelt = [
        c.code.replace("_*", "*")
        for c in codings(concept)
        if c.code and ("*" in c.code or c.system == GL_STRING)
    ]
    plain = [text(resource.get("valueString"))]
    if isinstance(resource.get("valueBoolean"), bool):
        plain.append("positive" if resource["valueBoolean"] else "negative")
    return tuple(dict.fromkeys(one for one in (*answers(concept), *spelt, *plain) if one))


def _is_result(part: Resource) -> bool:
    """Whether a component is a result of its own, as in a panel: a genotype, or a test of one gene."""
    found = codings(part.get("code"))
    return bool(kinds(found) & {"genotype"} or of_a_gene(found) or symbols_in(wordings(part.get("code"))))


def _read_part(part: Resource, origin: str) -> Stated:
    return _read_one({"resourceType": _COMPONENT, **part}, kinds(codings(part.get("code"))), origin)


def _read_one(resource: Resource, kind: Iterable[str], origin: str) -> Stated:
    said = values(resource)
    named = named_gene(resource, said)
    if named.gene is None:
        if named.other or is_somatic(resource):
            detail = "a genetic result of a gene without drug advice; left out"
            return Stated(findings=(elsewhere(detail, origin),))
        return Stated(findings=(excluded(f"a genetic result is left out: {named.problem}", origin),))
    if "variant" in kind:
        return read_variant(resource, named.gene, origin)
    if not said and "interpretation" not in resource:
        if "valueQuantity" in resource:
            return Stated()
        return Stated(findings=(excluded(f"a {named.gene} result without a value; left out", origin),))
    try:
        stated = (
            _hla(resource, named.gene, said, origin)
            if named.gene.startswith("HLA-")
            else _alleles(resource, named.gene, said, "haplotype" in kind, origin)
        )
    except UnreadableGenotype as error:
        detail = f"a {named.gene} result is left out: {error.problem}"
        return Stated(findings=(excluded(detail, origin),))
    notes = tuple(noted(one, origin) for one in named.notes)
    return Stated(stated.reports, (*stated.findings, *notes))


def _hla(resource: Resource, gene: str, said: tuple[str, ...], origin: str) -> Stated:
    tests = of_a_gene(codings(resource.get("code")))
    tested = [*wordings(resource.get("code")), *(test["allele"] for test in tests if "allele" in test)]
    told = (*said, *answers(resource.get("interpretation")))
    if statuses := statuses_in(gene, tested, told):
        return Stated(tuple(Report(gene, "phenotype", name=one, source=origin) for one in statuses))
    concept = resource.get("valueCodeableConcept")
    gl_string = any(c.system == GL_STRING for c in codings(concept))
    alleles = typing_in(gene, [one for one in said if any(ch.isdigit() for ch in one)] or said, gl_string)
    findings = [
        noted(f"{gene} {one} is typed at one field, which does not settle a risk allele", origin)
        for one in alleles
        if ":" not in one
    ]
    return Stated((Report(gene, "typing", alleles, source=origin),), tuple(findings))


def _alleles(resource: Resource, gene: str, said: tuple[str, ...], haplotype: bool, origin: str) -> Stated:
    copies = _copies(resource)
    if haplotype:
        allele, notes = haplotype_in(gene, said)
        if copies is not None and copies > 1:
            allele = haplotype_in(gene, (f"{allele}x{copies}",))[0]
        found = Report(gene, "haplotype", (allele,), source=origin)
        return Stated((found,), tuple(noted(one, origin) for one in notes))
    told = (*said, *answers(resource.get("interpretation")))
    reports: list[Report] = []
    named = phenotype_in(gene, told)
    notes = ()
    try:
        alleles, notes = diplotype_in(gene, said)
        alleles = counted(gene, alleles, copies)
        reports.append(Report(gene, "diplotype", alleles, source=origin))
    except UnreadableGenotype:
        if named is None or any("*" in one for one in said):
            raise
    if named is not None:
        reports.append(Report(gene, "phenotype", name=named.phenotype, source=origin))
    return Stated(tuple(reports), tuple(noted(one, origin) for one in notes))


def _copies(resource: Resource) -> int | None:
    """Copies of the gene, where a component counts them."""
    for part in items(resource.get("component")):
        if is_code(part.get("code"), "copy_number"):
            quantity = part.get("valueQuantity")
            value = number(quantity.get("value")) if isinstance(quantity, dict) else None
            if value is not None and value == int(value) and 0 < value < 20:
                return int(value)
    return None


def spelt(gene: str, alleles: tuple[str, ...]) -> str:
    """A diplotype as a Case holds it: ``*1/*4``; of a single variant its two bases, ``rs9923231 C/T``."""
    known = known_gene(gene)
    ordered = in_order(alleles)
    if known is not None and known.method == "single_variant":
        return f"{known.rule['rsid']} {'/'.join(one[-2] for one in ordered)}"
    return "/".join(ordered)

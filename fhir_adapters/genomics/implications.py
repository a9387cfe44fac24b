"""Therapeutic implications: what a laboratory concludes for one drug, and what that says of the gene."""

from __future__ import annotations

from collections.abc import Mapping

from dosing_core.errors import UnreadableGenotype
from dosing_core.genetics.advice import guided_drug
from dosing_core.genetics.named import named_phenotype
from fhir_adapters.elements import Resource, codings, items
from fhir_adapters.genomics.report import Report, Stated, elsewhere, excluded
from fhir_adapters.genomics.resources import references
from fhir_adapters.genomics.stars import phenotype_in
from fhir_adapters.terminology.genetics import answers, gene_of, is_code, kinds

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"


def read_implication(resource: Resource, origin: str, genes: Mapping[str, str]) -> Stated:
    """The phenotype in an implication. ``genes``: which gene an Observation of this id is about.

    The gene is the one of the result that it rests on; where that is not at hand, the only gene of the drug
    that can have such a phenotype.
    """
    said = _concluded(resource)
    drug = _drug(resource)
    if not said:
        return Stated(findings=(elsewhere("a therapeutic implication without a finding; left out", origin),))
    about = f"{said[0]} for {drug}" if drug else said[0]
    candidates = _genes(resource, genes, drug)
    if any("risk" in one.lower() for one in said):
        detail = f'a laboratory concludes "{about}", without the allele that it found; left out'
        return Stated(findings=(excluded(detail, origin),))
    possible = [gene for gene in candidates if _has(gene, said)]
    if len(possible) == 1:
        result = phenotype_in(possible[0], said)
        if result is not None:
            return Stated((Report(possible[0], "phenotype", name=result.phenotype, source=origin),))
    genes_named = ", ".join(candidates) or "no gene"
    detail = f'a laboratory concludes "{about}", which fits no result of {genes_named}; left out'
    return Stated(findings=(excluded(detail, origin),))


def _has(gene: str, said: tuple[str, ...]) -> bool:
    for one in said:
        try:
            named_phenotype(gene, one)
        except UnreadableGenotype:
            return False
    return True


def _genes(resource: Resource, genes: Mapping[str, str], drug: str | None) -> tuple[str, ...]:
    studied: set[str] = set()
    for part in items(resource.get("component")):
        if is_code(part.get("code"), "gene_studied"):
            studied |= gene_of(part.get("valueCodeableConcept"))[0]
    rests = {genes[one] for one in references(resource) if one in genes}
    if found := studied or rests:
        return tuple(sorted(found))
    guided = guided_drug(drug) if drug else None
    return guided.genes if guided else ()


def _concluded(resource: Resource) -> tuple[str, ...]:
    values = [
        part.get("valueCodeableConcept")
        for part in items(resource.get("component"))
        if "implication" in kinds(codings(part.get("code")))
    ]
    values.append(resource.get("valueCodeableConcept"))
    return tuple(dict.fromkeys(one for value in values for one in _once(answers(value))))


def _once(said: tuple[str, ...]) -> tuple[str, ...]:
    """One wording of each, whatever its capitals."""
    return tuple({one.casefold(): one for one in said}.values())


def _drug(resource: Resource) -> str | None:
    """The drug assessed, by a guideline's name; None if no guideline has rows for it."""
    for part in items(resource.get("component")):
        if not is_code(part.get("code"), "medication_assessed"):
            continue
        value = part.get("valueCodeableConcept")
        names = [c.code for c in codings(value) if c.system == RXNORM and c.code]
        for name in (*names, *answers(value)):
            if (found := guided_drug(name)) is not None:
                return found.name
    return None

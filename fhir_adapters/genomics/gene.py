"""Which gene a genetic result is about. The component or extension that names the gene wins over the code of
the test; words count where neither names one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fhir_adapters.elements import Resource, codings, items, wordings
from fhir_adapters.genomics.resources import gene_extension
from fhir_adapters.terminology.genetics import gene_of, is_code, of_a_gene, symbols_in


@dataclass(frozen=True)
class Named:
    """The gene, or why there is none."""

    gene: str | None = None
    other: bool = False
    """True if it is about a gene of which no guideline speaks."""
    problem: str = ""
    notes: tuple[str, ...] = ()


def named_gene(resource: Resource, said: Sequence[str]) -> Named:
    """The gene of an Observation whose value says ``said``."""
    studied = [
        part.get("valueCodeableConcept") or {"text": part.get("valueString")}
        for part in items(resource.get("component"))
        if is_code(part.get("code"), "gene_studied")
    ]
    if (extension := gene_extension(resource)) is not None:
        studied.append(extension)
    genes: set[str] = set()
    others = False
    for concept in studied:
        found, anything = gene_of(concept)
        genes |= found
        others |= anything and not found
    tests = {test["gene"] for test in of_a_gene(codings(resource.get("code")))}
    spoken = symbols_in(said)
    if len(genes) > 1 and len(genes & spoken) == 1:
        genes &= spoken  # a panel's genes, of which the value names one
    if len(genes) > 1:
        return Named(problem=f"it names more than one gene ({', '.join(sorted(genes))})")
    if genes:
        return _studied(genes.pop(), tests, spoken)
    if others:
        return Named(other=True)
    for found in (tests, spoken, symbols_in(wordings(resource.get("code")))):
        if len(found) == 1:
            return Named(next(iter(found)))
        if found:
            return Named(problem=f"it names more than one gene ({', '.join(sorted(found))})")
    return Named(problem="it does not say which gene it is about")


def _studied(gene: str, tests: set[str], spoken: set[str]) -> Named:
    if spoken and gene not in spoken:
        other = ", ".join(sorted(spoken))
        return Named(problem=f"the gene studied is {gene}, but the value speaks of {other}")
    notes: tuple[str, ...] = ()
    if tests and gene not in tests:
        said = f"a test for {', '.join(sorted(tests))} names {gene} as the gene studied; read as {gene}"
        notes = (said,)
    return Named(gene, notes=notes)

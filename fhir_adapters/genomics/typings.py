"""HLA typings in the words of laboratories: single alleles, pairs, GL Strings, and tests for one allele."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from dosing_core.errors import UnreadableGenotype
from dosing_core.genetics.catalogue import risk_alleles
from dosing_core.genetics.hla import two_fields
from fhir_adapters.genomics.stars import without_quotes
from fhir_adapters.terminology.genetics import presence

_TYPED = re.compile(
    r"(?:HLA-?)?(?P<locus>[A-Z]{1,2}\d?)?(?P<star>\*)?(?P<fields>\d{2,4}(?::\d{2,3})*)[NLSCAQ]?(?![\d:])",
    re.IGNORECASE,
)
_GL = re.compile(r"^(?:hla#[\d.]+#)?(?=.*\*)", re.IGNORECASE)


def typing_in(gene: str, said: Sequence[str], gl_string: bool) -> tuple[str, ...]:
    """The alleles of this locus that the texts name, at the fields that they give (two at most).

    ``gl_string``: the texts are GL Strings, in which ``+`` joins the two copies and ``/`` and ``|`` leave
    open which of several alleles it is. Raises ``UnreadableGenotype``.
    """
    found: dict[tuple[str, ...], None] = {}
    problem: UnreadableGenotype | None = None
    for one in said:
        text = without_quotes(one)
        try:
            found[tuple(sorted(_gl(gene, text) if gl_string or "+" in text else _plain(gene, text)))] = None
        except UnreadableGenotype as error:
            problem = problem or error
    readings = [one for one in found if not any(one != more and set(one) < set(more) for more in found)]
    if len(readings) == 1:
        return readings[0]
    if readings:
        named = " and ".join("/".join(one) for one in readings)
        raise UnreadableGenotype(gene, "; ".join(said), f"it names {named}")
    raise problem or UnreadableGenotype(gene, "; ".join(said), "nothing is written")


def _plain(gene: str, text: str) -> list[str]:
    locus = gene.removeprefix("HLA-")
    alleles: list[str] = []
    for match in _TYPED.finditer(text):
        named = (match["locus"] or "").upper()
        if not named and not match["star"] and ":" not in match["fields"]:
            continue  # a bare number
        if named and named != locus:
            raise UnreadableGenotype(gene, text, f"it is a typing of HLA-{named}")
        alleles.append(two_fields(gene, f"{'*' if match['star'] else ''}{match['fields']}"))
    if not alleles:
        raise UnreadableGenotype(gene, text, "it is no HLA typing")
    if len(alleles) > 2:
        raise UnreadableGenotype(gene, text, f"{len(alleles)} alleles where there are 2 copies")
    return alleles


def _gl(gene: str, text: str) -> list[str]:
    """A GL String (Milius et al. 2013): ``^`` joins loci, ``|`` genotypes that may be, ``+`` copies, ``/``
    alleles that a copy may be. What is left open is cut to the fields that all alternatives share."""
    body = _GL.sub("", text)
    body = body.rsplit("#", 1)[-1]
    mine = [part for part in body.split("^") if f"{gene.removeprefix('HLA-')}*" in part.upper()]
    if not mine:
        raise UnreadableGenotype(gene, text, "it is a typing of another locus")
    genotypes = [[copy.split("/") for copy in genotype.split("+")] for genotype in mine[0].split("|")]
    if any(len(copies) > 2 for copies in genotypes):
        raise UnreadableGenotype(gene, text, "more than two alleles where there are 2 copies")
    widest = max(len(copies) for copies in genotypes)
    if len(genotypes) > 1:
        together = [one for copies in genotypes for copy in copies for one in copy]
        named = {two_fields(gene, one.strip()) for one in together}
        if len(named) <= widest:
            return sorted(named)
        raise UnreadableGenotype(gene, text, "several genotypes are left open")
    return [_shared(gene, copy, text) for copy in genotypes[0]]


def _shared(gene: str, alternatives: Sequence[str], text: str) -> str:
    named = {two_fields(gene, one.strip()) for one in alternatives}
    if len(named) == 1:
        return named.pop()
    first = {one.partition(":")[0] for one in named}
    if len(first) == 1:
        return first.pop()
    raise UnreadableGenotype(gene, text, "which allele it is, is left open")


def statuses_in(gene: str, tested: Iterable[str], said: Sequence[str]) -> tuple[str, ...]:
    """``*57:01 positive`` or ``… negative`` for each allele that was tested for; empty if the words tell of
    none, so that they may be a typing.

    ``tested``: what the code of the test calls itself. Raises ``UnreadableGenotype`` where an allele is said
    not to be there and nobody can tell which, and for an allele of which no guideline speaks.
    """
    if presence(said) is None:
        return ()
    clauses = [clause for one in said for clause in re.split(r"[;\n]|,\s", one) if clause.strip()]
    told = [(alleles, presence([clause])) for clause in clauses if (alleles := _named(gene, clause))]
    if len(told) > 1 and all(len(set(alleles)) == 1 and found is not None for alleles, found in told):
        each = dict.fromkeys(_status(gene, alleles[0], bool(found)) for alleles, found in told)
        return tuple(each)
    named = {allele for one in (*tested, *said) for allele in _named(gene, one)}
    if len(named) == 1:
        return (_status(gene, named.pop(), bool(presence(said))),)
    if presence(said) is False:
        raise UnreadableGenotype(gene, "; ".join(said), "it does not say which allele is not there")
    return ()


def _status(gene: str, allele: str, found: bool) -> str:
    for risk in risk_alleles():
        if risk["gene"] == gene and risk["allele"] == allele:
            return str(risk["lookup_positive" if found else "lookup_negative"])
    raise UnreadableGenotype(gene, allele, "no guideline speaks of this allele")


def _named(gene: str, text: str) -> list[str]:
    try:
        return [one for one in _plain(gene, without_quotes(text)) if ":" in one]
    except UnreadableGenotype:
        return []

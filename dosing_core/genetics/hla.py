"""HLA typings: whether a risk allele is there, is not there, or was not settled."""

from __future__ import annotations

import re
from collections.abc import Sequence

from dosing_core.errors import UnreadableGenotype
from dosing_core.genetics.catalogue import risk_alleles
from dosing_core.genetics.phenotype import GeneResult

_TYPED = re.compile(r"^\*?(\d{2,3}):?(\d{2,3})?((?::\d{2,3})*)[A-Z]?$")


def hla_result(gene: str, typings: Sequence[str]) -> GeneResult:
    """What a typing of one locus says about the risk alleles of that gene.

    ``typings``: the alleles found, such as ``*57:01``, ``HLA-B*57:01:01:02``, ``B*5701``. A risk allele among
    them is positive; two other alleles at two fields make it negative. A typing at one field (``B57``)
    settles neither. Raises ``UnreadableGenotype`` for a text that is no typing and for more than two alleles.
    """
    symbol = gene.strip().upper()
    risks = [entry for entry in risk_alleles() if entry["gene"] == symbol]
    if not risks:
        raise UnreadableGenotype(gene, " + ".join(typings), "no risk allele of this locus has advice")
    if len(typings) > 2:
        raise UnreadableGenotype(
            symbol, " + ".join(typings), f"{len(typings)} alleles where there are 2 copies"
        )
    fields = [two_fields(symbol, typing) for typing in typings]
    coarse = [typing for typing, field in zip(typings, fields, strict=True) if ":" not in field]
    keys, notes = set(), []
    for risk in risks:
        allele = str(risk["allele"])
        if allele in fields:
            keys.add(str(risk["lookup_positive"]))
        elif len(fields) == 2 and not any(_may_be(field, allele) for field in fields):
            keys.add(str(risk["lookup_negative"]))
    if coarse:
        notes.append(f"{', '.join(coarse)}: typed at one field, which does not settle a risk allele")
    if len(fields) == 1 and not keys:
        notes.append("one allele typed: the other copy is not known")
    alleles = tuple(fields)
    return GeneResult(
        symbol, alleles, phenotype=", ".join(sorted(keys)), keys=frozenset(keys), notes=tuple(notes)
    )


def two_fields(symbol: str, typing: str) -> str:
    """The first two fields of a typing, ``*57:01``; one field stays one, ``*57``.

    Raises ``UnreadableGenotype`` if it is no typing of this locus.
    """
    text = typing.strip().strip("\"'").upper().removeprefix("HLA-")
    locus = symbol.removeprefix("HLA-")
    if text[:1].isalpha() and not text.startswith(locus):
        raise UnreadableGenotype(symbol, typing, "it is a typing of another locus")
    text = text.removeprefix(locus)
    digits = text.removeprefix("*")
    if digits.isdigit() and len(digits) == 4:  # B*5701, before the colons came
        return f"*{digits[:2]}:{digits[2:]}"
    match = _TYPED.match(text)
    if match is None:
        raise UnreadableGenotype(symbol, typing, "it is no HLA typing")
    return f"*{match.group(1)}:{match.group(2)}" if match.group(2) else f"*{match.group(1)}"


def _may_be(field: str, allele: str) -> bool:
    """True if a typing at one field leaves the allele open."""
    return ":" not in field and allele.startswith(f"{field}:")

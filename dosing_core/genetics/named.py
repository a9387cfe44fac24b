"""Phenotypes by name, as laboratories write them: ``poor metaboliser``, ``Ultra-rapid``, ``G6PD deficient``.

A name alone stands for less than a diplotype: where CPIC looks advice up by activity score, a name stands
for all scores that bear it.
"""

from __future__ import annotations

import re
from functools import cache

from dosing_core.errors import UnreadableGenotype
from dosing_core.genetics.catalogue import Gene, gene
from dosing_core.genetics.phenotype import GeneResult

_OLDER = {"extensive": "normal", "ultra rapid": "ultrarapid", "ultra-rapid": "ultrarapid"}
"""``Extensive metabolizer`` is what normal ones were called before CPIC's standard terms (Caudle et al. 2017,
doi:10.1038/gim.2016.87)."""
_KIN = ("metabolizer", "function")


def named_phenotype(symbol: str, written: str) -> GeneResult:
    """What a phenotype's name says of this gene.

    Raises ``UnreadableGenotype`` for a gene without content, and for a name that none of the gene's results
    bears.
    """
    known = gene(symbol)
    if known is None:
        raise UnreadableGenotype(symbol, written, "there is no content for this gene")
    wanted = folded(written)
    for name, keys in _results(known.symbol).items():
        if folded(name) == wanted:
            return GeneResult(known.symbol, (), name, keys)
    raise UnreadableGenotype(known.symbol, written, f"{known.symbol} has no such phenotype")


def results_named(symbol: str) -> tuple[str, ...]:
    """The names of a gene's results, HLA statuses included; empty for a gene without content."""
    return tuple(_results(symbol.strip().upper()))


def folded(written: str) -> str:
    """Lower case, one blank, American spelling, today's terms; the gene's kin of words may be left out."""
    text = " ".join(written.casefold().replace("metaboliser", "metabolizer").split())
    for older, today in _OLDER.items():
        text = re.sub(rf"\b{older}\b", today, text)
    for word in _KIN:
        text = text.removesuffix(word).strip()
    return text


@cache
def _results(symbol: str) -> dict[str, frozenset[str]]:
    """Name: the keys by which advice is found."""
    known = gene(symbol)
    if known is None:
        return {}
    found: dict[str, set[str]] = {}
    for entry in known.rule.get("results", ()):
        found.setdefault(str(entry["result"]), set()).add(_key(known, entry))
    for name in known.rule.get("map", {}).values():
        found.setdefault(str(name), set()).add(str(name))
    return {name: frozenset(keys) for name, keys in found.items()}


def _key(known: Gene, entry: dict[str, str]) -> str:
    return str(entry["activity_score"] if known.method == "activity_score" else entry["result"])

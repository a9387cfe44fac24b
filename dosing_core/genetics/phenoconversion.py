"""Phenoconversion: a drug that blocks an enzyme makes its carrier a poor metaboliser while it is taken.

Which drugs do so stands with its source in ``data/inhibitors.json``. A converted result has an activity score
of 0, whatever was typed; of an ultrarapid metaboliser both results are kept, because how far one converts is
unclear (CPIC).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from pathlib import Path

from dosing_core.case import CoMedication
from dosing_core.genetics.catalogue import gene
from dosing_core.genetics.known import Known
from dosing_core.genetics.named import named_phenotype
from dosing_core.genetics.phenotype import GeneResult

_DATA = Path(__file__).with_name("data") / "inhibitors.json"
POOR = "Poor Metabolizer"
_NO_ACTIVITY = "0.0"


@dataclass(frozen=True)
class Inhibitor:
    """A drug that converts the metabolisers of a gene."""

    gene: str
    drug: str
    source: str
    url: str


@cache
def inhibitors() -> tuple[Inhibitor, ...]:
    """Every drug of which a source says so."""
    with _DATA.open(encoding="utf-8") as file:
        return tuple(
            Inhibitor(one["gene"], one["drug"], one["source"], one["url"])
            for one in json.load(file)["inhibitors"]
        )


def acting(co_medications: Iterable[CoMedication], now: datetime) -> tuple[Inhibitor, ...]:
    """The inhibitors that are taken now, one a gene and drug."""
    taken = {
        one.drug.casefold()
        for one in co_medications
        if (one.since is None or one.since <= now) and (one.until is None or one.until > now)
    }
    return tuple(one for one in inhibitors() if one.drug in taken)


def converted(known: Sequence[Known], by: Sequence[Inhibitor]) -> tuple[tuple[Known, ...], tuple[str, ...]]:
    """The results under these inhibitors, and what changed, in words. A gene that was not typed is converted
    too: the enzyme is blocked whatever the genes are."""
    found = {one.result.gene: one for one in known}
    said: list[str] = []
    for inhibitor in by:
        before = found.get(inhibitor.gene)
        after = _poor(inhibitor.gene)
        if before is not None and before.result.keys == after.keys:
            continue
        rapid = before is not None and "Ultrarapid" in before.result.phenotype
        keys = after.keys | (before.result.keys if before is not None and rapid else frozenset())
        was = before.said if before is not None else "not tested"
        text = (
            f"{inhibitor.drug} blocks {inhibitor.gene} ({was}): counted as {POOR} while it is taken"
            f"{', and as ultrarapid too, as how far it converts is unclear' if rapid else ''}"
        )
        said.append(f"{text} ({inhibitor.source.partition(':')[0]}).")
        result = replace(after, keys=keys, alleles=before.result.alleles if before is not None else ())
        label = f"{was}, {POOR} under {inhibitor.drug}"
        found[inhibitor.gene] = Known(
            result, label, before.time if before else None, before.source if before else ""
        )
    return tuple(found[symbol] for symbol in sorted(found)), tuple(said)


@cache
def _poor(symbol: str) -> GeneResult:
    """A poor metaboliser without any activity: where a name stands for several scores, the lowest."""
    result = named_phenotype(symbol, POOR)
    known = gene(symbol)
    if known is not None and known.method == "activity_score":
        return replace(result, keys=frozenset({_NO_ACTIVITY}), activity_score=_NO_ACTIVITY)
    return result

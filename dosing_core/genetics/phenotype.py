"""From two alleles to the phenotype, activity score or status by which CPIC's advice is looked up.

Rules are CPIC's (``data/phenotypes.json``). An allele of uncertain or unknown function makes the result what
CPIC says it makes, mostly ``Indeterminate``; it is never taken for normal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from dosing_core.errors import UnreadableGenotype
from dosing_core.genetics.catalogue import INDETERMINATE, NO_RESULT, NOT_ASSIGNED, Gene, gene
from dosing_core.genetics.diplotype import Diplotype

AT_LEAST = "≥"


@dataclass(frozen=True)
class GeneResult:
    """What is known of one gene."""

    gene: str
    alleles: tuple[str, ...]
    phenotype: str
    """As CPIC names it; ``No Result`` where the gene was not tested."""
    keys: frozenset[str]
    """Keys by which recommendation rows are found: the phenotype, the activity score, or HLA statuses."""
    activity_score: str | None = None
    notes: tuple[str, ...] = ()


def untested(symbol: str) -> GeneResult:
    """A gene without a result: that is all that is known of it."""
    return GeneResult(symbol, (), NO_RESULT, frozenset({NO_RESULT}))


def phenotype(found: Diplotype) -> GeneResult:
    """The phenotype of a diplotype.

    Raises ``UnreadableGenotype`` for a gene that CPIC gives no phenotype (CYP4F2) and for HLA, which has
    ``hla.hla_result``.
    """
    known = gene(found.gene)
    if known is None:
        raise UnreadableGenotype(found.gene, "/".join(found.alleles), "there is no content for this gene")
    match known.method:
        case "function_pair":
            return _by_functions(known, found)
        case "activity_score":
            return _by_score(known, found)
        case "single_allele":
            name = str(known.alleles[found.alleles[0]].function or INDETERMINATE).lower()
            return _result(found, known.rule["map"].get(name, INDETERMINATE))
        case "single_variant":
            return _by_variant(known, found)
        case "named_alleles_only":
            raise UnreadableGenotype(known.symbol, "/".join(found.alleles), "CPIC names no phenotype for it")
    raise UnreadableGenotype(known.symbol, "/".join(found.alleles), "its alleles are typed, not paired")


def _result(found: Diplotype, name: str) -> GeneResult:
    return GeneResult(found.gene, found.alleles, name, frozenset({name}), notes=found.notes)


def _by_functions(known: Gene, found: Diplotype) -> GeneResult:
    functions = [known.alleles[name].function for name in found.alleles]
    if None in functions:
        return _result(found, INDETERMINATE)
    if len(functions) == 1:  # the only X of a man
        return _result(found, known.rule["hemizygous"].get(functions[0], INDETERMINATE))
    return _result(found, _pairs(known.symbol).get(frozenset(map(str, functions)), INDETERMINATE))


@cache
def _pairs(symbol: str) -> dict[frozenset[str], str]:
    known = gene(symbol)
    return {frozenset(pair[:2]): pair[2] for pair in known.rule["pairs"]} if known else {}


def _by_score(known: Gene, found: Diplotype) -> GeneResult:
    values = [known.alleles[name].activity for name in found.alleles]
    if any(value in (None, NOT_ASSIGNED) for value in values):
        return GeneResult(
            found.gene, found.alleles, INDETERMINATE, frozenset({NOT_ASSIGNED}), NOT_ASSIGNED, found.notes
        )
    written = [str(value) for value in values]
    notes = found.notes
    if known.symbol == "DPYD" and len(written) > 2:
        written = sorted(written, key=_number)[:2]
        notes = (*notes, "more than two variants: the two of lowest activity count, each on its own copy")
    score = score_of(written)
    return GeneResult(found.gene, found.alleles, _named_range(known, score), frozenset({score}), score, notes)


def score_of(activities: Sequence[str]) -> str:
    """Sum of activity values as CPIC writes it: ``1.25``, ``≥4.0``."""
    total = sum((_number(one) for one in activities), Decimal(0))
    text = f"{total.normalize():f}"
    text = text if "." in text else f"{text}.0"
    return f"{AT_LEAST}{text}" if any(one.startswith(AT_LEAST) for one in activities) else text


def _number(activity: str) -> Decimal:
    return Decimal(activity.removeprefix(AT_LEAST))


def _named_range(known: Gene, score: str) -> str:
    value = _number(score)
    for span in known.rule["ranges"]:
        if (
            value >= Decimal(str(span.get("min", 0)))
            and value <= Decimal(str(span.get("max", "Infinity")))
            and value > Decimal(str(span.get("min_exclusive", -1)))
            and value < Decimal(str(span.get("max_exclusive", "Infinity")))
        ):
            return str(span["phenotype"])
    return INDETERMINATE


def _by_variant(known: Gene, found: Diplotype) -> GeneResult:
    spellings = ("/".join(found.alleles), "/".join(reversed(found.alleles)))
    bases = ["/".join(name[-2] for name in spelling.split("/")) for spelling in spellings]
    for spelling in (*spellings, *bases):
        if spelling in known.rule["map"]:
            return _result(found, known.rule["map"][spelling])
    return _result(found, INDETERMINATE)

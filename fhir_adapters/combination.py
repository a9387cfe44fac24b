"""Doses of products that hold a second drug in a fixed ratio: the sum of both, or one of them alone.

"4.5 g of piperacillin/tazobactam" and "4 g/0.5 g" are one dose. The drug file names the doses that products
give; a dose that is neither one of them nor the sum of one is ambiguous, and not read.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from dosing_core.library import load_drug
from dosing_core.library.identity import Combination
from fhir_adapters.elements import Resource, items, member
from fhir_adapters.product import Product, product
from fhir_adapters.terminology.units import quantity
from fhir_adapters.terminology.words import any_word


def combination(drug: str | None) -> Combination | None:
    """How the drug is combined, after its file; None if it is not."""
    return load_drug(drug).identity.combination if drug is not None else None


def own_part(mass: Decimal, of: Product, fails: Callable[[str], None]) -> Decimal | None:
    """mg of the drug itself in this dose; None if that is open, and ``fails`` is told."""
    rule = combination(of.drug)
    if rule is None:
        return mass
    sums = _sums(rule)
    if mass in sums:
        return sums[mass]
    if any_word(of.names, (rule.with_drug,)) and mass not in sums.values():
        fails(f"it is open whether the dose is of {of.drug} alone or of both drugs together")
        return None
    return mass


def written_as_sum(order: Resource) -> Decimal | None:
    """Sum over own part, if the order's one dose is written as the sum; None if it is not."""
    rule = combination(product(order).drug)
    if rule is None:
        return None
    parts = [part for one in items(order.get("dosageInstruction")) for part in items(one.get("doseAndRate"))]
    read = [quantity(member(part, "doseQuantity")) for part in parts]
    masses = {one.in_dimension("mass") for one in read if one is not None}
    return _exact(rule.sum_over_own.value) if masses and masses <= set(_sums(rule)) else None


def _sums(rule: Combination) -> dict[Decimal, Decimal]:
    """Own part of each sum."""
    own = [_exact(one) for one in rule.own_mg]
    return {one * _exact(rule.sum_over_own.value): one for one in own}


def _exact(value: float) -> Decimal:
    return Decimal(repr(value))

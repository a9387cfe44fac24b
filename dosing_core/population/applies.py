"""Whether a model or rule is for this patient: conditions, and limits of the people it was built from."""

from __future__ import annotations

from collections.abc import Iterator

from dosing_core.case import Case
from dosing_core.population import covariates as timeline
from dosing_core.population import states
from dosing_core.population.covariate import Covariate, Limit
from dosing_core.population.publication import Described
from dosing_core.population.quantity import QUANTITIES, words_of_quantity
from dosing_core.population.readings import read_now


def covariate_of(model: Described, limit: Limit) -> Covariate:
    """The model's own covariate of the limit's quantity, else the plain one."""
    own = (covariate for covariate in model.covariates.values() if covariate.quantity == limit.quantity)
    return next(own, None) or Covariate.plain(limit.quantity)


def beyond_validity(model: Described, case: Case) -> tuple[str, ...]:
    """Why a model or rule must not be used for this patient at all, in words; empty if it may."""
    has = {condition.name for condition in case.subject.conditions}
    reasons = [f"no {words_of(name)} on record" for name in model.population.requires if name not in has]
    reasons += [words_of(name) for name in model.population.excludes if name in has]
    reasons += beyond_limits(model, case, "validity")
    if reads(model, "first_day_after_transplant") and timeline.on_first_day(
        timeline.transplanted_at(case.subject, case.now), case.now
    ):
        # Project policy: today's values would be taken as lasting, and they change within hours.
        reasons.append("the first 24 h after the transplant, when absorption is not yet what it will be")
    return tuple(reasons)


def beyond_limits(model: Described, case: Case, kind: str) -> list[str]:
    """Limits of this kind that the patient is beyond at ``now``, in words."""
    reasons = []
    for limit, words, value in limits_read(model, case):
        if limit.kind != kind:
            continue
        state = QUANTITIES[limit.quantity].kind == "state"  # its numbers mean nothing to a reader
        if limit.low is not None and value < limit.low:
            reasons.append(f"{words}{'' if state else f', below {limit.low:g}'} ({limit.source})")
        if limit.high is not None and value > limit.high:
            reasons.append(f"{words}{'' if state else f', above {limit.high:g}'} ({limit.source})")
    return reasons


def limits_read(model: Described, case: Case, kind: str | None = None) -> Iterator[tuple[Limit, str, float]]:
    """Each limit of the model's population, or each of one kind, whose quantity is known at ``now``: the
    limit, quantity with value and unit in words, and the value."""
    for limit in model.population.limits:
        if kind is not None and limit.kind != kind:
            continue
        covariate = covariate_of(model, limit)
        reading = read_now(covariate, case)
        if reading is None:
            continue
        words = f"{words_of(limit.quantity)} {reading.value:.4g} {covariate.unit}"
        if QUANTITIES[limit.quantity].kind == "state":
            words = ", ".join(f"{fact.name} {fact.value}" for fact in states.used(covariate, case)) or words
        yield limit, words, reading.value


def reads(model: Described, quantity: str) -> bool:
    """True if a covariate is this quantity."""
    return any(covariate.quantity == quantity for covariate in model.covariates.values())


def words_of(name: str) -> str:
    """A quantity or condition in a sentence."""
    return "continuous renal replacement therapy" if name == "crrt" else words_of_quantity(name)

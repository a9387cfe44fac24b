"""How likely a level is under a prediction f: one place for every form of error and every kind of level.

With s(f) the standard deviation of the error, an exact level y contributes ``0.5 (y - f)² / s² + ln s`` to
the objective. Of a level that is only known to be below (above) a limit, the contribution is
``-ln Phi(u)`` with ``u = (limit - f) / s`` (with -u): method M3 of Beal, J Pharmacokinet Pharmacodyn
2001;28:481. Weights multiply a level's contribution.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from dosing_core.errors import InvalidObservation
from dosing_core.inference.observations import Observations
from dosing_core.kinetics.compiled import compiled
from dosing_core.population.individual import FloatArray, Individual, IntArray, ResidualError

LEAST_ERROR = 1e-3
"""Project policy: no level is believed more exactly than to 0.1 % of itself, finer than any assay. It only
acts where a proportional error would vanish with the prediction, and keeps the likelihood finite there."""
LEAST_RATIO = 1e-9
"""Project policy: on the logarithmic scale a prediction counts as at least this share of the level, so that
a level which no dose explains is very unlikely and not infinitely so."""
IMPOSSIBLE = -1e300
"""Log density where the prediction overflows."""

COMBINED, LINEAR, POWER, LOG = range(4)
_FORMS = {"combined": COMBINED, "linear": LINEAR, "power": POWER, "log": LOG}

_HALF_LOG_TAU = 0.5 * math.log(2.0 * math.pi)
_FAR = -14.0
"""Where the normal tail's asymptotic series takes over; its error there is below 1e-13."""


class Likelihood(NamedTuple):
    """The levels of one patient as the kernels take them."""

    value: FloatArray
    """[n_levels]."""
    limit: IntArray
    """[n_levels] 0 exact, -1 below, 1 above."""
    weight: FloatArray
    """[n_levels]."""
    form: IntArray
    """[n_levels] COMBINED and so on."""
    error: FloatArray
    """[n_levels, 3] additive, proportional, power."""


def likelihood(individual: Individual, levels: Observations) -> Likelihood:
    """Bring the levels together with the error of each.

    Raises ``InvalidObservation`` for a value at or below 0 where the error has no additive part: its density
    would have no bound. Such a level is below the limit of quantification, not a value.
    """
    n = len(levels)
    errors = [_error(individual, int(place)) for place in levels.error]
    form = np.empty(n, dtype=np.int64)
    error = np.empty((n, 3))
    for k, one in enumerate(errors):
        form[k] = _FORMS[one.form]
        error[k, 0], error[k, 1], error[k, 2] = one.additive, one.proportional, one.power
        if not levels.value[k] > 0.0 and (form[k] == LOG or not one.additive > 0.0):
            raise InvalidObservation(k, "it is not above 0, and its error has no additive part")
    return Likelihood(levels.value, levels.limit, levels.weight, form, error)


def _error(individual: Individual, place: int) -> ResidualError:
    if place < max(1, len(individual.residuals)):
        return individual.error_of(place)
    raise InvalidObservation(place, "the model has no error for this output")


@compiled
def _tail(x: float) -> float:
    """1 - S for S = 1 - 1/x² + 3/x⁴ - ..., of which Phi(x) = phi(x) S / |x| for x far below 0."""
    inverse = 1.0 / (x * x)
    term, total = 1.0, 0.0
    for k in range(1, 9):
        term *= -(2.0 * k - 1.0) * inverse
        total -= term
    return total


@compiled
def log_ndtr(x: float) -> float:
    """ln Phi(x) of the standard normal distribution, also far out where Phi itself underflows."""
    if x > 0.0:
        return math.log1p(-0.5 * math.erfc(x / math.sqrt(2.0)))
    if x > _FAR:
        return math.log(0.5 * math.erfc(-x / math.sqrt(2.0)))
    return -0.5 * x * x - math.log(-x) - _HALF_LOG_TAU + math.log1p(-_tail(x))


@compiled
def mills(x: float) -> tuple[float, float]:
    """phi(x) / Phi(x), and that plus x, which is positive; both without loss far below 0."""
    if x > _FAR:
        ratio = math.exp(-0.5 * x * x - _HALF_LOG_TAU - log_ndtr(x))
        return ratio, ratio + x
    tail = _tail(x)
    return -x / (1.0 - tail), -x * tail / (1.0 - tail)


@compiled
def _spread(
    form: int, additive: float, proportional: float, power: float, least: float, f: float
) -> tuple[float, float, float]:
    """Standard deviation of the error at f, with its first and second derivative by f."""
    size = abs(f)
    sign = 1.0 if f >= 0.0 else -1.0
    if form == COMBINED:
        s = math.sqrt(additive * additive + proportional * proportional * f * f)
        if s > least and s > 0.0:
            first = proportional * proportional * f / s
            return s, first, (proportional * proportional - first * first) / s
    elif form == LINEAR:
        s = additive + proportional * size
        if s > least:
            return s, sign * proportional, 0.0
    elif size > 0.0:
        part = proportional * size**power
        s = additive + part
        if s > least:
            first = part * power / size
            return s, sign * first, first * (power - 1.0) / size
    else:
        s = additive
        if s > least:
            return s, 0.0, 0.0
    return least, 0.0, 0.0


@compiled
def terms(
    form: int, additive: float, proportional: float, power: float, limit: int, y: float, f: float
) -> tuple[float, float, float, float]:
    """Of one level: its objective, that one's slope by f, Fisher weight, and second derivative by f."""
    if form == LOG:
        s, least = max(proportional, LEAST_ERROR), LEAST_RATIO * y
        inside = f > least or not f <= least
        seen = f if inside else least
        r, per = math.log(y / seen), 1.0 / (s * seen) if inside else 0.0
        if limit == 0:
            miss = r / s
            fisher = per * per
            return 0.5 * miss * miss + math.log(s), -miss * per, fisher, fisher * (1.0 + r)
        u, first, second = r / s, -per, s * per * per
    else:
        s, s1, s2 = _spread(form, additive, proportional, power, LEAST_ERROR * abs(y), f)
        r = y - f
        v, change = s * s, s1 / s
        if limit == 0:
            miss = r * r / v
            slope = -r / v + change * (1.0 - miss)
            fisher = 1.0 / v + 2.0 * change * change
            curved = 1.0 / v + 4.0 * r * change / v + change * change * (3.0 * miss - 1.0)
            return 0.5 * miss + math.log(s), slope, fisher, curved + s2 / s * (1.0 - miss)
        u = r / s
        first = -1.0 / s - u * change
        second = 2.0 * change / s - u * (s2 / s - 2.0 * change * change)
    if limit > 0:
        u, first, second = -u, -first, -second
    ratio, more = mills(u)
    fisher = ratio * more * first * first
    return -log_ndtr(u), -ratio * first, fisher, fisher - ratio * second


@compiled
def level_terms(levels: Likelihood, k: int, f: float) -> tuple[float, float, float, float]:
    """``terms`` of the k-th level, times its weight."""
    weight = levels.weight[k]
    if weight == 0.0:
        return 0.0, 0.0, 0.0, 0.0
    value, slope, fisher, curved = terms(
        levels.form[k],
        levels.error[k, 0],
        levels.error[k, 1],
        levels.error[k, 2],
        levels.limit[k],
        levels.value[k],
        f,
    )
    return weight * value, weight * slope, weight * fisher, weight * curved


@compiled
def _density(
    form: int, additive: float, proportional: float, power: float, limit: int, y: float, f: float
) -> float:
    """Log density of an exact level, log probability of a limit; ``IMPOSSIBLE`` where f is not finite."""
    value = -terms(form, additive, proportional, power, limit, y, f)[0]
    if limit == 0:
        value -= _HALF_LOG_TAU
        if form == LOG:
            value -= math.log(y)
    return value if math.isfinite(value) else IMPOSSIBLE


@compiled
def densities(levels: Likelihood, predicted: FloatArray) -> FloatArray:
    """[n, n_levels] weighted log density of each level under ``predicted`` [n, n_levels]."""
    n, m = predicted.shape
    density = np.zeros((n, m))
    for k in range(m):
        weight = levels.weight[k]
        form, limit, y = levels.form[k], levels.limit[k], levels.value[k]
        additive, proportional, power = levels.error[k, 0], levels.error[k, 1], levels.error[k, 2]
        if weight > 0.0:
            for i in range(n):
                one = _density(form, additive, proportional, power, limit, y, predicted[i, k])
                density[i, k] = weight * one
    return density


@compiled
def _all_densities(
    form: int,
    additive: float,
    proportional: float,
    power: float,
    limit: int,
    predicted: FloatArray,
    observed: FloatArray,
) -> FloatArray:
    density = np.empty(len(predicted))
    for i in range(len(predicted)):
        density[i] = _density(form, additive, proportional, power, limit, observed[i], predicted[i])
    return density


def log_likelihood(
    residual: ResidualError, predicted: FloatArray, observed: FloatArray, limit: int = 0
) -> FloatArray:
    """Log density of levels; shapes broadcast. ``limit``: as ``Observations.limit``, for all alike."""
    predicted, observed = np.broadcast_arrays(
        np.asarray(predicted, dtype=np.float64), np.asarray(observed, dtype=np.float64)
    )
    density: FloatArray = _all_densities(
        _FORMS[residual.form],
        float(residual.additive),
        float(residual.proportional),
        float(residual.power),
        limit,
        predicted.ravel(),
        observed.ravel(),
    )
    return density.reshape(predicted.shape)


def variance(residual: ResidualError, predicted: FloatArray, observed: FloatArray) -> FloatArray:
    """Variance of a level in its unit squared; of ``log`` errors the first-order one, (sd · f)²."""
    size = np.abs(predicted)
    if residual.form == "combined":
        found = residual.additive**2 + (residual.proportional * predicted) ** 2
    elif residual.form == "log":
        found = (residual.proportional * predicted) ** 2
    else:
        power = residual.power if residual.form == "power" else 1.0
        found = (residual.additive + residual.proportional * size**power) ** 2
    return np.asarray(np.maximum(found, (LEAST_ERROR * observed) ** 2))

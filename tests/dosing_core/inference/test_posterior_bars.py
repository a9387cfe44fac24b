"""The particles of each family against long random-walk Metropolis chains, bimodal ones included on purpose.

The chains share nothing with importance sampling but the likelihood's prediction; their density is written
out anew with scipy's distributions. 5, 50 and 95 % of each patient's first random effect's parameter and of
the exposure over 24 h.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import norm
from simulated_patients import CLOSED, FAMILIES, Family, occasions

from dosing_core.inference import Observations, posterior, shares_of_modes
from dosing_core.inference.summaries import quantile
from dosing_core.kinetics import prediction
from dosing_core.population.individual import FloatArray, Structure

QUANTILES = (0.05, 0.5, 0.95)
MEDIAN, MOST, WORST = 0.01, 0.03, 0.05
"""Bars of the relative errors over all patients and quantiles: median, 95th percentile, largest."""


def _log_density(family: Family, levels: Observations) -> Callable[[FloatArray], FloatArray]:
    individual = family.individual
    precision = np.linalg.inv(individual.omega)
    system = not isinstance(individual.structure, Structure)
    predict = prediction(
        individual, family.doses, levels.time, levels.output if system else None, 1e-5 if system else None
    )
    errors = [individual.error_of(int(k)) for k in levels.output]

    def density(eta: FloatArray) -> FloatArray:
        f = predict(individual.parameters(eta))
        total = -0.5 * np.einsum("ni,ij,nj->n", eta, precision, eta)
        for k, error in enumerate(errors):
            y, p = levels.value[k], f[:, k]
            if error.form == "log":
                total += norm.logpdf(np.log(y), np.log(np.maximum(p, 1e-300)), error.proportional)
                continue
            part = error.proportional * np.abs(p) ** (error.power if error.form == "power" else 1.0)
            sd = np.hypot(error.additive, part) if error.form == "combined" else error.additive + part
            tail = levels.limit[k]
            total += norm.logpdf(y, p, sd) if tail == 0 else norm.logcdf(-tail * (y - p) / sd)
        return np.where(np.isfinite(total), total, -1e300)

    return density


def metropolis(family: Family, levels: Observations, seed: int, chains: int, steps: int) -> FloatArray:
    """Draws of many chains that start at the prior, every tenth step after the first 600.

    While warming up, half of the moves are differences of two other chains (ter Braak, Stat Comput
    2006;16:239), which carry chains between modes; so are the later ones, now and then.
    """
    density = _log_density(family, levels)
    rng = np.random.default_rng(seed)
    d = family.individual.dimension
    eta = rng.standard_normal((chains, d)) @ np.linalg.cholesky(family.individual.omega).T
    here = density(eta)
    kept = []
    for step in range(steps):
        one, other = rng.permutation(chains), rng.permutation(chains)
        scale = 1.0 if step % 10 == 5 else 2.38 / np.sqrt(2.0 * d) * rng.choice([0.3, 1.0])
        jitter = 1e-3 * np.sqrt(np.diag(family.individual.omega)) * rng.standard_normal((chains, d))
        trial = eta + scale * (eta[one] - eta[other]) + jitter
        there = density(trial)
        accepted = np.log(rng.random(chains)) < there - here
        eta[accepted], here[accepted] = trial[accepted], there[accepted]
        if step >= 600 and step % 10 == 0:
            kept.append(eta.copy())
    return np.concatenate(kept)


def _functionals(family: Family, eta: FloatArray) -> FloatArray:
    """[n, 2] the parameter of the first random effect (relative to typical) and the exposure."""
    return np.stack([np.exp(eta[:, 0]), family.exposure(eta)], axis=1)


def _errors(family: Family, levels: Observations, seed: int, chains: int, steps: int) -> FloatArray:
    """[3, 2] relative errors of the quantiles."""
    found = posterior(family.individual, family.doses, levels)
    assert found.diagnostics.trustworthy
    draws = metropolis(family, levels, seed, chains, steps)
    want = np.quantile(_functionals(family, draws), QUANTILES, axis=0)
    got = quantile(_functionals(family, found.eta), found.weight, QUANTILES)
    return np.abs(got / want - 1.0)


def _holds(family: Family, patients: int, seed: int, chains: int, steps: int) -> None:
    rng = np.random.default_rng(seed)
    errors = []
    for patient in range(patients):
        _, levels = family.drawn(rng, 1 + patient % 5)
        errors.append(_errors(family, levels, patient, chains, steps))
    errors_of_all = np.array(errors)
    assert np.median(errors_of_all) <= MEDIAN
    assert np.quantile(errors_of_all, 0.95) <= MOST
    assert errors_of_all.max() <= WORST


THREE_HOURS = Observations(np.array([-9.0]), np.array([0.002]))
HALF_AN_HOUR = Observations(np.array([-11.5]), np.array([0.0005]))
"""Single low levels so long after a tablet: slow absorption on that day, or fast absorption and a large
clearance."""


@pytest.mark.parametrize(
    ("levels", "chains"),
    [
        pytest.param(THREE_HOURS, 150, id="3 h after"),
        pytest.param(THREE_HOURS, 1000, id="3 h after, in full", marks=pytest.mark.verify),
        pytest.param(HALF_AN_HOUR, 1000, id="half an hour after, in full", marks=pytest.mark.verify),
    ],
)
def test_two_explanations_are_both_kept_by_their_weight(levels: Observations, chains: int) -> None:
    """Occasions make an ordinary level bimodal. The chains, which hop, agree on the quantiles and on how much
    lies around each mode."""
    family = occasions()
    found = posterior(family.individual, family.doses, levels)
    draws = metropolis(family, levels, 2, chains, 1300)

    shares = shares_of_modes(found.map, found.eta, found.weight, family.individual.omega)

    assert len(found.map.modes) == 2
    assert found.diagnostics.modes == 2
    assert shares.min() > 0.1
    equal = np.full(len(draws), 1 / len(draws))
    of_chains = shares_of_modes(found.map, draws, equal, family.individual.omega)
    assert shares == pytest.approx(of_chains, abs=0.04)
    want = np.quantile(_functionals(family, draws), QUANTILES, axis=0)
    got = quantile(_functionals(family, found.eta), found.weight, QUANTILES)
    assert got == pytest.approx(want, rel=WORST)


@pytest.mark.verify
@pytest.mark.parametrize("name", FAMILIES)
def test_quantiles_match_long_chains_in_full(name: str) -> None:
    """50 patients with 1 to 5 levels each (10 where an adaptive solver must follow every chain), against
    40,000 draws, every tenth step of 400 chains."""
    _holds(FAMILIES[name](), 50 if name in CLOSED else 10, seed=5, chains=400, steps=1600)

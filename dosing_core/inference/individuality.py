"""What the levels say of this patient among people: how unusual, how much was learned, and in how many ways.

All work on random effects of weighted particles and the population's covariance of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaincc

from dosing_core.inference.map_estimate import MapEstimate, whitening
from dosing_core.population.individual import FloatArray

INFORMED = 0.05
"""Project policy: a direction of which the levels removed less than this share of the variance says nothing
of how unusual the patient is."""


@dataclass(frozen=True, eq=False)
class Individuality:
    """How the patient compares with the population that the model describes."""

    effects: FloatArray
    """[d] posterior mean of each random effect in standard deviations of the population."""
    learned: FloatArray
    """[d] share of each effect's variance that the levels removed: 1 - posterior / prior variance. Near 0 the
    estimate is the population's own (it is shrunken); below 0 the levels widened it."""
    distance: float
    """Mahalanobis distance of the posterior mean from the typical patient, in population units."""
    tail: float
    """Probability that another patient of this population, sampled at the same times, would look at least as
    unusual. 1 if the levels say nothing."""


def individuality(eta: FloatArray, weight: FloatArray, omega: FloatArray) -> Individuality:
    """From particles [n, d] with weights [n] and the population's ``omega``, as inference used it.

    Over patients, a posterior mean varies by what the levels can tell: with prior covariance I (whitened) and
    posterior covariance V, by I - V. The tail is that of the chi-square distribution over the directions in
    which this is not nothing; exact for a normal posterior. Against omega itself, which ignores shrinkage, an
    unusual patient with few levels would never be called one.
    """
    d = eta.shape[1]
    if d == 0:
        return Individuality(np.zeros(0), np.zeros(0), 0.0, 1.0)
    z = eta @ np.linalg.pinv(whitening(omega)).T
    mean = weight @ z
    away = z - mean
    covariance = (away * weight[:, None]).T @ away
    told, direction = np.linalg.eigh(np.eye(d) - covariance)
    informed = told > INFORMED
    square = float(np.sum((direction.T[informed] @ mean) ** 2 / told[informed]))
    tail = float(gammaincc(0.5 * informed.sum(), 0.5 * square)) if informed.any() else 1.0
    prior = np.diag(omega)
    varies = prior > 0.0
    sd = np.sqrt(np.where(varies, prior, 1.0))
    centre = weight @ eta
    left = weight @ (eta - centre) ** 2
    return Individuality(
        effects=np.where(varies, centre / sd, 0.0),
        learned=np.where(varies, 1.0 - left / sd**2, 0.0),
        distance=float(np.sqrt(mean @ mean)),
        tail=tail,
    )


def shares_of_modes(best: MapEstimate, eta: FloatArray, weight: FloatArray, omega: FloatArray) -> FloatArray:
    """[n_modes] posterior probability around each mode, in the order of ``best.modes``; sums to 1.

    A particle belongs to the mode that is nearest by that mode's own covariance.
    """
    if len(best.modes) == 1:
        return np.ones(1)
    z = eta @ np.linalg.pinv(whitening(omega)).T
    distances = np.stack(
        [
            np.einsum("ni,ij,nj->n", z - mode.z, np.linalg.inv(mode.covariance), z - mode.z)
            for mode in best.modes
        ]
    )
    nearest = distances.argmin(axis=0)
    return np.array([float(weight[nearest == k].sum()) for k in range(len(best.modes))])

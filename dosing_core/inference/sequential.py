"""Yesterday's posterior and a new level: the fit of both, without going back over what is known."""

from __future__ import annotations

import math

import numpy as np

from dosing_core.inference.map_estimate import map_estimate
from dosing_core.inference.observations import Observations
from dosing_core.inference.posterior import LEAST_EFFECTIVE, Posterior, k_limit, log_densities, posterior
from dosing_core.inference.summaries import effective_sample_size, psis
from dosing_core.kinetics import DoseTable
from dosing_core.population.individual import Individual
from dosing_core.recommendation import Diagnostics

METHOD = "reweighted by new levels"


def continue_from(
    earlier: Posterior,
    individual: Individual,
    doses: DoseTable,
    known: Observations,
    new: Observations,
) -> Posterior:
    """The posterior after ``known`` and ``new`` levels, from ``earlier``, the one after ``known`` alone.

    The particles are weighed by how likely each makes the new levels; where too few would carry the answer,
    all levels are fitted anew. ``individual`` and ``doses`` are today's: what they say of the time before the
    known levels must be what ``earlier`` was made from. With other random effects (a new occasion) or with
    support points, which are cheap, all is fitted anew.
    """
    both = known.joined(new)
    if len(new) == 0:
        return earlier
    if len(known) and earlier.eta.shape[1] == individual.dimension and individual.support is None:
        more = log_densities(individual, doses, new, earlier.eta)
        with np.errstate(divide="ignore"):
            log_ratio = np.log(earlier.weight) + more.sum(axis=1)
        top = float(log_ratio.max())
        gain = top + math.log(float(np.sum(np.exp(log_ratio - top))))
        weight, k_hat = psis(log_ratio)
        effective = effective_sample_size(weight)
        if earlier.diagnostics.trustworthy and k_hat <= k_limit(len(weight)) and effective >= LEAST_EFFECTIVE:
            best = map_estimate(individual, doses, both)
            return Posterior(
                earlier.eta,
                weight,
                np.concatenate([earlier.log_likelihood, more], axis=1),
                earlier.log_evidence + gain,
                best,
                Diagnostics(
                    method=METHOD,
                    particles=len(weight),
                    effective_sample_size=effective,
                    k_hat=k_hat if math.isfinite(k_hat) else None,
                    modes=len(best.modes),
                    escalations=earlier.diagnostics.escalations,
                ),
            )
    return posterior(individual, doses, both)

"""Priors other than the published one: flattened, and of finitely many support points."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dosing_core.inference.descent import to_eta
from dosing_core.inference.points import normal_points
from dosing_core.population.individual import FloatArray, Individual, SupportPoints

CLOUD = 4096
"""Points that a densified set of support points has at least."""


def flattened(individual: Individual, prior_weight: float) -> Individual:
    """The individual whose prior counts only ``prior_weight`` (0 to 1) as much: omega divided by it.

    Hughes and Keizer, CPT Pharmacometrics Syst Pharmacol 2021;10:1150. The probabilities of support points
    are raised to that power, which is the same act on a prior without a covariance. Raises ``ValueError``
    outside 0 < weight <= 1.
    """
    if not 0.0 < prior_weight <= 1.0:
        raise ValueError("the weight of a prior is above 0 and at most 1")
    if prior_weight == 1.0:
        return individual
    support = individual.support
    if support is not None:
        probability = support.probability**prior_weight
        support = SupportPoints(support.eta, probability / probability.sum())
    return replace(individual, omega=individual.omega / prior_weight, support=support)


def densified(support: SupportPoints, lower: FloatArray) -> SupportPoints:
    """Each support point as a small cloud, so that a posterior between the points can be told.

    A normal kernel of covariance h² omega (``lower`` times its transpose), with the points drawn towards
    their mean so that mean and covariance of the whole stay (Liu and West, in: Sequential Monte Carlo Methods
    in Practice, 2001, ch. 10); h by Silverman's rule, 1986.
    """
    n, d = support.eta.shape
    copies = -(-CLOUD // n)
    effective = 1.0 / float(np.sum(support.probability**2))
    h = min((4.0 / ((d + 2.0) * effective)) ** (1.0 / (d + 4.0)), 0.5)
    mean = support.probability @ support.eta
    centres = mean + np.sqrt(1.0 - h * h) * (support.eta - mean)
    jitter = h * to_eta(lower, np.ascontiguousarray(normal_points("adapted", copies, d).normal))
    jitter -= jitter.mean(axis=0)
    eta = (centres[:, None, :] + jitter[None, :, :]).reshape(-1, d)
    return SupportPoints(eta, np.repeat(support.probability / copies, copies))

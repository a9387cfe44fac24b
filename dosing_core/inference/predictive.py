"""How well a model predicted this patient: the log density of each level from the earlier ones.

Their sum is the log evidence of all levels (the chain rule), so the evidence by which ``believe`` weighs
models is their predictive performance in this patient, level after level, and the prior's part is what the
population alone expected of the first.
"""

from __future__ import annotations

import numpy as np

from dosing_core.inference.observations import Observations
from dosing_core.inference.posterior import posterior
from dosing_core.kinetics import DoseTable
from dosing_core.population.individual import FloatArray, Individual


def log_predictive(individual: Individual, doses: DoseTable, observations: Observations) -> FloatArray:
    """[n_levels] log density of each level given those before it in time; limits: log probability.

    In the order of ``observations``. One posterior a level.
    """
    order = np.argsort(observations.time, kind="stable")
    found = np.empty(len(order))
    before = 0.0
    for count in range(1, len(order) + 1):
        evidence = posterior(individual, doses, observations.only(order[:count].tolist())).log_evidence
        found[order[count - 1]] = evidence - before
        before = evidence
    return found

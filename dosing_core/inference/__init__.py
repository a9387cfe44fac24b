"""From levels to what is now believed of the patient: mode, posterior particles, belief over hypotheses."""

from dosing_core.inference.belief import Belief, Component, believe
from dosing_core.inference.individuality import Individuality, individuality, shares_of_modes
from dosing_core.inference.map_estimate import MapEstimate, Mode, map_estimate
from dosing_core.inference.observations import Observations, observations
from dosing_core.inference.particles import Particles
from dosing_core.inference.posterior import Posterior, posterior
from dosing_core.inference.predictive import log_predictive
from dosing_core.inference.prior import flattened
from dosing_core.inference.sequential import continue_from

__all__ = [
    "Belief",
    "Component",
    "Individuality",
    "MapEstimate",
    "Mode",
    "Observations",
    "Particles",
    "Posterior",
    "believe",
    "continue_from",
    "flattened",
    "individuality",
    "log_predictive",
    "map_estimate",
    "observations",
    "posterior",
    "shares_of_modes",
]

"""From levels to what is now believed of the patient: mode, posterior particles, belief over hypotheses."""

from dosing_core.inference.belief import Belief, Component, believe
from dosing_core.inference.map_estimate import MapEstimate, Mode, map_estimate
from dosing_core.inference.observations import Observations, observations
from dosing_core.inference.particles import Particles
from dosing_core.inference.posterior import Posterior, posterior

__all__ = [
    "Belief",
    "Component",
    "MapEstimate",
    "Mode",
    "Observations",
    "Particles",
    "Posterior",
    "believe",
    "map_estimate",
    "observations",
    "posterior",
]

"""Every family makes a system that runs, and the shared cases are sensible."""

from __future__ import annotations

import numpy as np
import pytest
from by_scipy import outputs_of
from structural_models import MODELS

from dosing_core.population.system import System


@pytest.mark.parametrize("name", MODELS)
def test_a_typical_person_has_finite_positive_levels(name: str) -> None:
    case = MODELS[name]()
    system = case.individual.structure
    assert isinstance(system, System)
    typical = dict(zip(system.parameters, map(float, case.individual.typical[0]), strict=True))

    times = np.unique(case.times)
    found = outputs_of(system, typical, case.doses, list(times), case.individual.clock_h)

    assert np.isfinite(found).all()
    assert (found[np.searchsorted(times, case.times), case.outputs] > 0).all()

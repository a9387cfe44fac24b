"""Warming up leaves nothing to compile."""

from __future__ import annotations

from dosing_core.inference import closed, descent, mixture
from dosing_core.kinetics import exact_kernel, exact_steady, linear, lockstep, steady
from dosing_core.warm import warm


def test_every_kernel_is_compiled_once_for_one_kind_of_arguments() -> None:
    """A second kind of arguments would be compiled at the first order, seconds late."""
    warm()
    kernels = (
        *(exact_kernel.run, exact_steady.areas, linear.run, lockstep.run),
        *(steady.steady_profile, steady.steady_oral_peak, steady.bound_areas),
        *(closed.modes, closed.level_densities, descent.to_eta, descent.factor),
        *(mixture.log_prior, mixture.moments, mixture._spread, mixture._log_mixture),
    )
    for kernel in kernels:
        assert len(kernel.signatures) == 1  # type: ignore[attr-defined]

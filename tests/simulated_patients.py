"""Patients drawn from a model, one family of structures at a time, to hold inference to its bars.

A patient's random effects come from the model's own prior and the levels from its own error, so that
whatever a correct posterior says of them is true as often as it says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from illustrative import infusions, tablets, tacrolimus, vancomycin
from structural_models import MODELS

from dosing_core.inference import Observations
from dosing_core.kinetics import DoseTable, auc, prediction
from dosing_core.population.individual import FloatArray, Individual, IntArray, Structure


@dataclass(frozen=True, eq=False)
class Family:
    """A model with a person's doses and the times at which they are sampled."""

    individual: Individual
    doses: DoseTable
    times: FloatArray
    outputs: IntArray
    lloq: float = 0.0
    """Levels below are known to be below, no more; 0: none."""

    def predicted(self, eta: FloatArray, times: FloatArray, outputs: IntArray) -> FloatArray:
        """[n, n_times] without error, by the finest tolerance that inference itself does not use."""
        system = not isinstance(self.individual.structure, Structure)
        predict = prediction(
            self.individual, self.doses, times, outputs if system else None, 1e-8 if system else None
        )
        return predict(self.individual.parameters(eta))

    def exposure(self, eta: FloatArray) -> FloatArray:
        """Area [n] under the first output over the last 24 h."""
        return auc(self.individual, self.individual.parameters(eta), self.doses, -24.0, 0.0)

    def drawn(self, rng: np.random.Generator, levels: int | None = None) -> tuple[FloatArray, Observations]:
        """Random effects [d] and levels of one patient; ``levels``: how many, at random times of the usual
        span; None: all, at the usual times."""
        lower = np.linalg.cholesky(self.individual.omega)
        eta = lower @ rng.standard_normal(self.individual.dimension)
        times, outputs = self.times, self.outputs
        if levels is not None:
            chosen = rng.integers(0, len(times), levels)
            outputs = outputs[chosen]
            times = np.sort(rng.uniform(times.min(), times.max(), levels))
        f = self.predicted(eta[None], times, outputs)[0]
        y = np.array([self._measured(x, int(k), rng) for x, k in zip(f, outputs, strict=True)])
        limit = np.where(y < self.lloq, -1, 0)
        return eta, Observations(times, np.where(limit < 0, self.lloq, y), outputs, limit)

    def _measured(self, f: float, output: int, rng: np.random.Generator) -> float:
        """One level by the definitions of ``ResidualError``; again where it could not be reported."""
        error = self.individual.error_of(output)
        while True:
            noise = rng.standard_normal()
            if error.form == "log":
                return float(f * np.exp(error.proportional * noise))
            part = error.proportional * f ** (error.power if error.form == "power" else 1.0)
            sd = np.hypot(error.additive, part) if error.form == "combined" else error.additive + part
            y = float(f + sd * noise)
            if y > 0.0 or error.additive > 0.0:
                return y


def _first(n: int) -> IntArray:
    return np.zeros(n, dtype=np.int64)


def _vancomycin() -> Family:
    times = np.array([-22.0, -10.5, -0.5])
    return Family(vancomycin(), infusions(4, 12.0, 1000.0), times, _first(3))


def _vancomycin_one_trough() -> Family:
    """One level says little of three effects: far from a normal posterior."""
    return Family(vancomycin(), infusions(4, 12.0, 1000.0), np.array([-0.5]), _first(1))


def _vancomycin_below_the_limit() -> Family:
    """Small doses and a limit of quantification of 6 mg/L: about half of the levels are below it."""
    times = np.array([-22.0, -10.5, -0.5])
    return Family(vancomycin(), infusions(4, 12.0, 500.0), times, _first(3), lloq=6.0)


def _tacrolimus() -> Family:
    times = np.array([-48.0, -9.0, 0.0])
    return Family(tacrolimus(), tablets(10, 12.0, 3.0), times, _first(3))


def occasions() -> Family:
    """Oral, two occasions of clearance, volume and absorption: nine random effects, wide ones.

    With one level, high clearance and a large volume of the occasion explain it alike: two modes.
    """
    base = tacrolimus()
    index = np.array([0, 1, -1, -1, 2, -1, -1])
    none = np.full(7, -1)
    at = [np.where(index >= 0, index + 3 * (1 + occasion), none) for occasion in (0, 1)]
    individual = replace(
        base,
        row_time=np.array([-np.inf, -36.0]),
        typical=np.repeat(np.array([[25.0, 150.0, 20.0, 300.0, 0.8, 0.0, 0.3]]), 2, axis=0),
        eta_names=("CL", "V1", "ka", *(f"{p} occasion {k}" for k in (1, 2) for p in ("CL", "V1", "ka"))),
        eta_index=index,
        occasion_index=np.stack(at),
        omega=np.diag([0.35, 0.4, 0.6, 0.25, 0.55, 0.7, 0.25, 0.55, 0.7]) ** 2,
        binding=None,
    )
    return Family(individual, tablets(8, 12.0, 5.0), np.array([-48.5, -10.0, -0.5]), _first(3))


def _structural(name: str) -> Callable[[], Family]:
    def family() -> Family:
        case = MODELS[name]()
        return Family(case.individual, case.doses, case.times, case.outputs)

    return family


CLOSED: dict[str, Callable[[], Family]] = {
    "vancomycin": _vancomycin,
    "vancomycin, one trough": _vancomycin_one_trough,
    "vancomycin below the limit": _vancomycin_below_the_limit,
    "tacrolimus": _tacrolimus,
    "occasions": occasions,
}
FAMILIES: dict[str, Callable[[], Family]] = CLOSED | {name: _structural(name) for name in MODELS}

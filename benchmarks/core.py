"""How long the numbers take: one mode, one posterior, one search over 500 candidates.

``python -m benchmarks.core`` or ``python benchmarks/core.py``. Each line is the median over runs of the
compiled kernels, of the same algorithm on the numpy reference, and their ratio, taken in turn so that a busy
machine burdens both. Compilation is not in it: the kernels are warmed first. The reference is written to be
exact by another route, not to be fast.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from dosing_core.inference import Observations, Particles, map_estimate, posterior
from dosing_core.kinetics import DoseTable, Prediction, bound, reference
from dosing_core.kinetics.predict import interval_quadrature
from dosing_core.population.individual import PARAMETERS, FloatArray, Individual, ResidualError, Structure
from dosing_core.regimens.responses import Schedule, responses
from dosing_core.warm import warm

PARTICLES = 1024


@dataclass(frozen=True, eq=False)
class Question:
    """One patient with doses, levels and the regimens to choose from."""

    name: str
    individual: Individual
    doses: DoseTable
    levels: Observations
    schedules: list[Schedule]
    candidate_mg: FloatArray


def vancomycin() -> Question:
    """Goti et al. 2018 at a creatinine clearance of 80 mL/min; six infusions, two levels; 20 schedules."""
    return Question(
        name="vancomycin, 2 levels",
        individual=Individual(
            structure=Structure(2, False),
            row_time=np.array([-np.inf]),
            typical=np.array([[4.5 * (80.0 / 120.0) ** 0.8, 58.4, 6.5, 38.4, 1.0, 0.0, 1.0]]),
            eta_names=("CL", "V1", "V2"),
            eta_index=np.array([0, 1, -1, 2, -1, -1, -1]),
            omega=np.diag([0.147043, 0.510339, 0.282198]),
            residual=ResidualError(3.4, 0.227),
            binding=None,
        ),
        doses=DoseTable(
            np.arange(-72.0, 0.0, 12.0), np.full(6, 1000.0), np.ones(6), np.zeros(6, dtype=np.bool_)
        ),
        levels=Observations(np.array([-9.0, -0.5]), np.array([24.0, 15.0])),
        schedules=[
            Schedule(interval, duration, "iv")
            for interval in (8.0, 12.0, 24.0, 48.0)
            for duration in (1.0, 1.5, 2.0, 2.5, 3.0)
        ],
        candidate_mg=np.linspace(250.0, 3000.0, 25),
    )


def tacrolimus() -> Question:
    """Størset et al. 2014, haematocrit 33 %, whole blood; 14 doses, three troughs; 2 schedules."""
    sd = np.array([0.385253, 0.505848, 0.578148])
    correlation = np.array([[1.0, 0.43, 0.62], [0.43, 1.0, 0.0], [0.62, 0.0, 1.0]])
    return Question(
        name="tacrolimus, 3 levels",
        individual=Individual(
            structure=Structure(2, True),
            row_time=np.array([-np.inf]),
            typical=np.array([[811.0, 6290.0, 1200.0, 32100.0, 1.01, 0.41, 1.0]]),
            eta_names=("CL", "V1", "Q"),
            eta_index=np.array([0, 1, 2, -1, -1, -1, -1]),
            omega=correlation * np.outer(sd, sd),
            residual=ResidualError(0.0, 0.149),
            binding=np.array([[0.418 * 0.33, 0.0038]]),
        ),
        doses=DoseTable(
            np.arange(-168.0, 0.0, 12.0), np.full(14, 3.0), np.zeros(14), np.ones(14, dtype=np.bool_)
        ),
        levels=Observations(np.array([-96.0, -48.0, 0.0]), np.array([0.0041, 0.0068, 0.0060])),
        schedules=[Schedule(12.0, 0.0, "oral"), Schedule(24.0, 0.0, "oral")],
        candidate_mg=np.linspace(0.5, 12.5, 25),
    )


def search(question: Question, particles: Particles) -> None:
    """AUC24 and trough at steady state of every candidate in every particle."""
    for response in responses(particles, question.schedules, 1.0, question.doses):
        response.auc24(question.candidate_mg)
        response.trough(question.candidate_mg)


def reference_search(question: Question, parameters: FloatArray) -> None:
    """The same on the numpy reference: each schedule once with 1 mg, then every candidate as a product."""
    individual = question.individual
    kinetic = replace(individual, binding=None)
    for schedule in question.schedules:
        depot = schedule.route == "oral"
        rest = (schedule.interval_h, schedule.duration_h, depot)
        trough = reference.steady_state(kinetic, parameters, 1.0, *rest, np.zeros(1))[:, 0]
        troughs = np.multiply.outer(question.candidate_mg, trough)
        if individual.binding is None:
            area = reference.steady_state_auc24(individual, parameters, 1.0, *rest)
            np.multiply.outer(question.candidate_mg, area)
            continue
        bound(troughs, individual.binding[-1])
        arrived = parameters.copy()
        arrived[:, :, PARAMETERS.index("tlag")] = 0.0
        nodes, weights = interval_quadrature(schedule.interval_h, schedule.duration_h)
        profile = reference.steady_state(kinetic, arrived, 1.0, *rest, nodes)
        for dose in question.candidate_mg:
            _ = bound(dose * profile, individual.binding[-1]) @ weights


def in_turn(compiled: Callable[[], object], plain: Callable[[], object], runs: int) -> tuple[float, float]:
    """Median milliseconds of both. The slow one runs a tenth as often, at least twice."""
    fast, slow = [], []
    for run in range(runs):
        fast.append(_milliseconds(compiled))
        if run % max(runs // 10, 1) == 0 or run < 2:
            slow.append(_milliseconds(plain))
    return median(fast), median(slow)


def _milliseconds(work: Callable[[], object]) -> float:
    start = perf_counter()
    work()
    return (perf_counter() - start) * 1000.0


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Times of the dosing core, compiled beside numpy.")
    parser.add_argument("--runs", type=int, default=20, help="runs of each compiled measurement (default 20)")
    runs = parser.parse_args().runs
    warm()
    print(f"{'':42}{'compiled':>12}{'numpy':>12}{'ratio':>8}")
    for question in (vancomycin(), tacrolimus()):
        individual, doses, levels = question.individual, question.doses, question.levels
        plain: Prediction = partial(_plain, individual, doses, levels.time)
        believed = posterior(individual, doses, levels).thinned(PARTICLES)
        particles = Particles(((individual, believed.eta),))
        parameters = individual.parameters(believed.eta)
        candidates = len(question.schedules) * len(question.candidate_mg)
        works: list[tuple[str, Callable[[], object], Callable[[], object]]] = [
            (
                "one mode (5 starts)",
                partial(map_estimate, individual, doses, levels),
                partial(map_estimate, individual, doses, levels, plain),
            ),
            (
                "one posterior",
                partial(posterior, individual, doses, levels),
                partial(posterior, individual, doses, levels, plain),
            ),
            (
                f"search, {candidates} x {PARTICLES}",
                partial(search, question, particles),
                partial(reference_search, question, parameters),
            ),
        ]
        for name, compiled, numpy_one in works:
            fast, slow = in_turn(compiled, numpy_one, runs)
            print(
                f"{question.name + ': ' + name:42}{fast:9.1f} ms{slow:9.0f} ms{slow / fast:8.0f}", flush=True
            )


def _plain(individual: Individual, doses: DoseTable, times: FloatArray, parameters: FloatArray) -> FloatArray:
    return reference.concentrations(individual, parameters, doses, times)


if __name__ == "__main__":
    main()

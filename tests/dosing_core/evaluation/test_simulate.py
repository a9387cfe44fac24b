"""Virtual populations: percentiles known by hand, blocks that do not show, seeds that do."""

from __future__ import annotations

import numpy as np
import pytest
from datasets import simple_model

from dosing_core.errors import NotSupported
from dosing_core.evaluation import constant_individual, course, population, simulate
from dosing_core.kinetics import DoseTable

BOLUS = DoseTable(np.zeros(1), np.array([500.0]), np.zeros(1), np.zeros(1, dtype=np.bool_))
TIMES = np.array([1.0, 6.0, 12.0])


def test_percentiles_of_a_bolus_are_those_of_its_clearance() -> None:
    """10 mg/L after the dose, rate CL / V = 0.1/h, log-normal CL of sd 0.3: percentiles in closed form."""
    people = population(constant_individual(simple_model(), {"WT": 70.0}), 4096)
    found = course(people, BOLUS, TIMES)

    by_hand = [10.0 * np.exp(-0.1 * np.exp(0.3 * z) * TIMES) for z in (1.6449, 0.0, -1.6449)]
    assert found.percentiles == pytest.approx(np.array(by_hand), rel=0.01)
    assert found.typical == pytest.approx(10.0 * np.exp(-0.1 * TIMES), rel=1e-9)


def test_measured_levels_spread_by_the_residual_error() -> None:
    """Without time to differ, a level is 10 mg/L ± sqrt(0.1² + (0.1 · 10)²)."""
    people = population(constant_individual(simple_model(), {"WT": 70.0}), 4096)
    found = course(people, BOLUS, np.array([1e-6]))

    assert found.measured[:, 0] == pytest.approx(
        10.0 + 1.6449 * np.sqrt(1.01) * np.array([-1, 0, 1]), abs=0.02
    )
    assert found.percentiles[:, 0] == pytest.approx([10.0] * 3, rel=1e-6)


def test_a_level_is_never_below_nothing() -> None:
    people = population(constant_individual(simple_model(), {"WT": 70.0}), 1000)

    assert course(people, BOLUS, np.array([100.0])).measured.min() == 0.0


def test_blocks_of_time_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    people = population(constant_individual(simple_model(), {"WT": 70.0}), 100)
    times = np.linspace(0.0, 48.0, 50)
    whole = course(people, BOLUS, times)
    monkeypatch.setattr(simulate, "BLOCK", 700)
    told: list[int] = []
    parts = course(people, BOLUS, times, told.append)

    assert parts.percentiles == pytest.approx(whole.percentiles, rel=1e-12)
    assert told == [7, 14, 21, 28, 35, 42, 49, 50]


def test_a_seed_repeats_and_another_differs() -> None:
    individual = constant_individual(simple_model(), {"WT": 70.0})

    def drawn(seed: int) -> bytes:
        (group,) = population(individual, 5, seed).groups
        return group.eta.tobytes()

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)


def test_random_effects_have_the_models_covariance() -> None:
    model = simple_model(
        iiv={
            "CL": {"reported_as": "omega_variance", "reported_value": 0.09, "omega_variance": 0.09},
            "V1": {"reported_as": "omega_variance", "reported_value": 0.04, "omega_variance": 0.04},
        },
        correlations=[{"between": ["CL", "V1"], "value": 0.6}],
    )
    people = population(constant_individual(model, {"WT": 70.0}), 4096)

    assert np.cov(people.groups[0].eta.T) == pytest.approx(np.array([[0.09, 0.036], [0.036, 0.04]]), rel=0.01)


@pytest.mark.parametrize(("subjects", "words"), [(0, "at least one"), (5000, "need a seed")])
def test_impossible_populations_are_refused(subjects: int, words: str) -> None:
    with pytest.raises(NotSupported, match=words):
        population(constant_individual(simple_model(), {"WT": 70.0}), subjects)


def test_people_of_several_weights_take_turns() -> None:
    """CL is proportional to weight: half the people at 35 kg, half at 140 kg; no other variability shows."""
    model = simple_model(
        iiv={"CL": {"reported_as": "omega_SD", "reported_value": 1e-6, "omega_variance": 1e-12}}
    )
    sets = [constant_individual(model, {"WT": weight}) for weight in (35.0, 140.0)]
    found = course(population(sets, 100), BOLUS, np.array([6.0]))

    slow, fast = 10.0 * np.exp(-0.05 * 6.0), 10.0 * np.exp(-0.2 * 6.0)
    assert found.percentiles[:, 0] == pytest.approx([fast, (slow + fast) / 2.0, slow], rel=1e-5)
    assert [len(group.eta) for group in population(sets, 100).groups] == [50, 50]
    assert len(population(sets, 100, seed=3)) == 100

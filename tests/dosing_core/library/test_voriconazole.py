"""Voriconazole: its model gives the published numbers and saturates, and its answers make clinical sense."""

from __future__ import annotations

import numpy as np
import pytest
from bedside import asked, infusion, median, option

from dosing_core import recommend
from dosing_core.case import Case, CoMedication, Genotype, Regimen
from dosing_core.inference import Particles
from dosing_core.kinetics import no_doses
from dosing_core.library import load_drug
from dosing_core.population.bind import bind
from dosing_core.regimens.past import past_of
from dosing_core.regimens.responses import Schedule
from dosing_core.regimens.simulated import SimulatedResponse

FILE = load_drug("voriconazole")
MODEL = FILE.model
ORAL = Regimen(dose_mg=200, interval_h=12, route="oral")


def _question(regimen: Regimen | None = ORAL, genotype: str = "", **facts: object) -> Case:
    case = asked("voriconazole", regimen, age=45, **facts)  # type: ignore[arg-type]
    found = (Genotype(gene="CYP2C19", diplotype=genotype, source="x"),) if genotype else ()
    route = regimen.route if regimen else "oral"
    return case.model_copy(
        update={
            "subject": case.subject.model_copy(update={"genotypes": found}),
            "order": case.order.model_copy(update={"route": route}),
        }
    )


def _typical(genotype: str, *co_medications: str) -> SimulatedResponse:
    """Tablets every 12 h for a week in the typical person of 70 kg."""
    case = _question(genotype=genotype, kg=70)
    taken = tuple(CoMedication(drug=one, source="x") for one in co_medications)
    subject = case.subject.model_copy(update={"co_medications": taken})
    bound = bind(MODEL, case.model_copy(update={"subject": subject}), FILE.interactions)
    person = bound.hypotheses[0].individual
    particles = Particles(((person, np.zeros((1, len(person.eta_names)))),))
    return SimulatedResponse(
        Schedule(12.0, 0.0, "oral"), past_of(particles, no_doses(), 0.0), horizon_h=168.0
    )


def test_friberg_gives_the_papers_values_by_metaboliser() -> None:
    normal, poor = (MODEL.evaluate({"WT": 70, "IMPM": kind}) for kind in (0, 1))

    assert (normal["Vinh"], normal["F"]) == pytest.approx((0.818, 0.642), abs=5e-4)
    assert poor["Vinh"] == 1.0


def test_without_the_saturable_path_dose_over_clearance_is_left() -> None:
    """Intermediate metabolisers inhibit the saturable path wholly: what is left of it after a week is
    114 · 1.41 / (167 + 1.41) = 0.95 mg/h over Km, some 0.3 L/h at 1.7 mg/L, beside 6.16 L/h."""
    auc12 = _typical("*1/*2").auc24(np.array([200.0]))[0, 0] / 2

    assert auc12 == pytest.approx(0.642 * 200 / (6.16 + 0.34), rel=0.03)


def test_half_as_much_again_brings_more_than_half_as_much_again() -> None:
    low, high = _typical("*1/*1").trough(np.array([200.0, 300.0]))[:, 0]

    assert high / low > 1.7


def test_intermediate_metabolisers_reach_more_and_an_unknown_genotype_is_both() -> None:
    rapid, intermediate = (_typical(one).trough(np.array([200.0]))[0, 0] for one in ("*17/*17", "*1/*2"))
    unknown = bind(MODEL, _question())

    assert intermediate > 2 * rapid
    assert [one.probability for one in unknown.hypotheses] == pytest.approx([0.584, 0.416])
    assert "intermediate metabolizer" in unknown.assumptions[0].text


def test_an_inducer_takes_it_away() -> None:
    """Swiss label: rifampicin lowers the area by 96 %; the model's saturable part makes of it what it can."""
    alone, beside = (
        _typical("*1/*2", *drugs).auc24(np.array([200.0]))[0, 0] for drugs in ((), ("rifampicin",))
    )

    assert beside == pytest.approx(0.04 * alone, rel=0.3)


def test_an_ultrarapid_metaboliser_is_not_promised_the_aim() -> None:
    answer = recommend(_question(genotype="*17/*17"))

    assert answer.outcome == "recommend"
    for one in answer.options:
        assert one.regimen.dose_mg <= 300
        assert one.inside.value < 0.25
    assert median(option(answer, "recommended"), "trough") > 1.6 * median(
        option(answer, "as_ordered"), "trough"
    )
    assert any("never scale" in one.text for one in answer.assumptions)


def test_a_poor_metaboliser_is_refused_with_the_reason() -> None:
    refused = recommend(_question(genotype="*2/*2"))

    assert refused.outcome == "out_of_scope"
    assert "*2/*2" in refused.reason
    assert "another drug" in refused.reason
    assert not refused.options


@pytest.mark.parametrize(
    ("facts", "outcome", "says"),
    [
        ({"conditions": ["liver_disease"]}, "out_of_scope", "levels"),
        ({"kg": 38}, "out_of_scope", "weight"),
        ({"kg": None}, "insufficient", "weight"),
    ],
)
def test_what_no_model_holds_for_is_refused(facts: dict[str, object], outcome: str, says: str) -> None:
    answer = recommend(_question(infusion(300, 12, 2), **facts))  # type: ignore[arg-type]

    assert answer.outcome == outcome
    assert says in answer.reason
    assert not any(one.role == "recommended" for one in answer.options)


def test_adolescents_have_no_model_here() -> None:
    assert recommend(asked("voriconazole", infusion(300, 12, 2), age=16, kg=60)).outcome == "out_of_scope"

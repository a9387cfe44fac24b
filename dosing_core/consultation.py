"""What is believed of the patient, and what each practical regimen would do: the numbers behind an answer.

Nothing is worded or decided here beyond the best fit. The same arithmetic, with one fact changed, gives the
sensitivities.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from dosing_core.averaging import Panel
from dosing_core.case import Case, Dose, Finding, Regimen
from dosing_core.earlier_doses import with_earlier_doses
from dosing_core.goals import choose_target
from dosing_core.goals.individual_target import IndividualAim, individual_aim
from dosing_core.inference.belief import Belief
from dosing_core.kinetics import DoseTable, concentrations, dose_table
from dosing_core.library.schema import DrugFile
from dosing_core.measured import measured
from dosing_core.parameters import parameter_estimates
from dosing_core.population.individual import FloatArray
from dosing_core.population.readings import read_now
from dosing_core.recommendation import ParameterEstimate, Target
from dosing_core.regimens.candidates import Candidate
from dosing_core.regimens.choices import choices_for
from dosing_core.regimens.comparison import best
from dosing_core.regimens.infusion import standard_duration
from dosing_core.regimens.limits import RENAL, PatientLimits, patient_limits
from dosing_core.regimens.search import Question, Scored, Search, score, search
from dosing_core.regimens.timing import Timing, timing
from dosing_core.review import Reviewed, review
from dosing_core.screening import Screening, latest_measurement

PARTICLES = 1024
"""Every regimen is asked of so many equally likely patients: a chance is then known to about one percent."""


@dataclass(frozen=True, eq=False)
class Consultation:
    """One patient, one order, all numbers."""

    case: Case
    """With the usable doses and levels only."""
    drug_file: DrugFile
    panel: Panel
    reviewed: Reviewed
    unused_effects: tuple[Finding, ...]
    """Measured effects that no model here predicts."""
    history: DoseTable
    supposed: tuple[str, ...]
    """What had to be supposed of the time before the record begins, in words."""
    timing: Timing
    limits: PatientLimits
    weight_kg: float
    height_cm: float | None
    target: Target
    aim: IndividualAim | None
    """Where the target follows from the patient's own dose-response: what it rests on."""
    candidates: tuple[Candidate, ...]
    question: Question
    search: Search
    chosen: Scored | None
    """The best candidate; None if no practical regimen is inside the limits."""
    order_search: Search | None
    """The order as written, an unwritten infusion length filled in; None if it is incomplete."""

    @property
    def ordered(self) -> Scored | None:
        """The order's own score."""
        return self.order_search.scored[0] if self.order_search else None

    def values(self, regimen: Regimen) -> FloatArray:
        """[n] exposure under this regimen in each of the question's particles, in the target's metric."""
        for found in filter(None, (self.order_search, self.search)):
            if (place := found.place(regimen)) is not None:
                return np.asarray(found.values[place])
        return np.asarray(search(self.question, (Candidate(regimen, usual=True, preference=0),)).values[0])

    @cached_property
    def names(self) -> dict[int, str]:
        """What each hypothesis supposes of unknown facts, by the ``id`` of its individual."""
        return {id(person): name for _, name, person in self.panel.hypotheses}

    def search_with(self, regimen: Regimen) -> Search:
        """The search with this regimen among the candidates."""
        if self.search.place(regimen) is not None:
            return self.search
        one = self.order_search
        if one is None or one.candidates[0].regimen != regimen:
            one = search(self.question, (Candidate(regimen, usual=True, preference=0),))
        return self.search.joined(one)

    @cached_property
    def parameters(self) -> tuple[ParameterEstimate, ...]:
        """What is believed of clearance and volumes."""
        return parameter_estimates(self.reviewed.belief, len(self.reviewed.used))

    @cached_property
    def expected_when_due(self) -> float:
        """Median concentration when the next dose is due, before it is given, mg/L."""
        history, due = self.question.history, np.array([self.question.first_h])
        values = self.question.particles.map(lambda person, p: concentrations(person, p, history, due))
        return float(np.median(values))

    @property
    def belief(self) -> Belief:
        """What the plausible levels say."""
        return self.reviewed.belief


def consult(case: Case, drug_file: DrugFile, screening: Screening, models: Panel) -> Consultation:
    """Work out all numbers for a screened case and models of which at least one may speak."""
    doses, levels = screening.doses, screening.levels
    history, supposed = with_earlier_doses(dose_table(doses, case.now), case, doses, drug_file)
    drawn = measured(case, levels, [person for *_, person in models.hypotheses])
    reviewed = review(models.hypotheses, history, drawn.each, drawn.seen, doses, drug_file)
    when = timing(case, doses, drug_file.usual_intervals_h, drug_file.induction)
    weight = latest_measurement(case.subject.weight, case.now)
    height = latest_measurement(case.subject.height, case.now)
    if weight is None:
        raise ValueError("screening let a case without a weight pass")
    present = when.present.daily_dose_mg if when.present else None
    clearance = read_now(RENAL, case)
    limits = patient_limits(drug_file, weight.value, present, clearance.value if clearance else None)
    ordered = judged_order(case.order.regimen, drug_file)
    target = choose_target(drug_file, case)
    question = ask(reviewed.belief, drug_file, target, when, history)
    aim = _own_aim(question, case, drug_file, ordered or when.present)
    if aim is not None:
        target, question = aim.target, replace(question, target=aim.target)
    choices = choices_for(question, drug_file, limits, weight.value, screening.route, ordered)
    found = search(question, choices)
    return Consultation(
        case=case,
        drug_file=drug_file,
        panel=models,
        reviewed=reviewed,
        unused_effects=drawn.unused,
        history=history,
        supposed=supposed,
        timing=when,
        limits=limits,
        weight_kg=weight.value,
        height_cm=height.value if height else None,
        target=target,
        aim=aim,
        candidates=choices,
        question=question,
        search=found,
        chosen=best(found.scored, target, drug_file.judgement),
        order_search=search(question, (Candidate(ordered, usual=True, preference=0),)) if ordered else None,
    )


def _own_aim(
    question: Question, case: Case, drug_file: DrugFile, regimen: Regimen | None
) -> IndividualAim | None:
    """The aim that follows from this patient's own dose-response, where the drug file asks for one, effects
    were measured, and nobody set another goal."""
    rule = drug_file.individual_target
    if rule is None or regimen is None or case.goal is not None or not case.effects:
        return None
    return individual_aim(question, rule, regimen)


def ask(belief: Belief, drug_file: DrugFile, target: Target, when: Timing, history: DoseTable) -> Question:
    """The question that every regimen is asked under this belief."""
    return Question(
        particles=belief.particles(PARTICLES),
        effective=min(belief.effective_sample_size, float(PARTICLES)),
        first_h=when.first_h,
        history=history.before(when.first_h),
        target=target,
        judgement=drug_file.judgement,
        occasion_cv=drug_file.occasion_cv.value if drug_file.occasion_cv else 0.0,
        harmful_trough=drug_file.harmful_trough,
    )


def best_under(consultation: Consultation, belief: Belief) -> Regimen | None:
    """The regimen that would be best under another belief, all else equal."""
    own = consultation
    question = ask(belief, own.drug_file, own.target, own.timing, own.history)
    found = best(score(question, own.candidates), question.target, question.judgement)
    return found.regimen if found else None


def judged_order(ordered: Regimen | None, drug_file: DrugFile) -> Regimen | None:
    """The order with an infusion length, the standard one where none is written."""
    if ordered is None or drug_file.infusion is None or ordered.route != "iv" or ordered.duration_h > 0:
        return ordered
    length = standard_duration(ordered.dose_mg, drug_file.infusion)
    return ordered.model_copy(update={"duration_h": length})


def usable(case: Case, doses: Sequence[Dose], screening: Screening) -> Case:
    """The case with only those doses, levels and facts that count."""
    subject = case.subject
    if screening.stale:
        subject = subject.model_copy(update=dict.fromkeys(screening.stale, ()))
    return case.model_copy(update={"subject": subject, "doses": tuple(doses), "levels": screening.levels})

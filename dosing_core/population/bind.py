"""``bind``: bring a population model to one case.

Each fact that the model needs is found, computed or named as missing. What is unknown but has few values
gives one hypothesis a value. Nothing is filled in silently.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import product

import numpy as np

from dosing_core.case import Case
from dosing_core.errors import InvalidExpression
from dosing_core.facts import words_of
from dosing_core.interactions import Effect
from dosing_core.library.interaction import Interaction
from dosing_core.population import covariates as timeline
from dosing_core.population import occasions, states
from dosing_core.population.applies import beyond_limits, beyond_validity, covariate_of, reads
from dosing_core.population.applies import words_of as words_of_fact
from dosing_core.population.covariates import FIRST_DAY
from dosing_core.population.individual import Individual
from dosing_core.population.model import PopulationModel
from dosing_core.population.moving import ahead, is_moving, moves
from dosing_core.population.occasions import Occasion
from dosing_core.population.other_drugs import OtherDrugs, slowed, spread, widened
from dosing_core.population.quantity import QUANTITIES
from dosing_core.population.readings import is_settled, read, read_now
from dosing_core.population.rows import Row, individual_of, row_of
from dosing_core.population.unknowns import Resolved, resolved
from dosing_core.recommendation import Assumption, UsedFact

LINEAR_STEP = timedelta(hours=6)
MOST_LINEAR_ROWS = 200
"""Project policy: a line between two measurements is taken in steps of 6 h, each with its middle's value;
in steps of a two-hundredth of longer histories, so that no history costs without bound."""


@dataclass(frozen=True)
class Hypothesis:
    """One way in which the unknown facts may stand. Prior probabilities of all hypotheses sum to 1."""

    probability: float
    name: str
    """What it supposes, such as ``CYP3A5 expresser``; ``as recorded`` where nothing is unknown."""
    individual: Individual


@dataclass(frozen=True)
class Bound:
    """A model brought to one case."""

    model: PopulationModel
    hypotheses: tuple[Hypothesis, ...]
    """Empty if ``missing`` or ``beyond_validity`` is not: then this model must not speak."""
    missing: tuple[str, ...]
    """Facts that the model needs and the record does not have: covariate names, ``age``, ``sex``."""
    outside: tuple[str, ...]
    """How the patient differs from the people that the model was built from, in words."""
    beyond_validity: tuple[str, ...]
    """Those differences with which the model must not be used at all."""
    used: tuple[UsedFact, ...]
    assumptions: tuple[Assumption, ...]
    notes: tuple[str, ...]
    """How facts were carried through time."""
    interactions: tuple[Interaction, ...] = ()
    """The drug file's."""

    @property
    def inside_population(self) -> bool:
        """True if nothing is known that sets the patient apart from the model's cohort."""
        return not self.outside


def bind(model: PopulationModel, case: Case, interactions: tuple[Interaction, ...] = ()) -> Bound:
    """Bring ``model`` to the patient of ``case``; ``interactions`` are the drug file's.

    Rows run from the first dose or level up to ``case.now``; the last one holds from then on.
    """
    others = _others(model, case, interactions)
    discrete = resolved(model, case)
    needed = _needed(model, discrete)
    missing = _missing(model, case, needed, discrete)
    beyond = beyond_validity(model, case)
    outside = (*beyond, *beyond_limits(model, case, "observed"))
    hypotheses: tuple[Hypothesis, ...] = ()
    if not missing and not beyond:
        try:
            hypotheses = tuple(_hypotheses(model, case, discrete, others))
        except (InvalidExpression, ValueError, ArithmeticError) as error:
            reason = f"{model.name} gives no usable values for this patient ({error})"
            beyond, outside = (*beyond, reason), (*outside, reason)
    return Bound(
        model=model,
        hypotheses=hypotheses,
        missing=missing,
        outside=outside,
        beyond_validity=beyond,
        used=(
            *timeline.measured_facts(needed, case.subject, case.now),
            *_derived(model, case, discrete),
            *(fact for one in discrete.values() for fact in one.used),
            *others.used(),
        ),
        assumptions=(
            *(assumption for one in discrete.values() for assumption in one.assumptions),
            *others.assumptions(),
        ),
        notes=_notes(model, case, discrete),
        interactions=interactions,
    )


def rebound(
    model: PopulationModel, case: Case, interactions: tuple[Interaction, ...] = ()
) -> tuple[Hypothesis, ...]:
    """The hypotheses alone, for a model that was bound before and a case with other values; empty if it may
    not speak then."""
    if beyond_validity(model, case):
        return ()
    try:
        others = _others(model, case, interactions)
        return tuple(_hypotheses(model, case, resolved(model, case), others))
    except (InvalidExpression, ValueError, ArithmeticError):
        return ()


def _others(model: PopulationModel, case: Case, interactions: tuple[Interaction, ...]) -> OtherDrugs:
    """The patient's other drugs, as they meet the route that the order or else the model has."""
    return OtherDrugs(interactions, case.subject, case.order.route or model.structure.routes[0], case.now)


def _needed(model: PopulationModel, discrete: dict[str, Resolved]) -> tuple[str, ...]:
    """Facts that the model's covariates and limits of validity are computed from, each once; without those of
    covariates that are supposed."""
    facts = [
        fact
        for name, covariate in model.covariates.items()
        if name not in discrete
        for fact in timeline.needed_facts(covariate)
    ]
    facts += _free(model)  # never on record
    coped = {covariate.quantity for name, covariate in model.covariates.items() if name in discrete}
    for limit in model.population.limits:
        if limit.kind == "validity" and limit.quantity not in coped:
            facts += timeline.needed_facts(covariate_of(model, limit))
    return tuple(dict.fromkeys(facts))


def _missing(
    model: PopulationModel, case: Case, needed: tuple[str, ...], discrete: dict[str, Resolved]
) -> tuple[str, ...]:
    """What is not on record and stops the model, each once."""
    free = _free(model)
    lacking = (fact for fact in needed if fact in free or not timeline.is_known(fact, case))
    facts = [timeline.fact_of(fact) for fact in lacking]
    for name, covariate in model.covariates.items():
        unsettled = name not in discrete and name not in free and not is_settled(covariate, case)
        if unsettled and not timeline.needed_facts(covariate):
            facts.append(states.lacking(covariate, case))
    return tuple(dict.fromkeys(facts))


def _free(model: PopulationModel) -> tuple[str, ...]:
    """Covariates that only a dataset can give."""
    return tuple(name for name, covariate in model.covariates.items() if covariate.quantity is None)


def _hypotheses(
    model: PopulationModel, case: Case, discrete: dict[str, Resolved], others: OtherDrugs
) -> Iterator[Hypothesis]:
    for kind_probability, kind, kind_model in model.kinds():
        for combination in product(*(one.alternatives for one in discrete.values())):
            values = {
                name: alternative.value for name, alternative in zip(discrete, combination, strict=True)
            }
            labels = [alternative.label for alternative in combination if alternative.label]
            probabilities = [kind_probability, *(alternative.probability for alternative in combination)]
            yield Hypothesis(
                probability=math.prod(probabilities),
                name=", ".join(filter(None, (kind, *labels))) or "as recorded",
                individual=_individual(kind_model, case, values, others),
            )


def _individual(
    model: PopulationModel, case: Case, fixed: dict[str, float], others: OtherDrugs
) -> Individual:
    """Raises ``InvalidExpression`` or ``ValueError`` if the model gives no usable value."""
    transplant = timeline.transplanted_at(case.subject, case.now)
    times: list[float] = []
    rows: list[Row] = []
    known: tuple[dict[str, float], tuple[Effect, ...]] | None = None
    changes = _change_points(model, case, others)
    seen = case
    if model.interpolation != timeline.LOCF:
        seen = case.model_copy(update={"subject": timeline.known_by(case.subject, case.now)})
    for time, until in zip(changes, [*changes[1:], None], strict=True):
        values = dict(fixed)
        middle = time if until is None else time + (until - time) / 2
        for name, covariate in model.covariates.items():
            if covariate.quantity == "first_day_after_transplant":
                values[name] = 1.0 if timeline.on_first_day(transplant, time) else 0.0
            elif name not in fixed:
                linear = model.interpolation == "linear" or is_moving(covariate)
                moment = middle if linear else time
                if until is None:
                    moment += ahead(covariate)
                values[name] = read(covariate, seen, moment, model.interpolation).value
        found = others.lasting if until is None else others.at(time + (until - time) / 2)
        if known == (values, found):
            continue
        known, row = (values, found), row_of(model, values)
        if found:
            row = replace(
                row,
                typical=slowed(model.form.columns, row.typical, found),
                points=tuple(slowed(model.form.columns, point, found) for point in row.points),
                spread=spread(found),
            )
        if not rows or row != rows[-1]:
            times.append(_hours(time, case) if rows else -np.inf)
            rows.append(row)
    labels: list[str] | None = None
    if model.iov:
        times, rows, labels = occasions.split(times, rows, _occasions(model, case))
    individual = widened(individual_of(model, times, rows, labels), [row.spread for row in rows])
    return replace(individual, clock_h=_clock(case))


def _hours(time: datetime, case: Case) -> float:
    return (time - case.now).total_seconds() / 3600.0


def _clock(case: Case) -> float:
    """Hour of the local day at ``now``."""
    return case.now.hour + case.now.minute / 60.0 + case.now.second / 3600.0


def _occasions(model: PopulationModel, case: Case) -> tuple[Occasion, ...]:
    """The patient's occasions. Raises ``ValueError`` where the model has too many effects for even one."""
    if model.occasions is None:
        return ()
    room = (occasions.MOST_EFFECTS - len(model.iiv)) // len(model.iov) - 1
    if room < 0:
        raise ValueError(f"more than {occasions.MOST_EFFECTS} random effects")
    return occasions.in_a_case(
        model.occasions,
        doses=[_hours(dose.time, case) for dose in case.doses],
        levels=sorted(
            _hours(time, case)
            for time in ([one.time for one in case.levels] + [one.time for one in case.effects])
        ),
        midnight=-_clock(case),
        most=min(room, model.occasions.own),
    )


def _start(case: Case) -> datetime:
    """The first dose or level, at most ``now``: nothing before it matters."""
    times = [dose.time for dose in case.doses] + [level.time for level in case.levels]
    return min([case.now, *times, *(effect.time for effect in case.effects)])


def _change_points(model: PopulationModel, case: Case, others: OtherDrugs) -> list[datetime]:
    """The start and every later instant up to ``now`` at which a covariate or another drug's effect may
    change."""
    start = _start(case)
    times: set[datetime] = set()
    for covariate in model.covariates.values():
        names = timeline.timelines(covariate)
        times |= {measurement.time for name in names for measurement in case.subject.timeline(name)}
        times |= states.changes(covariate, case)
        times |= moves(covariate, case, start)
    transplant = timeline.transplanted_at(case.subject, case.now)
    if transplant is not None and reads(model, "first_day_after_transplant"):
        times |= {transplant, transplant + FIRST_DAY}
    moving = others.changes(start)
    times |= moving
    if moving or (others.lasting != others.at(case.now)):
        times.add(case.now)  # the future is not what has been
    marks = [start, *sorted(time for time in times if start < time <= case.now)]
    if model.interpolation != "linear":
        return marks
    step = max(LINEAR_STEP, (case.now - start) / MOST_LINEAR_ROWS)
    return [
        mark + part * ((until - mark) / parts)
        for mark, until in zip(marks, [*marks[1:], case.now], strict=True)
        for parts in [max(math.ceil((until - mark) / step), 1)]
        for part in range(parts)
    ]


def _derived(model: PopulationModel, case: Case, discrete: dict[str, Resolved]) -> tuple[UsedFact, ...]:
    """Covariates that are computed, and states, as they stand at ``now``."""
    facts: list[UsedFact] = []
    for name, covariate in model.covariates.items():
        if covariate.quantity is None or name in discrete:
            continue
        row = QUANTITIES[covariate.quantity]
        if row.kind == "state":
            facts += states.used(covariate, case)
        elif row.shown and (reading := read_now(covariate, case)) is not None:
            names = timeline.timelines(covariate)
            first = timeline.at(case.subject.timeline(names[0]), case.now) if names else None
            facts.append(
                UsedFact(
                    name=words_of_fact(covariate.quantity),
                    value=reading.text,
                    time=first.time if first else None,
                    source=first.source if first else case.subject.source,
                )
            )
    return tuple(facts)


def _notes(model: PopulationModel, case: Case, discrete: dict[str, Resolved]) -> tuple[str, ...]:
    start = _start(case)
    names = [name for covariate in model.covariates.values() for name in timeline.timelines(covariate)]
    notes = [
        f"Before the first {words_of(name)} on record, that first value is used."
        for name in dict.fromkeys(names)
        if case.subject.timeline(name) and case.subject.timeline(name)[0].time > start
    ]
    for name, one in discrete.items():
        steroid = model.covariates[name].quantity == "prednisolone_daily_dose"
        if steroid and start < case.now and any(alternative.value > 0 for alternative in one.alternatives):
            notes.append("Prednisolone is taken at today's dose for the whole history.")
    if reads(model, "daily_dose"):
        notes.append(
            "The model reads the daily dose: before now as given, from now on as ordered, also where another "
            "dose is judged."
        )
    if model.subpopulations:
        kinds = ", ".join(f"{name} ({probability:.0%})" for probability, name, _ in model.kinds())
        notes.append(f"The model knows kinds of people that no fact on record tells apart: {kinds}.")
    if model.interpolation == timeline.NOCB:
        notes.append("Between two measurements of a covariate the later one is used, as the model was built.")
    if model.interpolation == "linear":
        notes.append("Between two measurements of a covariate a line is taken, in steps of 6 h or more.")
    if model.iov:
        notes.append(_occasion_note(model, case))
    return tuple(notes)


def _occasion_note(model: PopulationModel, case: Case) -> str:
    """Which occasions of the patient have random effects of their own."""
    try:
        found = _occasions(model, case)
    except ValueError:
        return ""
    own = sum(1 for occasion in found if occasion.label) - 1
    older = len(found) - 1 - own
    parts = [f"the last {own} with levels {'is' if own == 1 else 'are'} told apart"] if own else []
    parts += [f"{older} other{' is' if older == 1 else 's are'} taken as the patient's mean"] if older else []
    parts.append("the next doses meet a new one")
    return f"{', '.join(model.iov)}: occasions within the patient differ; {', '.join(parts)}."

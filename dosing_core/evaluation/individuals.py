"""From a dataset's subject to what kinetics and inference need: ``Individual``, courses of doses, and levels.

The dataset is in the model's units: TIME, II and RATE in its unit of time, AMT in mg, DV in its unit of
concentration, each covariate under the model's name and in the model's unit. Here all becomes h, mg and mg/L,
with the dataset's own zero of time.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from dosing_core.errors import InvalidCovariate, InvalidDataset, InvalidExpression, NotSupported
from dosing_core.evaluation.compartments import output_of, through_depot
from dosing_core.evaluation.courses import Course, from_row, prediction_of, whole
from dosing_core.evaluation.dataset import CovariateRow, Dataset, DatasetSubject
from dosing_core.evaluation.dosing import given, preceding
from dosing_core.evaluation.records import DoseRecord, Sample
from dosing_core.evaluation.timeline import Timeline, timeline
from dosing_core.inference import Observations
from dosing_core.inference.general import TOGETHER
from dosing_core.kinetics import DoseTable, Prediction, no_doses
from dosing_core.kinetics.events import rows_at
from dosing_core.population import occasions
from dosing_core.population.individual import FloatArray, Individual, IntArray
from dosing_core.population.model import PopulationModel
from dosing_core.population.rows import ORDER, Row, individual_of, row_of
from dosing_core.population.system import System

PLAUSIBLE = (1e-6, 1e8)
"""Project policy: in L, h and their ratios no drug's parameter is beyond; such a covariate is a slip."""


@dataclass(frozen=True, eq=False)
class ModelledSubject:
    """One subject of a dataset under one model."""

    id: str
    individual: Individual
    courses: tuple[Course, ...]
    sample_row: IntArray
    """[n] row in the dataset of each level or instant to predict."""
    sample_time: FloatArray
    """[n] h, as in the dataset."""
    sample_value: FloatArray
    """[n] in the output's unit (mg/L); where censored, the limit; nan where only a prediction is wanted."""
    sample_output: IntArray
    """[n] which output of the structure each is of."""
    sample_limit: IntArray
    """[n] 0 as measured; -1 the level is below ``sample_value``, 1 above."""
    notes: tuple[str, ...]
    """What was done to the records, and how the subject differs from the model's population."""

    @cached_property
    def measured(self) -> IntArray:
        """[n_levels] which samples are levels."""
        return np.flatnonzero(~np.isnan(self.sample_value))

    @cached_property
    def observations(self) -> Observations:
        """The levels, at the times of their courses."""
        time = np.empty(len(self.sample_value))
        for course in self.courses:
            time[course.place] = course.time
        at = self.measured
        return Observations(
            time[at], self.sample_value[at], output=self.sample_output[at], limit=self.sample_limit[at]
        )

    @property
    def doses(self) -> DoseTable:
        """Every dose of every course."""
        doses = no_doses()
        for course in self.courses:
            doses = doses.joined(course.doses)
        return doses

    @cached_property
    def whole(self) -> Course | None:
        """The only course, where there are no resets: what the compiled inference takes."""
        return whole(self.individual, self.courses)

    @cached_property
    def levels_predicted(self) -> Prediction | None:
        """What takes the place of the structure's own prediction of the levels; None for one whole course."""
        if self.whole is not None:
            return None
        return prediction_of(self.individual, self.courses, self.sample_output, self.measured, TOGETHER)

    @cached_property
    def prediction(self) -> Prediction:
        """Parameters to what is predicted at every sample."""
        return prediction_of(self.individual, self.courses, self.sample_output)


def modelled(model: PopulationModel, dataset: Dataset) -> tuple[ModelledSubject, ...]:
    """Every subject under ``model``.

    Raises ``NotSupported`` for a model that cannot be fitted, and ``InvalidDataset`` naming the row for a
    record that does not fit the model.
    """
    check_usable(model)
    known: dict[object, Row] = {}
    return tuple(_modelled(model, subject, known) for subject in dataset.subjects)


def check_usable(model: PopulationModel) -> None:
    """Raises ``NotSupported`` for a model without variability and residual error."""
    if len(model.kinds()) > 1 or model.support is not None:
        raise NotSupported(
            f"{model.id} is a mixture or has support points, which a dataset is not fitted with"
        )
    if model.interpolation == "linear":
        raise NotSupported(f"{model.id}: interpolation linear is not for datasets; covariates hold by record")
    if model.use != "estimation":
        raise NotSupported(f"{model.id} gives typical values only, without variability and residual error")


def constant_individual(model: PopulationModel, covariates: Mapping[str, float]) -> Individual:
    """A person whose covariates never change.

    Raises ``NotSupported`` for a model that cannot be used, and ``InvalidCovariate`` naming the covariate
    that is absent, unknown or not usable.
    """
    check_usable(model)
    for name in covariates:
        if name not in model.covariates:
            known = ", ".join(model.covariates) or "none"
            raise InvalidCovariate(name, f"{model.id} has no such covariate; it has {known}")
    for name, covariate in model.covariates.items():
        if name not in covariates:
            raise InvalidCovariate(name, f"{model.id} needs it, in {covariate.unit}")
    return individual_of(model, [-math.inf], [_row(model, covariates)])


def _row(model: PopulationModel, covariates: Mapping[str, float]) -> Row:
    """Raises ``InvalidCovariate`` for values that the model cannot use."""
    taken = {}
    for name, value in covariates.items():
        covariate = model.covariates[name]
        if covariate.unit == "0/1" and value not in (0, 1):
            raise InvalidCovariate(name, f"{value:g} is neither 0 nor 1")
        if value < 0 and covariate.quantity is not None:
            raise InvalidCovariate(name, f"{value:g} {covariate.unit} is below 0")
        taken[name] = value if covariate.maximum is None else min(value, covariate.maximum)
    try:
        row = row_of(model, taken)
    except (InvalidExpression, ValueError, ArithmeticError) as error:
        raise InvalidCovariate(
            "", f"{model.id} gives no usable values for these covariates: {error}"
        ) from error
    for name, value in zip(ORDER, row.typical, strict=False) if model.form.columns == ORDER else ():
        if value != 0 and not PLAUSIBLE[0] <= value <= PLAUSIBLE[1]:
            raise InvalidCovariate(
                "", f"{model.id} gives no usable values for these covariates: {name} is {value:.3g}"
            )
    return row


def _modelled(model: PopulationModel, subject: DatasetSubject, known: dict[object, Row]) -> ModelledSubject:
    hours = model.units.hours
    rows = [_known(model, record, known) for record in subject.covariates]
    keys = [(row, record.occasion) for row, record in zip(rows, subject.covariates, strict=True)]
    when = timeline(subject.events, keys, hours, model.interpolation)
    individual = _individual(model, subject, when, rows)
    notes: list[str] = []
    samples = [
        (k, _quantified(model, individual, event, notes))
        for k, event in enumerate(subject.events)
        if isinstance(event, Sample)
    ]
    courses = _courses(model, subject, individual, when, notes)
    output = [output_of(model, individual, sample) for _, sample in samples]
    levels = [(k, sample) for k, sample in samples if sample.value is not None]
    first = min(
        (when.time[k] for k, event in enumerate(subject.events) if isinstance(event, DoseRecord)),
        default=math.inf,
    )
    early = sum(1 for k, _ in levels if when.time[k] <= first)
    if early and not any(dose.steady_state for dose in subject.doses):
        notes.append(f"{early} level(s) before the first dose: the model expects nothing there")
    if subject.censored_dropped:
        notes.append(f"{subject.censored_dropped} censored level(s) left out")
    notes += _outside(model, subject)
    for (_, sample), place in zip(samples, output, strict=True):
        _check_level(individual, sample, place)
    scale = [model.form.outputs[place].scale for place in output]
    values = [
        math.nan if sample.value is None else sample.value * factor
        for (_, sample), factor in zip(samples, scale, strict=True)
    ]
    return ModelledSubject(
        id=subject.id,
        individual=individual,
        courses=tuple(courses),
        sample_row=np.array([sample.row for _, sample in samples], dtype=np.int64),
        sample_time=np.array([sample.time for _, sample in samples], dtype=np.float64) * hours,
        sample_value=np.array(values, dtype=np.float64),
        sample_output=np.array(output, dtype=np.int64),
        sample_limit=np.array([sample.censored for _, sample in samples], dtype=np.int64),
        notes=tuple(notes),
    )


def _known(model: PopulationModel, record: CovariateRow, known: dict[object, Row]) -> Row:
    """Each set of covariates is computed once. Raises ``InvalidDataset`` where the model cannot use it."""
    key = tuple(record.values.values())
    if key not in known:
        try:
            known[key] = _row(model, record.values)
        except InvalidCovariate as error:
            raise InvalidDataset(record.row, error.name, error.problem) from error
    return known[key]


def _individual(
    model: PopulationModel, subject: DatasetSubject, when: Timeline, rows: Sequence[Row]
) -> Individual:
    """With the occasions that the dataset's column numbers, or those that the model's rule finds."""
    own = [rows[k] for k in when.row_record]
    if model.occasions is None:
        return individual_of(model, when.row_time, own)
    if model.occasions.by == "column":
        numbers = [subject.covariates[k].occasion for k in when.row_record]
        return individual_of(model, when.row_time, own, [f"OCC{number}" for number in numbers])
    events = list(zip(when.time, subject.events, strict=True))
    doses = [time for time, event in events if isinstance(event, DoseRecord)]
    levels = [time for time, event in events if isinstance(event, Sample) and event.value is not None]
    begun = occasions.starts(model.occasions, doses, levels, midnight=0.0)
    named = [occasions.Occasion(start, f"OCC{number}") for number, start in enumerate(begun, start=1)]
    return individual_of(model, *occasions.split(when.row_time, own, named))


def _courses(
    model: PopulationModel,
    subject: DatasetSubject,
    individual: Individual,
    when: Timeline,
    notes: list[str],
) -> list[Course]:
    """What is given from each beginning on, and steady states on top of it."""
    hours, mg = model.units.hours, model.units.amount_factor
    row = rows_at(individual, np.array(when.time))
    place_of = {sample.row: place for place, sample in enumerate(subject.samples)}
    courses: list[Course] = []
    ends = [*when.begins[1:], len(subject.events)]
    for begin, end in zip(when.begins, ends, strict=True):
        here = range(begin, end)
        due = [k for k in here if isinstance(subject.events[k], Sample)]
        doses = no_doses()
        for k in here:
            record = subject.events[k]
            if not isinstance(record, DoseRecord):
                continue
            depot = through_depot(model, individual, record)
            doses = doses.joined(given(record, when.time[k], hours, mg, depot))
            if record.steady_state:
                own = from_row(individual, int(row[k]))
                before, note = preceding(own, record, when.time[k], hours, mg, depot)
                notes.append(note)
                if record.steady_state == 1:
                    doses = doses.joined(before)
                else:
                    _check_additive(individual, record)
                    after = [j for j in due if j > k]
                    courses.append(_course(subject, when, int(row[k]), before, after, place_of))
        courses.append(_course(subject, when, int(row[begin]), doses, due, place_of))
    return courses


def _course(
    subject: DatasetSubject,
    when: Timeline,
    first_row: int,
    doses: DoseTable,
    due: list[int],
    place_of: Mapping[int, int],
) -> Course:
    return Course(
        first_row=first_row,
        doses=doses,
        place=np.array([place_of[subject.events[k].row] for k in due], dtype=np.int64),
        time=np.array([when.time[k] for k in due], dtype=np.float64),
    )


def _check_additive(individual: Individual, record: DoseRecord) -> None:
    """SS 2 adds two courses, which is right only where concentrations add up."""
    if isinstance(individual.structure, System) or individual.binding is not None:
        raise InvalidDataset(
            record.row, "SS", "2 adds to what is there, which needs a linear model in closed form"
        )


def _quantified(model: PopulationModel, individual: Individual, sample: Sample, notes: list[str]) -> Sample:
    """A level below the model's own limit of quantification is censored, or left out, as the model says."""
    name = model.form.outputs[output_of(model, individual, sample)].name
    residual = model.residual_of(name)
    if sample.value is None or sample.censored or residual is None or residual.lloq is None:
        return sample
    if sample.value >= residual.lloq:
        return sample
    if residual.below_lloq == "drop":
        notes.append(f"level at row {sample.row} below the model's limit of quantification left out")
        return replace(sample, value=None)
    return replace(sample, value=residual.lloq, censored=-1)


def _check_level(individual: Individual, sample: Sample, output: int) -> None:
    """A level of nothing or less can be measured only with an error that does not vanish with the level."""
    if sample.value is None or sample.value > 0 or sample.censored:
        return
    error = individual.error_of(output)
    if error.form == "log" or error.additive == 0:
        raise InvalidDataset(
            sample.row,
            "DV",
            f"{sample.value:g} is no level under an error without an additive part; one below quantification "
            "has CENS or BLQ 1, one to ignore MDV 1",
        )


def _outside(model: PopulationModel, subject: DatasetSubject) -> Iterator[str]:
    """Limits of the model's population that a covariate of the subject is beyond, in words, each once."""
    for limit in model.population.limits:
        for name, covariate in model.covariates.items():
            if covariate.quantity != limit.quantity:
                continue
            values = [record.values[name] for record in subject.covariates]
            low, high = min(values), max(values)
            kind = "may be used" if limit.kind == "validity" else "was studied"
            if limit.low is not None and low < limit.low:
                yield f"{name} {low:g} below {limit.low:g} {covariate.unit}, where the model {kind}"
            if limit.high is not None and high > limit.high:
                yield f"{name} {high:g} above {limit.high:g} {covariate.unit}, where the model {kind}"

"""From a dataset's subject to what kinetics and inference need: ``Individual``, doses and levels.

The dataset is in the model's units: TIME, II and RATE in its unit of time, AMT in mg, DV in its unit of
concentration, each covariate under the model's name and in the model's unit. Here all becomes h, mg and mg/L,
with the dataset's own zero of time.

Additional doses (ADDL) are laid out one by one. A steady state (SS = 1) becomes as many preceding doses as it
takes: a person three standard deviations slow in everything would still lack less than ``REMAINDER`` of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from dosing_core.errors import InvalidCovariate, InvalidDataset, InvalidExpression, NotSupported
from dosing_core.evaluation.dataset import Dataset, DatasetSubject, DoseRecord
from dosing_core.inference import Observations
from dosing_core.inference.points import DIMENSIONS
from dosing_core.kinetics import DoseTable, no_doses
from dosing_core.population.individual import FloatArray, Individual, IntArray
from dosing_core.population.model import PopulationModel
from dosing_core.population.rows import ORDER, Row, individual_of, row_of

REMAINDER = 1e-6
"""Project policy: a thousandth of what the finest assay tells apart."""
SLOW = 3.0
"""Standard deviations of every random effect that make the slow person for whom ``REMAINDER`` holds."""
MOST_PRECEDING = 2_000
"""Project policy: more preceding doses would be slower than useful; the answer is then a refusal."""
PLAUSIBLE = (1e-6, 1e8)
"""Project policy: in L, h and their ratios no drug's parameter is beyond; such a covariate is a slip."""
CENTRAL_OF_ORAL, DEPOT = 2, 1
"""Compartment numbers as in NONMEM's ADVAN2 and ADVAN4; without absorption the central one is 1."""


@dataclass(frozen=True, eq=False)
class ModelledSubject:
    """One subject of a dataset under one model."""

    id: str
    individual: Individual
    doses: DoseTable
    sample_row: IntArray
    """[n] row in the dataset of each level or instant to predict."""
    sample_time: FloatArray
    """[n] h."""
    sample_value: FloatArray
    """[n] mg/L; nan where only a prediction is wanted."""
    notes: tuple[str, ...]
    """What was done to the records, and how the subject differs from the model's population."""

    @property
    def observations(self) -> Observations:
        """The levels."""
        measured = ~np.isnan(self.sample_value)
        return Observations(self.sample_time[measured], self.sample_value[measured])


def modelled(model: PopulationModel, dataset: Dataset) -> tuple[ModelledSubject, ...]:
    """Every subject under ``model``.

    Raises ``NotSupported`` for a model that cannot be fitted, and ``InvalidDataset`` naming the row for a
    record that does not fit the model.
    """
    check_usable(model)
    return tuple(_modelled(model, subject) for subject in dataset.subjects)


def check_usable(model: PopulationModel) -> None:
    """Raises ``NotSupported`` for a model without variability or with more than the stored points serve."""
    if model.use != "estimation":
        raise NotSupported(f"{model.id} gives typical values only, without variability and residual error")
    if len(model.iiv) >= DIMENSIONS:
        raise NotSupported(f"{model.id} has {len(model.iiv)} random effects; at most {DIMENSIONS - 1} are")


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
        if value < 0:
            raise InvalidCovariate(name, f"{value:g} {covariate.unit} is below 0")
        taken[name] = value if covariate.maximum is None else min(value, covariate.maximum)
    try:
        row = row_of(model, taken)
    except (InvalidExpression, ValueError, ArithmeticError) as error:
        raise InvalidCovariate(
            "", f"{model.id} gives no usable values for these covariates: {error}"
        ) from error
    for name, value in zip(ORDER, row.typical, strict=True):
        if value != 0 and not PLAUSIBLE[0] <= value <= PLAUSIBLE[1]:
            raise InvalidCovariate(
                "", f"{model.id} gives no usable values for these covariates: {name} is {value:.3g}"
            )
    return row


def _modelled(model: PopulationModel, subject: DatasetSubject) -> ModelledSubject:
    individual = _individual(model, subject)
    _check_order(subject)
    doses = no_doses()
    notes: list[str] = []
    for record in subject.doses:
        table, note = _laid_out(model, individual, record)
        doses = doses.joined(table)
        notes += note
    hours = _hours(model)
    levels = [sample for sample in subject.samples if sample.value is not None]
    early = sum(1 for sample in levels if not len(doses) or sample.time * hours <= doses.time[0])
    if early:
        notes.append(f"{early} level(s) before the first dose: the model expects nothing there")
    if subject.censored_dropped:
        notes.append(f"{subject.censored_dropped} censored level(s) left out")
    notes += _outside(model, subject)
    _check_samples(model, subject)
    values = [math.nan if sample.value is None else sample.value for sample in subject.samples]
    return ModelledSubject(
        id=subject.id,
        individual=individual,
        doses=doses,
        sample_row=np.array([sample.row for sample in subject.samples], dtype=np.int64),
        sample_time=np.array([sample.time for sample in subject.samples], dtype=np.float64) * hours,
        sample_value=np.array(values, dtype=np.float64) * model.units.concentration_factor,
        notes=tuple(notes),
    )


def _hours(model: PopulationModel) -> float:
    """Hours in the model's unit of time."""
    return {"h": 1.0, "day": 24.0}[model.units.time]


def _individual(model: PopulationModel, subject: DatasetSubject) -> Individual:
    """Raises ``InvalidDataset`` at the row whose covariates the model cannot use."""
    times: list[float] = []
    rows: list[Row] = []
    for record in subject.covariates:
        try:
            row = _row(model, record.values)
        except InvalidCovariate as error:
            raise InvalidDataset(record.row, error.name, error.problem) from error
        if not rows or row != rows[-1]:
            times.append(record.time * _hours(model) if rows else -math.inf)
            rows.append(row)
    return individual_of(model, times, rows)


def _check_order(subject: DatasetSubject) -> None:
    """A steady state wipes out what was before it, and that is only right where nothing was."""
    for record in subject.doses:
        if not record.steady_state:
            continue
        if any(other.row < record.row for other in subject.doses):
            raise InvalidDataset(
                record.row, "SS", "a steady state after earlier doses would discard them; not supported"
            )
        if any(sample.row < record.row for sample in subject.samples):
            raise InvalidDataset(
                record.row, "SS", "a steady state after earlier levels or predictions is not supported"
            )


def _check_samples(model: PopulationModel, subject: DatasetSubject) -> None:
    """Levels are of the central compartment, and above a bolus of the same time."""
    central = CENTRAL_OF_ORAL if "oral" in model.structure.routes else 1
    bolus = {
        record.time: record.row
        for record in reversed(subject.doses)
        if record.rate == 0 and not _goes_through_depot(model, record)
    }
    for sample in subject.samples:
        if sample.compartment not in (None, central):
            raise InvalidDataset(
                sample.row,
                "CMT",
                f"{sample.compartment} is not the central compartment ({central}), where levels are measured",
            )
        if bolus.get(sample.time, sample.row) < sample.row:
            raise InvalidDataset(
                sample.row,
                "TIME",
                "stands after a bolus of the same time; a level at the time of a dose is taken to be before "
                "it, so put it above the dose or give it a later time",
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


def _laid_out(
    model: PopulationModel, individual: Individual, record: DoseRecord
) -> tuple[DoseTable, list[str]]:
    """One dosing record as single doses, those before it at steady state included."""
    depot = _goes_through_depot(model, record)
    if depot and record.rate > 0:
        raise InvalidDataset(record.row, "RATE", "zero-order input into the depot is not supported yet")
    hours = _hours(model)
    interval, duration = record.interval * hours, 0.0
    if record.rate > 0:
        duration = record.amount / record.rate * hours
    before, notes = 0, []
    if record.steady_state:
        before = preceding_doses(individual, interval, duration)
        if before > MOST_PRECEDING:
            raise InvalidDataset(
                record.row,
                "SS",
                f"a steady state at this interval would take {before} preceding doses; at most "
                f"{MOST_PRECEDING} are supported",
            )
        notes.append(f"steady state at row {record.row}: {before} preceding doses")
    count = before + 1 + record.additional
    steps = np.arange(-before, 1 + record.additional, dtype=np.float64)
    return (
        DoseTable(
            time=record.time * hours + interval * steps,
            amount=np.full(count, record.amount),
            duration=np.full(count, duration),
            depot=np.full(count, depot),
        ),
        notes,
    )


def _goes_through_depot(model: PopulationModel, record: DoseRecord) -> bool:
    """Where a dose enters. Raises ``InvalidDataset`` where the model has no such way in."""
    routes, number = model.structure.routes, record.compartment
    if "oral" not in routes:
        if number not in (None, 1):
            raise InvalidDataset(record.row, "CMT", f"{number}: the model has doses into compartment 1 only")
        return False
    if number is None:
        if "iv" in routes:
            raise InvalidDataset(
                record.row, "CMT", f"missing: the model has doses into {DEPOT} (depot) and {CENTRAL_OF_ORAL}"
            )
        return True
    if number == DEPOT:
        return True
    if number == CENTRAL_OF_ORAL and "iv" in routes:
        return False
    raise InvalidDataset(
        record.row, "CMT", f"{number}: the model's doses are {' and '.join(routes)} ({DEPOT} is the depot)"
    )


def preceding_doses(individual: Individual, interval: float, duration: float) -> int:
    """How many doses before the one at steady state leave less than ``REMAINDER`` unaccounted for.

    ``interval`` and ``duration`` h. The rate is the slowest of a person whose CL, Q and ka are ``SLOW``
    standard deviations below the first row's typical values, and whose volumes are as much above.
    """
    spread = np.append(SLOW * np.sqrt(np.diag(individual.omega)), 0.0)[individual.eta_index]
    slower = individual.typical[0] * np.exp(spread * np.array([-1, 1, -1, 1, -1, 0, 0]))
    CL, V1, Q, V2, ka = (float(value) for value in slower[:5])
    out, back = (CL + Q) / V1, Q / V2
    gap = out - back
    fast = 0.5 * (out + back + math.sqrt(gap * gap + 4.0 * Q / V1 * back))
    rate = CL / V1 * back / fast if Q > 0 else CL / V1
    if individual.takes("oral"):
        rate = min(rate, ka)
    return math.ceil((math.log(1.0 / REMAINDER) / rate + duration) / interval)

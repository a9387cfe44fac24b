"""The tables of ``dosewright fit`` and ``dosewright simulate``: rows of cells, in the units of the model.

An empty cell means that there is no such number.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from dosing_core.evaluation import (
    Course,
    ModelledSubject,
    Population,
    SubjectFit,
    shrinkage,
    weighted_residuals,
)
from dosing_core.population.individual import FloatArray
from dosing_core.population.model import PopulationModel

Cell = str | int | float | None


def text_of(rows: Iterable[Sequence[Cell]]) -> str:
    """The table as CSV."""
    return "".join(f"{','.join(map(_cell, row))}\n" for row in rows)


def etas(model: PopulationModel, fits: Sequence[SubjectFit]) -> Iterator[Sequence[Cell]]:
    """One row a subject: etas at the mode, their posterior means. Empty where an effect does not act.

    Effects between people first, then those of each occasion, ``ETA_CL_OCC2``.
    """
    names = list(dict.fromkeys([*model.iiv, *(name for fit in fits for name in fit.eta_names)]))
    columns = [name.replace(" ", "_") for name in names]
    yield ["ID", *(f"ETA_{name}" for name in columns), *(f"MEAN_{name}" for name in columns)]
    for fit in fits:
        where = {name: i for i, name in enumerate(fit.eta_names)}
        yield [
            fit.id,
            *(_at(fit.eta, where.get(name)) for name in names),
            *(_at(fit.posterior_mean, where.get(name)) for name in names),
        ]


def _at(values: FloatArray, index: int | None) -> float | None:
    return None if index is None else float(values[index])


def covariance(fits: Sequence[SubjectFit]) -> Iterator[Sequence[Cell]]:
    """The lower triangle, diagonal included, of each subject's covariance of etas."""
    yield ["ID", "ETA_1", "ETA_2", "POSTERIOR", "MODE", "PRIOR"]
    for fit in fits:
        for i, one in enumerate(fit.eta_names):
            for j, other in enumerate(fit.eta_names[: i + 1]):
                yield [
                    fit.id,
                    one.replace(" ", "_"),
                    other.replace(" ", "_"),
                    float(fit.posterior_covariance[i, j]),
                    float(fit.mode_covariance[i, j]),
                    float(fit.omega[i, j]),
                ]


def predictions(
    model: PopulationModel, fits: Sequence[SubjectFit], subjects: Sequence[ModelledSubject]
) -> Iterator[Sequence[Cell]]:
    """One row a level or instant to predict, in the units of the dataset."""
    outputs = model.form.outputs
    yield ["ID", "ROW", "TIME", "OUTPUT", "DV", "PRED", "IPRED", "P05", "P50", "P95", "RES", "IWRES", "CWRES"]
    for fit, subject in zip(fits, subjects, strict=True):
        weighted = weighted_residuals(fit, subject)
        residual = np.where(subject.sample_limit == 0, subject.sample_value - fit.predicted, np.nan)
        for i, row in enumerate(subject.sample_row):
            output = outputs[subject.sample_output[i]]
            unit = 1.0 / output.scale
            yield [
                fit.id,
                int(row),
                float(subject.sample_time[i]) / model.units.hours,
                output.name,
                float(subject.sample_value[i]) * unit,
                float(fit.predicted[i]) * unit,
                float(fit.individually[i]) * unit,
                *(float(value) * unit for value in fit.prediction_quantiles[:, i]),
                float(residual[i]) * unit,
                float(weighted[i]),
                float(fit.conditional_residuals[i]),
            ]


def quantiles(model: PopulationModel, fits: Sequence[SubjectFit]) -> Iterator[Sequence[Cell]]:
    """One row a subject and parameter, in the model's units, for the subject's last covariates."""
    yield ["ID", "PARAMETER", "POPULATION", "MODE", "P05", "P50", "P95"]
    for fit in fits:
        for column, name, factor in _own(model):
            values = (fit.population, fit.parameters, *fit.parameter_quantiles)
            yield [fit.id, name, *(float(value[column]) / factor for value in values)]


def diagnostics(fits: Sequence[SubjectFit], subjects: Sequence[ModelledSubject]) -> Iterator[Sequence[Cell]]:
    yield [
        *("ID", "DOSES", "LEVELS", "OBJECTIVE", "GRADIENT", "ITERATIONS", "MODES", "METHOD", "PARTICLES"),
        *("ESS", "K_HAT", "ESCALATIONS", "TRUSTWORTHY", "NOTES"),
    ]
    for fit, subject in zip(fits, subjects, strict=True):
        found = fit.diagnostics
        yield [
            *(fit.id, len(subject.doses), len(subject.observations)),
            *(fit.objective, fit.gradient_norm, fit.iterations, found.modes, found.method, found.particles),
            *(found.effective_sample_size, found.k_hat, found.escalations, int(found.trustworthy)),
            "; ".join(subject.notes),
        ]


def shrinkage_of(fits: Sequence[SubjectFit], subjects: Sequence[ModelledSubject]) -> Iterator[Sequence[Cell]]:
    yield ["NAME", "COUNT", "SHRINKAGE_SD", "SHRINKAGE_VARIANCE", "POSTERIOR_TO_PRIOR_VARIANCE"]
    for one in shrinkage(fits, subjects):
        yield [one.name.replace(" ", "_"), one.subjects, one.by_deviation, one.by_variance, one.posterior]


def course(model: PopulationModel, found: Course, output: int = 0) -> Iterator[Sequence[Cell]]:
    unit = 1.0 / model.form.outputs[output].scale
    yield ["TIME", "TYPICAL", "P05", "P50", "P95", "MEASURED_P05", "MEASURED_P50", "MEASURED_P95"]
    for i, time in enumerate(found.time):
        values = (found.typical[i], *found.percentiles[:, i], *found.measured[:, i])
        yield [float(time), *(float(value) * unit for value in values)]


def subjects_of(model: PopulationModel, people: Population) -> Iterator[Sequence[Cell]]:
    """One row a virtual person: etas and parameters in the model's units."""
    names = list(dict.fromkeys(name for group in people.groups for name in group.individual.eta_names))
    yield ["ID", *(f"ETA_{name}" for name in names), *(name for _, name, _ in _own(model))]
    number = 0
    for group in people.groups:
        where = {name: i for i, name in enumerate(group.individual.eta_names)}
        for eta, parameters in zip(group.eta, group.parameters[:, -1], strict=True):
            number += 1
            own = (float(parameters[column]) / factor for column, _, factor in _own(model))
            yield [number, *(_at(eta, where.get(name)) for name in names), *own]


def _own(model: PopulationModel) -> list[tuple[int, str, float]]:
    """Column of each parameter that the model has, its name, and what its unit is in h, mg and L."""
    return [
        (column, name, scale)
        for column, (name, scale) in enumerate(zip(model.form.columns, model.form.scales, strict=True))
        if name in model.structure.parameters
    ]


def _cell(value: Cell) -> str:
    """A number to ten digits; empty where there is none; text in quotes where it must be."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    if isinstance(value, float):
        return f"{value:.10g}"
    text = str(value)
    quoted = text.replace('"', '""')
    return f'"{quoted}"' if any(sign in text for sign in ',"\n') else text

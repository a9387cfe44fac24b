"""The pharmacometrician's tools: a dataset under a model, and a model's virtual population."""

from dosing_core.evaluation.cohort import MapFit, map_fits
from dosing_core.evaluation.dataset import Dataset, DatasetSubject, occasion_column, read_dataset
from dosing_core.evaluation.fit import (
    Shrinkage,
    SubjectFit,
    fit_at_mode,
    fit_subject,
    shrinkage,
    weighted_residuals,
)
from dosing_core.evaluation.individuals import ModelledSubject, constant_individual, modelled
from dosing_core.evaluation.simulate import Course, Population, course, population

__all__ = [
    "Course",
    "Dataset",
    "DatasetSubject",
    "MapFit",
    "ModelledSubject",
    "Population",
    "Shrinkage",
    "SubjectFit",
    "constant_individual",
    "course",
    "fit_at_mode",
    "fit_subject",
    "map_fits",
    "modelled",
    "occasion_column",
    "population",
    "read_dataset",
    "shrinkage",
    "weighted_residuals",
]

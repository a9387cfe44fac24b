"""``dosewright fit`` and ``dosewright simulate``: options in, CSV files and a picture out.

The arithmetic is in ``dosing_core.evaluation``; here are files, units and words. What is slow to load is
imported when a command runs.
"""

from __future__ import annotations

import argparse
import csv
import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cds_hooks.errors import UnusableInput
from cds_hooks.progress import Progress

if TYPE_CHECKING:
    from cds_hooks.evaluation_tables import Cell
    from dosing_core.evaluation import Course, Dataset, ModelledSubject, SubjectFit
    from dosing_core.kinetics import DoseTable
    from dosing_core.population.individual import FloatArray
    from dosing_core.population.model import PopulationModel

MOST_IN_TASK = 50
"""Subjects in one task of the pool: enough that handing it over costs nothing beside the work."""
MODES_AT_ONCE = 1_000
"""Subjects between two looks at the progress bar; more would save no time."""
MOST_INSTANTS = 50_000
"""Project policy: a finer grid is a slip; four hours of seconds, or five years of hours, fit."""


def add_fit(commands: Any) -> None:
    """Add the subcommand ``fit``."""
    parser = commands.add_parser(
        "fit",
        help="estimate individuals of a NONMEM-style dataset",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Estimate each subject of a dataset under a population model: random effects (etas),\n"
        "their covariance, predictions, posterior quantiles and diagnostics. The population's parameters\n"
        "are the model's and are not estimated.\n\n"
        "The dataset is a CSV file with a header: ID, TIME, AMT, DV and, as needed, RATE, EVID, MDV,\n"
        "CMT, SS, II, ADDL, LLOQ, CENS, BLQ and the model's covariates under the model's names.\n"
        "TIME and II are in the model's unit of time, AMT in mg, DV in its unit of concentration,\n"
        "covariates in the units of the model file. '.' and empty cells are missing. See\n"
        "docs/pharmacometrics.md for the conventions and an example.",
    )
    _add_model(parser)
    add = parser.add_argument
    add("--data", required=True, type=Path, metavar="DATA.csv", help="the dataset")
    add(
        "--drop-censored",
        action="store_true",
        help="leave out levels that are below quantification (CENS, BLQ, or DV below LLOQ) and say how many; "
        "without it their likelihood is that of being below the limit (M3)",
    )
    add(
        "--workers",
        "--jobs",
        type=_whole(1),
        default=1,
        metavar="N",
        help="processes that share the subjects (default: 1)",
    )
    add(
        "--map-only",
        action="store_true",
        help="the mode alone (NONMEM's post hoc etas), without posterior: for large cohorts",
    )
    _add_output(parser)
    parser.set_defaults(run=_fit)


def add_simulate(commands: Any) -> None:
    """Add the subcommand ``simulate``."""
    parser = commands.add_parser(
        "simulate",
        help="simulate a regimen in a virtual population",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Simulate a regimen in people who differ by the model's random effects, and by\n"
        "covariates if a file of them is given. Writes percentiles over time as CSV and as a picture.\n"
        "Times are in h, doses in mg, concentrations in the model's unit.",
    )
    _add_model(parser)
    add = parser.add_argument
    add("--dose", required=True, type=_positive, metavar="MG", help="one dose, mg")
    add("--interval", required=True, type=_positive, metavar="H", help="time between doses, h")
    add(
        "--duration",
        type=_not_negative,
        default=0.0,
        metavar="H",
        help="length of each infusion, h; 0 (default) is a bolus, or a dose by mouth",
    )
    add(
        "--route",
        choices=("iv", "oral", "subcutaneous"),
        help="how it is given (default: the model's first route)",
    )
    add(
        "--doses",
        type=_whole(1),
        metavar="N",
        help="how many doses (default: as many as begin before --hours)",
    )
    add("--loading", type=_positive, metavar="MG", help="first dose instead of --dose, mg")
    add("--hours", required=True, type=_positive, metavar="H", help="how long to look, h from the first dose")
    add(
        "--step", type=_positive, default=0.25, metavar="H", help="time between two values, h (default: 0.25)"
    )
    add(
        "--covariate",
        action="append",
        default=[],
        type=_covariate,
        metavar="NAME=VALUE",
        help="a covariate by the model's name, in the unit of the model file, e.g. WT=70; repeat for each",
    )
    add(
        "--covariates",
        type=Path,
        metavar="FILE.csv",
        help="covariates of a population: one column a covariate, one row a person; virtual people take "
        "turns (with --seed they are drawn). --covariate gives those that all share",
    )
    add("--output", metavar="NAME", help="an output of the model, such as an effect (default: its first)")
    add(
        "--target",
        action="append",
        default=[],
        type=_number,
        metavar="VALUE",
        help="a line in the picture, in the unit of the output; repeat for each",
    )
    add("--subjects", type=_whole(1), default=1000, metavar="N", help="virtual people (default: 1000)")
    add(
        "--seed",
        type=_whole(0),
        metavar="N",
        help="draw the people by chance from this seed (default: fixed quasi-random points, at most 4096)",
    )
    _add_output(parser)
    parser.set_defaults(run=_simulate)


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model",
        required=True,
        metavar="NAME|FILE",
        help="a drug of the library by name, a drug file (.yaml), or a YAML file with one model",
    )
    parser.add_argument(
        "--model-id",
        metavar="ID",
        help="which model of the drug, e.g. vancomycin.goti2018 (default: its default)",
    )


def _add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--out", required=True, type=Path, metavar="DIR", help="directory for the results; files are replaced"
    )
    parser.add_argument(
        "--progress", action="store_true", help="show progress on standard error even if it is not a terminal"
    )


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
    if not math.isfinite(value) or abs(value) > 1e9:
        raise argparse.ArgumentTypeError(f"{text} is out of range")
    return value


def _positive(text: str) -> float:
    value = _number(text)
    if value <= 0:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return value


def _not_negative(text: str) -> float:
    value = _number(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{text} is below 0")
    return value


def _whole(least: int) -> Callable[[str], int]:
    def whole(text: str) -> int:
        if not re.fullmatch(r"\d{1,9}", text) or int(text) < least:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least}")
        return int(text)

    return whole


def _covariate(text: str) -> tuple[str, float]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, _number(value)


def _fit(options: argparse.Namespace) -> int:
    from cds_hooks import evaluation_tables as tables
    from dosing_core.errors import DosingError
    from dosing_core.evaluation import modelled

    model = _model(options.model, options.model_id)
    dataset = _dataset(options.data, model, options.drop_censored)
    try:
        subjects = modelled(model, dataset)
    except DosingError as error:
        raise UnusableInput(f"{options.data}: {error}") from None
    _make_directory(options.out)
    progress = Progress("fit", len(subjects), options.progress)
    try:
        estimate = (
            _modes(subjects, progress) if options.map_only else _fits(subjects, options.workers, progress)
        )
        fits = list(estimate)
    except DosingError as error:
        raise UnusableInput(f"{options.data}: {error}") from None
    results = {
        "etas.csv": tables.etas(model, fits),
        "covariance.csv": tables.covariance(fits),
        "predictions.csv": tables.predictions(model, fits, subjects),
        "quantiles.csv": tables.quantiles(model, fits),
        "diagnostics.csv": tables.diagnostics(fits, subjects),
        "shrinkage.csv": tables.shrinkage_of(fits, subjects),
    }
    _write_tables(options.out, results)
    levels = sum(len(subject.observations) for subject in subjects)
    print(f"{model.id}: {len(subjects)} subjects, {levels} levels; {', '.join(results)} in {options.out}")
    _say_if_unreviewed(model)
    if dataset.censored_dropped:
        print(f"{dataset.censored_dropped} censored levels left out")
    doubtful = [fit.id for fit in fits if not fit.diagnostics.trustworthy]
    if doubtful:
        print(
            f"no quantiles for {len(doubtful)} subjects, whose posterior cannot be trusted: ID "
            + ", ".join(doubtful[:20])
        )
    return 0


def _model(text: str, identifier: str | None) -> PopulationModel:
    """A model by name of drug or by file. Raises ``UnusableInput``."""
    from dosing_core.errors import DosingError, UnknownDrug
    from dosing_core.library import drugs, load_drug, models_of, read_models

    path = Path(text)
    try:
        if path.suffix in (".yaml", ".yml") or len(path.parts) > 1:
            models = read_models(path)
        else:
            models = models_of(load_drug(text))
    except UnknownDrug:
        known = ", ".join(drug.drug for drug in drugs())
        raise UnusableInput(f"--model {text}: the library has {known}; a file ends in .yaml") from None
    except OSError as error:
        raise UnusableInput(f"--model {text}: {error.strerror}") from None
    except DosingError as error:
        raise UnusableInput(f"--model {text}: {error}") from None
    if identifier is None:
        return models[0]
    for model in models:
        if model.id == identifier:
            return model
    raise UnusableInput(f"--model-id {identifier}: there is {', '.join(model.id for model in models)}")


def _dataset(path: Path, model: PopulationModel, drop_censored: bool) -> Dataset:
    from dosing_core.errors import InvalidDataset
    from dosing_core.evaluation import occasion_column, read_dataset

    try:
        with path.open(encoding="utf-8", newline="") as file:
            return read_dataset(
                csv.reader(file),
                model.covariates,
                occasion=occasion_column(model),
                drop_censored=drop_censored,
            )
    except OSError as error:
        raise UnusableInput(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UnusableInput(f"{path}: not text in UTF-8") from None
    except (InvalidDataset, csv.Error) as error:
        raise UnusableInput(f"{path}: {error}") from None


def _fits(subjects: Sequence[ModelledSubject], workers: int, progress: Progress) -> Iterator[SubjectFit]:
    """Fits in the order of the subjects, whoever makes them: the bytes do not depend on ``workers``."""
    if workers == 1 or len(subjects) == 1:
        for done, subject in enumerate(subjects, start=1):
            yield from fit_chunk((subject,))
            progress.at(done)
        return
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    size = max(1, min(MOST_IN_TASK, math.ceil(len(subjects) / (4 * workers))))
    chunks = [tuple(subjects[i : i + size]) for i in range(0, len(subjects), size)]
    done = 0
    # Spawned, not forked: a fork of a process with threads may hang.
    with ProcessPoolExecutor(min(workers, len(chunks)), mp_context=get_context("spawn")) as pool:
        for fits in pool.map(fit_chunk, chunks):
            yield from fits
            done += len(fits)
            progress.at(done)


def _modes(subjects: Sequence[ModelledSubject], progress: Progress) -> Iterator[SubjectFit]:
    """The same from the mode alone, a cohort at once."""
    from dosing_core.evaluation import fit_at_mode, map_fits

    for start in range(0, len(subjects), MODES_AT_ONCE):
        part = subjects[start : start + MODES_AT_ONCE]
        for subject, mode in zip(part, map_fits(part), strict=True):
            yield fit_at_mode(subject, mode)
        progress.at(start + len(part))


def fit_chunk(subjects: Sequence[ModelledSubject]) -> tuple[SubjectFit, ...]:
    """The fits of a few subjects: what one task of the pool does."""
    from dosing_core.evaluation import fit_subject

    return tuple(fit_subject(subject) for subject in subjects)


def _simulate(options: argparse.Namespace) -> int:
    import numpy as np

    from cds_hooks import evaluation_tables as tables
    from dosing_core.errors import DosingError
    from dosing_core.evaluation import constant_individual, course, population

    model = _model(options.model, options.model_id)
    covariates = _once(options.covariate)
    time = _instants(options)
    doses = _doses(options, model)
    output = _output(options.output, model)
    try:
        sets = [constant_individual(model, row) for row in _sets(options.covariates, covariates)]
        people = population(sets, options.subjects, options.seed)
        _make_directory(options.out)
        progress = Progress("simulate", len(time), options.progress)
        found = course(people, doses, np.array(time), progress.at, output)
    except DosingError as error:
        raise UnusableInput(str(error)) from None
    results = {
        "simulation.csv": tables.course(model, found, output),
        "subjects.csv": tables.subjects_of(model, people),
    }
    _write_tables(options.out, results)
    _write(options.out / "simulation.svg", _picture(options, model, found, output))
    print(
        f"{model.id}: {options.subjects} subjects, {len(doses)} doses; "
        f"{', '.join(results)}, simulation.svg in {options.out}"
    )
    _say_if_unreviewed(model)
    return 0


def _say_if_unreviewed(model: PopulationModel) -> None:
    if not model.reviewed:
        print(f"unreviewed model, not for patients: the file does not say {', '.join(model.incomplete[:4])}")


def _output(name: str | None, model: PopulationModel) -> int:
    names = [output.name for output in model.form.outputs]
    if name is not None and name not in names:
        raise UnusableInput(f"--output {name}: {model.id} has {', '.join(names)}")
    return 0 if name is None else names.index(name)


def _sets(path: Path | None, shared: dict[str, float]) -> list[dict[str, float]]:
    """Covariates of each row of the file, with those that all share."""
    if path is None:
        return [shared]
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [row for row in csv.DictReader(file) if any(row.values())]
    except OSError as error:
        raise UnusableInput(f"--covariates {path}: {error.strerror}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise UnusableInput(f"--covariates {path}: {error}") from None
    sets = []
    for number, row in enumerate(rows, start=2):
        own = dict(shared)
        for name, cell in row.items():
            if name in shared:
                raise UnusableInput(f"--covariates {path}: column {name} is given by --covariate too")
            try:
                own[name] = _number(cell)
            except (argparse.ArgumentTypeError, TypeError):
                raise UnusableInput(
                    f"--covariates {path}: row {number}, column {name}: {cell!r} is not a number"
                ) from None
        sets.append(own)
    if not sets:
        raise UnusableInput(f"--covariates {path}: no rows")
    return sets


def _once(covariates: Iterable[tuple[str, float]]) -> dict[str, float]:
    values: dict[str, float] = {}
    for name, value in covariates:
        if name in values:
            raise UnusableInput(f"--covariate {name} is given twice")
        values[name] = value
    return values


def _instants(options: argparse.Namespace) -> list[float]:
    """Multiples of the step, the end, and the ends of infusions, where the peaks are."""
    count = math.floor(options.hours / options.step + 1e-9)
    if count > MOST_INSTANTS or options.hours / options.interval > MOST_INSTANTS:
        raise UnusableInput(f"more than {MOST_INSTANTS} steps or doses until --hours; take longer ones")
    times = {round(i * options.step, 9) for i in range(count + 1)} | {options.hours}
    if options.duration > 0:
        starts = (i * options.interval for i in range(_count(options)))
        times |= {round(start + options.duration, 9) for start in starts}
    return sorted(time for time in times if time <= options.hours)


def _count(options: argparse.Namespace) -> int:
    begin: int = max(1, math.ceil(options.hours / options.interval - 1e-9))
    wanted: int = begin if options.doses is None else options.doses
    return min(begin, wanted)


def _doses(options: argparse.Namespace, model: PopulationModel) -> DoseTable:
    import numpy as np

    from dosing_core.kinetics import DoseTable

    routes = model.structure.routes
    route = options.route or routes[0]
    if route not in routes:
        raise UnusableInput(f"--route {route}: {model.id} is a model of {' and '.join(routes)} doses")
    if route != "iv" and options.duration > 0:
        raise UnusableInput("--duration belongs to infusions; the dose is given by mouth")
    count = _count(options)
    amount = np.full(count, options.dose)
    if options.loading is not None:
        amount[0] = options.loading
    return DoseTable(
        time=options.interval * np.arange(count, dtype=np.float64),
        amount=amount,
        duration=np.full(count, options.duration),
        depot=np.full(count, route != "iv"),
    )


def _picture(options: argparse.Namespace, model: PopulationModel, found: Course, output: int) -> str:
    from cds_hooks.simulation_picture import Curves, picture

    seen = model.form.outputs[output]
    unit = 1.0 / seen.scale

    def values(row: FloatArray) -> list[float]:
        return [float(value) * unit for value in row]

    infusion = f" over {options.duration:g} h" if options.duration > 0 else ""
    first = "" if options.loading is None else f"{options.loading:g} mg, then "
    title = (
        f"{model.name}: {first}{options.dose:g} mg every {options.interval:g} h{infusion}, "
        f"{options.subjects:,} virtual people"
    )
    return picture(
        Curves(
            time=[float(time) for time in found.time],
            typical=values(found.typical),
            low=values(found.percentiles[0]),
            median=values(found.percentiles[1]),
            high=values(found.percentiles[2]),
            measured_low=values(found.measured[0]),
            measured_high=values(found.measured[2]),
        ),
        title,
        seen.unit if output == 0 else f"{seen.name}, {seen.unit}".strip(" ,"),
        options.target,
    )


def _write_tables(directory: Path, results: dict[str, Iterator[Sequence[Cell]]]) -> None:
    from cds_hooks.evaluation_tables import text_of

    for name, rows in results.items():
        _write(directory / name, text_of(rows))


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UnusableInput(f"--out {path}: {error.strerror}") from None


def _make_directory(path: Path) -> None:
    """Before the work, which may be long, is done in vain."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UnusableInput(f"--out {path}: {error.strerror}") from None

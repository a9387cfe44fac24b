"""CPU time of each step of an answer beside its bar, one thread, median over runs.

``python -m benchmarks.bars``. CPU time and not wall time, because machines are shared; kernels are compiled
and read before anything is timed. A line whose time is above its bar is marked. The last lines are ratios,
which hold on any machine: a history of 1,000 doses beside one of 10, and reading and checking all drug files
beside what PyYAML's own C loader takes to read them."""

from __future__ import annotations

import argparse
import atexit
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median
from time import thread_time

import numpy as np
import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from structural_models import MODELS, StructuralCase

from benchmarks import saturable
from benchmarks.core import Question, tacrolimus, vancomycin
from benchmarks.core import search as search_linear
from dosing_core import recommend
from dosing_core.case import Case, Genotype, Order, Subject
from dosing_core.genetics import advice, advise, catalogue, phenotype, read_diplotype, variants
from dosing_core.genetics.heard import hear
from dosing_core.inference import Observations, Particles, map_estimate, posterior
from dosing_core.kinetics import DoseTable, concentrations
from dosing_core.library import PACKAGE, Library, load_drug
from dosing_core.library.load import parse_drug_file
from dosing_core.population.individual import Individual
from dosing_core.warm import warm

LIBRARY = Path(__file__).resolve().parents[1] / "dosing_core" / "library"
CASES = Path(__file__).resolve().parents[1] / "fixtures" / "cases"
ALONE = ("tacrolimus-expresser", "vancomycin-two-levels")
AVERAGED = ("vancomycin-first-dose", "vancomycin-two-levels")
"""Cases that are also answered by the default model alone, and by five linear models: bars of 40 and 100 ms.
What a drug's file averages of its own accord has the same bar as five."""
PARTICLES = 1024
Bars = tuple[float | None, float | None]
FAMILIES: dict[str, Bars] = {
    "three_compartments": (None, None),
    "erlang_five": (None, None),
    "michaelis_menten_oral": (1.0, 12.0),
    "mixed_elimination": (1.0, 12.0),
    "tmdd_qss": (None, None),
    "kpd_inr": (None, None),
    "myelosuppression": (None, None),
}
"""Structural families of ``tests/structural_models.py``: bars of a mode and of a posterior, ms."""


@dataclass(frozen=True)
class Line:
    """One thing that is timed, and the milliseconds that it may take; None: no bar."""

    what: str
    bar: float | None
    work: Callable[[], object]


def observed(case: StructuralCase, levels: int) -> Observations:
    """The last ``levels`` levels that this person's typical values give, each a tenth higher."""
    person = case.individual
    typical = person.parameters(np.zeros((1, person.dimension)))
    values = []
    for time, output in zip(case.times[-levels:], case.outputs[-levels:], strict=True):
        values.append(1.1 * concentrations(person, typical, case.doses, np.array([time]), int(output))[0, 0])
    return Observations(case.times[-levels:], np.array(values), case.outputs[-levels:])


def inference(
    name: str,
    person: Individual,
    doses: DoseTable,
    levels: Observations,
    bars: tuple[float | None, float | None],
) -> Iterator[Line]:
    """One mode and one posterior."""
    yield Line(f"{name}: mode, {len(levels)} levels", bars[0], partial(map_estimate, person, doses, levels))
    yield Line(f"{name}: posterior", bars[1], partial(posterior, person, doses, levels))


def lines() -> Iterator[Line]:
    """Everything that is timed, in the order of an answer."""
    for question in (vancomycin(), tacrolimus()):
        name = question.name.partition(",")[0]
        yield from inference(name, question.individual, question.doses, question.levels, (0.2, 6.0))
        yield Line(f"{name}: search of 500 candidates", 15.0, partial(_search, question))
    for family, bars in FAMILIES.items():
        case = MODELS[family]()
        yield from inference(family.replace("_", " "), case.individual, case.doses, observed(case, 2), bars)
    case = MODELS["michaelis_menten_oral"]()
    work = saturable.search(case, observed(case, 2), PARTICLES)
    yield Line("michaelis menten oral: search of 500 candidates", 130.0, work)
    for name, work in saturable.answers():
        yield Line(f"recommend {name}, saturable", 150.0, work)
    library = _five_models()
    for path in sorted(CASES.glob("*.json")):
        case = Case.from_bytes(path.read_bytes())
        yield Line(f"recommend {path.stem}", 100.0, partial(recommend, case))
        if path.stem in ALONE:
            alone = {
                "options": case.options.model_copy(update={"model": load_drug(case.order.drug).default_model})
            }
            yield Line(
                f"recommend {path.stem}, one model", 40.0, partial(recommend, case.model_copy(update=alone))
            )
        if path.stem in AVERAGED:
            yield Line(f"recommend {path.stem}, five models", 100.0, partial(recommend, case, library))


def _five_models() -> Library:
    """The library with a file of vancomycin in which five of its models, all linear, are asked and speak for
    anybody."""
    document = yaml.safe_load((LIBRARY / "vancomycin.yaml").read_text(encoding="utf-8"))
    weight = document["averaged"][0]["prior_weight"]
    others = [model["id"] for model in document["models"] if model["id"] != document["default_model"]][:4]
    document["averaged"] = [{"model": name, "prior_weight": weight} for name in others]
    for model in document["models"]:
        model["population"]["limits"] = []
    directory = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, directory)
    (directory / "vancomycin.yaml").write_text(json.dumps(document), encoding="utf-8")
    library = Library((directory,))
    speaking = len(library.load("vancomycin").asked)
    if speaking != 5:
        raise SystemExit(f"{speaking} models of vancomycin speak, not five")
    return library


def genetic_lines() -> Iterator[Line]:
    """Advice on genes: loading the guideline tables, and one look-up of what is known of a person."""
    tables = (
        catalogue.genes, catalogue.recommendations, catalogue.risk_alleles, advice.guided_drugs,
        advice._rows, variants._by_rsid,
    )  # fmt: skip

    def load() -> None:
        for table in tables:
            table.cache_clear()
        advice.guided_drugs()
        catalogue.genes()

    results = [
        phenotype(read_diplotype("CYP2D6", "*1/*4")),
        phenotype(read_diplotype("CYP2C19", "*2/*17")),
    ]
    yield Line("genes: guideline tables loaded", 100.0, load)
    yield Line("genes: advice for amitriptyline", 1.0, lambda: advise("amitriptyline", results))
    told = {"CYP2D6": "*1/*4", "CYP2C19": "*2/*17"}
    subject = Subject(
        genotypes=tuple(Genotype(gene=gene, diplotype=said, source="g") for gene, said in told.items())
    )
    now = datetime(2026, 11, 24, 9, tzinfo=UTC)
    case = Case(now=now, subject=subject, order=Order(drug="amitriptyline", source="o"))
    yield Line("genes: alleles read and advice looked up", None, lambda: hear(case))


def _search(question: Question) -> None:
    particles = _particles(question)
    search_linear(question, particles)


_known: dict[str, Particles] = {}


def _particles(question: Question) -> Particles:
    if question.name not in _known:
        believed = posterior(question.individual, question.doses, question.levels).thinned(PARTICLES)
        _known[question.name] = Particles(((question.individual, believed.eta),))
    return _known[question.name]


def _library() -> tuple[Callable[[], object], Callable[[], object]]:
    """Reading and checking all of the package's drug files, and reading their YAML without a check."""
    files = {name: (LIBRARY / f"{name}.yaml").read_text(encoding="utf-8") for name in PACKAGE.names()}
    return (
        lambda: [parse_drug_file(text, f"{name}.yaml") for name, text in files.items()],
        lambda: [yaml.load(text, Loader=yaml.CSafeLoader) for text in files.values()],
    )


def milliseconds(work: Callable[[], object], runs: int) -> float:
    """Median CPU time of one run."""
    work()
    times = []
    for _ in range(runs):
        start = thread_time()
        work()
        times.append(1000.0 * (thread_time() - start))
    return median(times)


def long_history(doses: int) -> tuple[Individual, DoseTable, Observations]:
    """Vancomycin every 12 h so many times, two levels in the last interval."""
    question = vancomycin()
    table = DoseTable(
        12.0 * np.arange(-doses, 0.0), np.full(doses, 1000.0), np.ones(doses), np.zeros(doses, dtype=np.bool_)
    )
    return question.individual, table, Observations(np.array([-9.0, -0.5]), np.array([24.0, 15.0]))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="CPU time of each step beside its bar.")
    parser.add_argument("--runs", type=int, default=15, help="runs of each line (default 15)")
    runs = parser.parse_args().runs
    warm()
    print(f"{'':52}{'CPU ms':>9}{'bar':>7}")
    for line in (*lines(), *genetic_lines()):
        taken = milliseconds(line.work, runs)
        bar = "" if line.bar is None else f"{line.bar:g}"
        above = "  above" if line.bar is not None and taken > line.bar else ""
        print(f"{line.what:52}{taken:9.2f}{bar:>7}{above}", flush=True)
    checked, read = _library()
    loaded, parsed = milliseconds(checked, runs), milliseconds(read, runs)
    what, above = f"library: {len(PACKAGE.names())} files read and checked", "  above" if loaded > 150 else ""
    print(f"{what:52}{loaded:9.2f}{'150':>7}{above}")
    print(f"{'library: beside yaml.CSafeLoader alone':52}{loaded / parsed:8.2f}x")
    short, long = long_history(10), long_history(1000)
    for name, work in (("mode", map_estimate), ("posterior", posterior)):
        ratio = milliseconds(partial(work, *long), runs) / milliseconds(partial(work, *short), runs)
        print(f"{f'{name}: 1,000 doses beside 10':52}{ratio:8.1f}x{'5':>7}{'  above' if ratio > 5 else ''}")


if __name__ == "__main__":
    main()

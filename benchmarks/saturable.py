"""What ``bars`` times of saturable drugs: a search of 500 candidates, and whole answers."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import numpy as np
from drug_files import write
from structural_models import StructuralCase

from dosing_core import recommend
from dosing_core.case import Case, Dose, Level, Measurement, Order, Regimen, Subject
from dosing_core.inference import Observations, Particles, posterior
from dosing_core.library import load_drug
from dosing_core.recommendation import Target
from dosing_core.regimens.candidates import Candidate
from dosing_core.regimens.scored import Question
from dosing_core.regimens.search import search as found


def search(case: StructuralCase, levels: Observations, particles: int) -> Callable[[], object]:
    """Twenty-five doses, four intervals and five hours of the first dose, for a trough after five days."""
    believed = posterior(case.individual, case.doses, levels).thinned(particles)
    candidates = [
        Candidate(Regimen(dose_mg=dose, interval_h=interval, route="oral"), True, 5 * rank + late, delay)
        for rank, interval in enumerate((6.0, 8.0, 12.0, 24.0))
        for late, delay in enumerate((0.0, 1.0, 2.0, 3.0, 4.0))
        for dose in np.linspace(50.0, 650.0, 25).tolist()
    ]

    def work() -> object:
        question = Question(
            particles=Particles(((case.individual, believed.eta),)),
            effective=float(particles),
            first_h=0.0,
            history=case.doses,
            target=Target(metric="trough", low=10.0, high=20.0, source="benchmark"),
            judgement=load_drug("vancomycin").judgement,
        )
        return found(question, candidates)

    return work


def answers() -> Iterator[tuple[str, Callable[[], object]]]:
    """A whole answer for each of two drugs: one enzyme, and one that is inhibited over time."""
    directory = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, directory)
    library = write(directory)
    for drug in ("phenytoin", "voriconazole"):
        yield drug, partial(recommend, case_of(drug), library)


def case_of(drug: str) -> Case:
    """Somebody on a saturable drug of ``tests/drug_files.py`` with one level."""
    oral, interval, count = drug == "phenytoin", 24 if drug == "phenytoin" else 12, 14
    now = datetime(2026, 1, 10, 9, tzinfo=UTC)
    regimen = Regimen(
        dose_mg=300.0, interval_h=interval, route="oral" if oral else "iv", duration_h=0.0 if oral else 2.0
    )
    given = [now - timedelta(hours=interval * k + interval - 1) for k in reversed(range(count))]
    return Case(
        now=now,
        subject=Subject(
            age_years=55,
            sex="male",
            weight=(Measurement(value=75.0, time=now, source="benchmark"),),
            height=(Measurement(value=178.0, time=now, source="benchmark"),),
            creatinine=(Measurement(value=1.0, time=now, source="benchmark"),),
        ),
        order=Order(drug=drug, regimen=regimen, running=True, source="benchmark"),
        doses=tuple(
            Dose(
                time=time,
                amount_mg=300.0,
                route=regimen.route,
                duration_h=regimen.duration_h,
                source="benchmark",
            )
            for time in given
        ),
        levels=(Level(time=now - timedelta(hours=2), value_mg_L=8.0 if oral else 3.0, source="benchmark"),),
    )

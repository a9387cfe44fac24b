"""How many patients a second a cohort's modes take on one core, by CPU time of one thread.

``python -m benchmarks.cohort``: vancomycin (Goti et al. 2018), infusions and one to three levels a person, as
columns already; and for comparison the way there from a dataset's text, which is Python. The median of runs.
"""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path
from statistics import median
from time import thread_time

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from dosing_core.evaluation import modelled, read_dataset
from dosing_core.evaluation.cohort import columns_of
from dosing_core.inference import cohort
from dosing_core.inference.map_estimate import starts
from dosing_core.library import load_drug, models_of

PEOPLE, RUNS = 5_000, 5


def dataset(people: int) -> str:
    """Simulated records: six infusions in three days, levels scattered around a usual one."""
    rng = np.random.default_rng(1)
    rows = ["ID,TIME,AMT,RATE,II,ADDL,DV,CRCL,WT,DIAL"]
    for number in range(people):
        own = f"{rng.uniform(30, 120):.4g},{rng.uniform(50, 100):.4g},0"
        rows.append(f"{number},0,1500,1000,.,.,.,{own}")
        rows.append(f"{number},12,1000,1000,12,4,.,{own}")
        for time in (23.5, 38.0, 59.5)[: rng.integers(1, 4)]:
            rows.append(f"{number},{time},.,.,.,.,{rng.lognormal(2.83, 0.35):.4g},{own}")
    return "\n".join(rows)


def main() -> None:
    """Print the two rates."""
    model = models_of(load_drug("vancomycin"))[0]
    text = dataset(PEOPLE)
    begun = thread_time()
    subjects = modelled(model, read_dataset(csv.reader(io.StringIO(text)), model.covariates))
    columns = columns_of(subjects)
    laid_out = PEOPLE / (thread_time() - begun)
    points = starts(len(columns.lower))
    cohort.modes(columns, points)
    times = []
    for _ in range(RUNS):
        begun = thread_time()
        cohort.modes(columns, points)
        times.append(thread_time() - begun)
    print(
        f"modes from columns: {PEOPLE / median(times):,.0f} patients/s/core (best {PEOPLE / min(times):,.0f})"
    )
    print(f"columns from text:  {laid_out:,.0f} patients/s/core")


if __name__ == "__main__":
    main()

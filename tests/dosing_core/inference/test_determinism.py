"""The same question gives the same bytes: again, in another process, with any number of threads."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from illustrative import infusions, vancomycin
from simulated_patients import FAMILIES

from dosing_core.inference import Observations, believe, posterior
from dosing_core.inference.tempering import tempered

ROOT = Path(__file__).parents[3]


def fingerprint() -> str:
    """Digest of particles, weights, evidence and a resample, of importance sampling (closed
    form, occasions, a saturable system) and of tempering."""
    levels = Observations(np.array([-9.0, -0.5]), np.array([24.0, 15.0]))
    hypotheses = [(0.4, "a", vancomycin(60.0)), (0.6, "b", vancomycin(90.0))]
    belief = believe(hypotheses, infusions(6, 12.0, 1000.0), levels)
    digest = hashlib.sha256()
    for part in belief.components:
        digest.update(part.posterior.eta.tobytes())
        digest.update(part.posterior.log_likelihood.tobytes())
        digest.update(np.array([part.probability, part.posterior.log_evidence]).tobytes())
    digest.update(belief.weight.tobytes())
    for _, eta in belief.particles(1000):
        digest.update(eta.tobytes())
    for name in ("occasions", "michaelis_menten_oral"):
        family = FAMILIES[name]()
        measured = Observations(np.array([-10.0]), np.array([0.002 if name == "occasions" else 12.0]))
        found = posterior(family.individual, family.doses, measured)
        digest.update(found.weight.tobytes())
        digest.update(found.eta.tobytes())
        digest.update(found.map_eta.tobytes())
    run = tempered(3, lambda z: -2.0 * np.sum((z - 1.0) ** 2, axis=1))
    digest.update(run.z.tobytes())
    return digest.hexdigest()


@pytest.mark.parametrize("threads", ["1", "4"])
def test_another_process_gives_the_same_bytes(threads: str) -> None:
    names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
    environment = {**os.environ, **dict.fromkeys(names, threads)}
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(ROOT / "tests"), str(Path(__file__).parent)])
    environment["PYTHONHASHSEED"] = threads

    other = subprocess.run(
        [sys.executable, "-c", "from test_determinism import fingerprint; print(fingerprint())"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )

    assert other.stdout.strip() == fingerprint()


def test_again_gives_the_same_bytes() -> None:
    assert fingerprint() == fingerprint()

"""``Individual``: a population model brought to one patient; all that kinetics and inference need of it.

Times are hours from the case's ``now``, so the past is negative. Amounts in mg, volumes in L, clearances in
L/h, concentrations in mg/L.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]

PARAMETERS = ("CL", "V1", "Q", "V2", "ka", "tlag", "F")
"""Columns of every parameter array: L/h, L, L/h, L, 1/h, h, fraction. A model with one compartment has Q = 0;
a drug that is only infused has ka = 1, tlag = 0, F = 1, which nothing reads."""


@dataclass(frozen=True)
class Structure:
    """Linear kinetics: how many compartments, and whether a dose may go through a depot."""

    compartments: Literal[1, 2]
    depot: bool
    """True if oral doses enter by first-order absorption with a lag."""


@dataclass(frozen=True)
class ResidualError:
    """Independent additive and proportional error: variance = additive² + (proportional · f)²."""

    additive_mg_L: float
    proportional: float


@dataclass(frozen=True)
class Individual:
    """Typical values over time, what varies between people, and how a level is measured.

    Compared by identity, because arrays have no single truth value.
    """

    structure: Structure
    row_time: FloatArray
    """[n_rows] h. Row i holds from ``row_time[i]`` until the next; the first is ``-inf``. The last row holds
    for the future."""
    typical: FloatArray
    """[n_rows, 7] in the order of ``PARAMETERS``."""
    eta_names: tuple[str, ...]
    """Parameter that each random effect belongs to, for display."""
    eta_index: IntArray
    """[7] which random effect multiplies the parameter (log-normal), or -1."""
    omega: FloatArray
    """[d, d] covariance of the random effects."""
    residual: ResidualError
    binding: FloatArray | None
    """[n_rows, 2] saturable binding: capacity (mg/L of the measured fluid) and dissociation constant (mg/L).
    The measured concentration is then C · (1 + capacity / (C + constant)), with C the kinetic one."""

    eta_acts: BoolArray | None = None
    """[n_rows, d] False where a random effect does not act; None: all act always. Bioavailability that varies
    on the day of a transplant alone is such an effect. Only ``parameters`` needs to know."""

    @property
    def dimension(self) -> int:
        """Number of random effects."""
        return len(self.eta_names)

    def parameters(self, eta: FloatArray) -> FloatArray:
        """Individual parameters [n, n_rows, 7] for random effects [n, d]."""
        padded = np.concatenate([eta, np.zeros((len(eta), 1))], axis=1)
        factors: FloatArray = np.exp(padded[:, self.eta_index])[:, None, :]
        if self.eta_acts is not None:
            always = np.concatenate([self.eta_acts, np.ones((len(self.row_time), 1), dtype=np.bool_)], axis=1)
            factors = np.where(always[:, self.eta_index], factors, 1.0)
        return np.ascontiguousarray(factors * self.typical)

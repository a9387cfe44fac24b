"""``Individual``: a population model brought to one patient; all that kinetics and inference need of it.

Times are hours from the case's ``now``, so the past is negative. Amounts in mg, volumes in L, clearances in
L/h, concentrations in mg/L.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dosing_core.case import Route
from dosing_core.population.system import System

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]

PARAMETERS = ("CL", "V1", "Q", "V2", "ka", "tlag", "F")
"""Columns of a ``Structure``'s parameter array: L/h, L, L/h, L, 1/h, h, fraction. A model with one
compartment has Q = 0; a drug that is only infused has ka = 1, tlag = 0, F = 1, which nothing reads."""

EVERY_ROW, LAST_ROW = slice(None), slice(-1, None)
"""Of a parameter array: all rows, or the one that holds from now on."""

LOG_NORMAL, NORMAL, LOGIT_NORMAL, BOX_COX = range(4)
"""How a random effect phi changes a typical value x: ``x exp(phi)``, ``x + phi``,
``logistic(logit(x) + phi)``, ``x exp((exp(shape phi) - 1) / shape)`` (Petersson et al., Pharm Res
2009;26:2174)."""


@dataclass(frozen=True)
class Structure:
    """Linear kinetics in closed form: one or two compartments, and whether a dose may go through a depot."""

    compartments: Literal[1, 2]
    depot: bool
    """True if doses by mouth or under the skin enter by first-order absorption with a lag."""


@dataclass(frozen=True)
class ResidualError:
    """How a measurement scatters around the prediction f, in the output's unit (mg/L for a concentration).

    - ``combined``: variance = additive² + (proportional · f)²
    - ``linear``: standard deviation = additive + proportional · f
    - ``power``: standard deviation = additive + proportional · f^power
    - ``log``: ln y is normal around ln f with standard deviation ``proportional``
    """

    additive: float
    proportional: float
    form: Literal["combined", "linear", "power", "log"] = "combined"
    power: float = 1.0


@dataclass(frozen=True, eq=False)
class SupportPoints:
    """A prior of finitely many points (non-parametric population model), as random effects."""

    eta: FloatArray
    """[n, d] each point relative to the individual's typical values."""
    probability: FloatArray
    """[n], sums to 1."""


@dataclass(frozen=True)
class Individual:
    """Typical values over time, what varies between people, and how a level is measured.

    Compared by identity, because arrays have no single truth value.
    """

    structure: Structure | System
    row_time: FloatArray
    """[n_rows] h. Row i holds from ``row_time[i]`` until the next; the first is ``-inf``. The last row holds
    for the future."""
    typical: FloatArray
    """[n_rows, n_parameters] in the order of ``columns``."""
    eta_names: tuple[str, ...]
    """Parameter that each random effect belongs to, for display."""
    eta_index: IntArray
    """[n_parameters] which random effect acts on the parameter at all times, or -1."""
    omega: FloatArray
    """[d, d] covariance of all random effects, between people and between occasions."""
    residual: ResidualError
    """Of the first output."""
    binding: FloatArray | None
    """[n_rows, 2] saturable binding of a ``Structure``: capacity (mg/L of the measured fluid) and
    dissociation constant (mg/L). The measured concentration is then C · (1 + capacity / (C + constant)), with
    C the kinetic one. A ``System`` spells it in its output."""

    eta_acts: BoolArray | None = None
    """[n_rows, d] False where a random effect does not act; None: all act always. Bioavailability that varies
    on the day of a transplant alone is such an effect. Only ``parameters`` needs to know."""
    occasion_index: IntArray | None = None
    """[n_rows, n_parameters] which random effect of the row's occasion acts on top, or -1; None: none."""
    transform: IntArray | None = None
    """[n_parameters] how random effects act: ``LOG_NORMAL`` and so on; None: log-normal all."""
    shape: FloatArray | None = None
    """[n_parameters] of ``BOX_COX``; not read elsewhere."""
    residuals: tuple[ResidualError, ...] = ()
    """One an output where a ``System`` has several that are measured, then one an assay with an error of its
    own; empty: ``residual`` is the only one."""
    assays: tuple[tuple[str, int], ...] = ()
    """Name of an assay and the place in ``residuals`` of the error of levels that it measured."""
    support: SupportPoints | None = None
    """Where given, the prior: these points and no others. ``omega`` is then their covariance."""
    clock_h: float = 0.0
    """Hour of the local day at ``now``."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns of ``typical`` and of every parameter array."""
        return self.structure.parameters if isinstance(self.structure, System) else PARAMETERS

    def takes(self, route: Route) -> bool:
        """True if the model knows how a dose by this route enters."""
        if isinstance(self.structure, System):
            return bool(self.structure.enters(route))
        return route == "iv" or self.structure.depot

    @property
    def absorbs(self) -> bool:
        """True if the model knows how a dose enters that does not go into a vein."""
        if isinstance(self.structure, System):
            return bool(self.structure.ways_in(depot=True))
        return self.structure.depot

    @property
    def dimension(self) -> int:
        """Number of random effects."""
        return len(self.eta_names)

    @property
    def occasion_effects(self) -> BoolArray:
        """[d] True for random effects of one occasion, False for those between people."""
        found = np.zeros(self.dimension, dtype=np.bool_)
        if self.occasion_index is not None:
            found[self.occasion_index[self.occasion_index >= 0]] = True
        return found

    def error_of(self, output: int) -> ResidualError:
        """Residual error of one output."""
        return self.residuals[output] if self.residuals else self.residual

    def parameters(self, eta: FloatArray, rows: slice = EVERY_ROW) -> FloatArray:
        """Individual parameters [n, n_rows, n_parameters] for random effects [n, d], of some rows or all."""
        typical = self.typical[rows]
        plain = self.transform is None or not self.transform.any()
        if plain and self.eta_acts is None and self.occasion_index is None:
            factors = np.ones((len(eta), self.dimension + 1))
            np.exp(eta, out=factors[:, :-1])
            return np.asarray(np.take(factors, self.eta_index, axis=1)[:, None, :] * typical)
        padded = np.concatenate([eta, np.zeros((len(eta), 1))], axis=1)
        effect = padded[:, self.eta_index][:, None, :]
        if self.eta_acts is not None:
            always = np.concatenate([self.eta_acts, np.ones((len(self.row_time), 1), dtype=np.bool_)], axis=1)
            effect = np.where(always[rows][:, self.eta_index], effect, 0.0)
        if self.occasion_index is not None:
            effect = effect + padded[:, self.occasion_index[rows]]
        return np.ascontiguousarray(self._transformed(effect, typical))

    def _transformed(self, effect: FloatArray, typical: FloatArray) -> FloatArray:
        """``typical`` under effects [n, n_rows or 1, n_parameters]."""
        kind = self.transform
        if kind is None or not kind.any():
            return np.asarray(np.exp(effect) * typical)
        shape = np.ones(len(kind)) if self.shape is None else self.shape
        log_effect = np.where(kind == BOX_COX, np.expm1(shape * effect) / shape, effect)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            logistic = 1.0 / (1.0 + (1.0 / typical - 1.0) * np.exp(-effect))
            changed = np.where(kind == LOGIT_NORMAL, logistic, np.exp(log_effect) * typical)
        return np.asarray(np.where(kind == NORMAL, typical + effect, changed))

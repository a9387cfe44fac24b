"""What NONMEM does with a dataset, written a second time and slowly, to hold the evaluation tools against.

Records are taken one after the other as ADVAN and PK do: the state moves to the record's time with one set of
parameters, then the record acts. Linear kinetics move by scipy's matrix exponential, others by its DOP853.
The post hoc etas are the minimum of ``sum((y - f)^2 / v + log v) + eta' omega^-1 eta`` (FOCE with
interaction), found by BFGS from nothing.

Nothing is shared with the product: neither reading, nor kinetics, nor optimiser.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import solve_ivp
from scipy.linalg import expm
from scipy.optimize import minimize
from scipy.special import log_ndtr

Parameters = dict[str, float]
Row = Mapping[str, float]
STEADY = 50
"""Doses that make a steady state."""


def rows_of(text: str) -> list[Row]:
    """The records as numbers; ``.`` and empty cells are 0, as NONMEM has it."""
    lines = csv.DictReader(io.StringIO(text))
    return [
        {name: float(cell) if cell not in (".", "") else 0.0 for name, cell in line.items()} for line in lines
    ]


@dataclass(frozen=True)
class Model:
    """A model as a control stream has it."""

    parameters: Callable[[Row, NDArray[np.float64]], Parameters]
    """$PK: parameters of a record under etas. ``V`` scales the observed compartment; ``ALAGn`` and ``Fn``
    belong to compartment n."""
    rates: Callable[[Parameters], NDArray[np.float64]] | None = None
    """Linear kinetics: matrix of rates."""
    change: Callable[[Parameters, NDArray[np.float64]], NDArray[np.float64]] | None = None
    """$DES."""
    compartments: int = 1
    observed: int = 1
    additive: float = 0.0
    proportional: float = 0.0
    backward: bool = True
    """True: a record's parameters hold for the interval that ends at it (NONMEM). False: from it on."""


@dataclass
class _Running:
    model: Model
    now: float = 0.0
    amounts: NDArray[np.float64] = field(default_factory=lambda: np.zeros(1))
    pending: list[tuple[float, float, int, float]] = field(default_factory=list)
    """(time, amount, compartment, rate) of doses that are still to come."""
    infusions: list[tuple[float, float, int]] = field(default_factory=list)
    """(end, rate, compartment)."""
    moves: dict[tuple[bytes, float], NDArray[np.float64]] = field(default_factory=dict)

    def advance(self, to: float, p: Parameters) -> None:
        while True:
            stops = [time for time, *_ in self.pending] + [end for end, *_ in self.infusions]
            stop = min([to, *(time for time in stops if time >= self.now)])
            self._move(stop - self.now, p)
            self.now = stop
            self.infusions = [one for one in self.infusions if one[0] > stop + 1e-12]
            due = [one for one in self.pending if one[0] <= stop]
            self.pending = [one for one in self.pending if one[0] > stop]
            for time, amount, compartment, rate in due:
                self.enter(time, amount, compartment, rate)
            if stop >= to:
                return

    def enter(self, time: float, amount: float, compartment: int, rate: float) -> None:
        if rate > 0:
            self.infusions.append((time + amount / rate, rate, compartment))
        else:
            self.amounts[compartment - 1] += amount

    def _move(self, length: float, p: Parameters) -> None:
        if length <= 0:
            return
        model, n = self.model, self.model.compartments
        flow = np.zeros(n)
        for _, rate, compartment in self.infusions:
            flow[compartment - 1] += rate
        if model.rates is not None:
            whole = np.zeros((n + 1, n + 1))
            whole[:n, :n] = model.rates(p)
            whole[:n, n] = flow
            key = (whole.tobytes(), round(length, 12))
            if key not in self.moves:
                self.moves[key] = expm(whole * length)
            self.amounts = (self.moves[key] @ np.append(self.amounts, 1.0))[:n]
            return
        change = model.change
        assert change is not None
        found = solve_ivp(
            lambda _, a: change(p, a) + flow,
            (0.0, length),
            self.amounts,
            method="DOP853",
            rtol=1e-10,
            atol=1e-12,
        )
        self.amounts = found.y[:, -1]


def predictions(model: Model, rows: list[Row], eta: NDArray[np.float64]) -> NDArray[np.float64]:
    """What is expected at every record that is no dose, in order."""
    return np.array([value for _, value in _predicted(model, rows, eta)])


def _predicted(model: Model, rows: list[Row], eta: NDArray[np.float64]) -> Iterator[tuple[Row, float]]:
    running = _Running(model, amounts=np.zeros(model.compartments))
    before: Parameters | None = None
    for number, row in enumerate(rows):
        own = model.parameters(row, eta)
        event = int(row.get("EVID", 1.0 if row["AMT"] else 0.0))
        if event in (3, 4) and number > 0:
            running = _Running(model, amounts=np.zeros(model.compartments), now=row["TIME"])
        elif number == 0:
            running.now = row["TIME"]
        running.advance(row["TIME"], own if model.backward or before is None else before)
        if event in (1, 4):
            _dose(running, row, own)
        elif event in (0, 2):
            yield row, running.amounts[model.observed - 1] / own["V"]
        before = own


def _dose(running: _Running, row: Row, p: Parameters) -> None:
    compartment = int(row.get("CMT", 0)) or 1
    amount = row["AMT"] * p.get(f"F{compartment}", 1.0)
    lag, rate, time = p.get(f"ALAG{compartment}", 0.0), row.get("RATE", 0.0), row["TIME"]
    if rate == -2:
        rate = amount / p[f"D{compartment}"]
    steady, interval = int(row.get("SS", 0)), row.get("II", 0.0)
    if steady and rate == 0 and running.model.rates is not None:
        # The geometric series of the doses before, the last of which arrived ``interval - lag`` ago.
        rates, dose = running.model.rates(p), np.zeros(running.model.compartments)
        dose[compartment - 1] = amount
        whole = expm(rates * interval)
        before = np.linalg.solve(np.eye(len(dose)) - whole, whole @ dose)
        amounts = expm(rates * (interval - lag)) @ (before + dose)
        running.amounts = amounts if steady == 1 else running.amounts + amounts
        if steady == 1:
            running.infusions, running.pending = [], []
    elif steady:
        alone = _Running(
            running.model, amounts=np.zeros(running.model.compartments), now=time - STEADY * interval
        )
        for back in range(STEADY, 0, -1):
            alone.pending.append((time - back * interval + lag, amount, compartment, rate))
        alone.advance(time, p)
        if steady == 1:
            running.amounts, running.infusions, running.pending = (
                alone.amounts,
                alone.infusions,
                alone.pending,
            )
        else:
            running.amounts = running.amounts + alone.amounts
            running.infusions += alone.infusions
            running.pending += alone.pending
    for more in range(int(row.get("ADDL", 0)) + 1):
        running.pending.append((time + more * interval + lag, amount, compartment, rate))
    running.advance(time, p)


def objective(model: Model, rows: list[Row], omega: NDArray[np.float64], eta: NDArray[np.float64]) -> float:
    """Twice the negative log of the joint density, without constants. Censored levels (CENS 1) by M3."""
    total = float(eta @ np.linalg.solve(omega, eta))
    for row, f in _predicted(model, rows, eta):
        if row.get("MDV") or row.get("EVID"):
            continue
        v = model.additive**2 + (model.proportional * f) ** 2
        if row.get("CENS") == 1:
            total -= 2.0 * float(log_ndtr((row["LLOQ"] - f) / math.sqrt(v)))
        else:
            total += (row["DV"] - f) ** 2 / v + math.log(v)
    return total


def post_hoc(
    model: Model, text: str, omega: NDArray[np.float64], start: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """Etas of the one subject of a dataset; many of them are found sooner from near by."""
    rows = rows_of(text)
    found = minimize(
        lambda eta: objective(model, rows, omega, eta),
        np.zeros(len(omega)) if start is None else start,
        method="BFGS",
        options={"gtol": 1e-6},
    )
    etas: NDArray[np.float64] = found.x
    return etas


def one_compartment(p: Parameters) -> NDArray[np.float64]:
    """ADVAN1."""
    return np.array([[-p["CL"] / p["V"]]])


def one_compartment_oral(p: Parameters) -> NDArray[np.float64]:
    """ADVAN2."""
    return np.array([[-p["KA"], 0.0], [p["KA"], -p["CL"] / p["V"]]])


def two_compartments(p: Parameters) -> NDArray[np.float64]:
    """ADVAN3; ``V`` is V1."""
    return np.array([[-(p["CL"] + p["Q"]) / p["V"], p["Q"] / p["V2"]], [p["Q"] / p["V"], -p["Q"] / p["V2"]]])


def two_compartments_oral(p: Parameters) -> NDArray[np.float64]:
    """ADVAN4; ``V`` is V2, ``V2`` is V3."""
    whole = np.zeros((3, 3))
    whole[0, 0], whole[1, 0] = -p["KA"], p["KA"]
    whole[1:, 1:] += two_compartments(p)
    return whole

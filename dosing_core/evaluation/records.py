"""One row of a dataset: what it says in NONMEM's conventions, or why it is refused.

Numbers stay in the units of the file. A row becomes a ``DoseRecord``, a ``Sample`` (a level, or an instant to
predict), a ``Reset``, or ``Passed`` where only its covariates count.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dosing_core.errors import InvalidDataset

DOSE_ONLY = ("AMT", "RATE", "SS", "II", "ADDL")
LEVEL, DOSE, OTHER, RESET, RESET_AND_DOSE = range(5)
"""NONMEM's EVID."""
MOST_ADDITIONAL = 10_000
"""Project policy: more doses than 27 years of one a day are a slip, and would only fill the memory."""
MODELLED_RATE, MODELLED_DURATION = -1.0, -2.0
"""NONMEM's RATE where the model, not the record, says how long a dose takes to enter."""


@dataclass(frozen=True)
class Cells:
    """The numbers of one row by column, None where missing."""

    row: int
    id: str
    values: Mapping[str, float | None]

    def given(self, column: str) -> float | None:
        """The number, or None where it is missing or the dataset has no such column."""
        return self.values.get(column)

    def number(self, column: str) -> float:
        """The number, or 0 where it is missing, as NONMEM has it."""
        return self.values.get(column) or 0.0

    def refuse(self, column: str, problem: str) -> InvalidDataset:
        """The error that names this row and a column of it."""
        return InvalidDataset(self.row, column, problem)


@dataclass(frozen=True)
class DoseRecord:
    """One dosing record, as written."""

    row: int
    time: float
    amount: float
    """0 for a steady state of a constant infusion only."""
    rate: float
    """Amount per time; 0: at once; -1 and -2: the model has the rate or the duration."""
    compartment: int | None
    interval: float
    """II; 0 if not given."""
    additional: int
    steady_state: int
    """SS: 0 none, 1 in place of what was before, 2 on top of it."""
    resets: bool
    """EVID 4: everything before is wiped out first."""


@dataclass(frozen=True)
class Sample:
    """A level, or an instant at which only a prediction is wanted."""

    row: int
    time: float
    value: float | None
    """The level, or where ``censored`` the limit. None: a prediction only (MDV = 1 or EVID = 2)."""
    compartment: int | None
    analyte: int | None
    """DVID; None where missing."""
    censored: int
    """-1: the level is below ``value``; 1: above; 0: as measured."""


@dataclass(frozen=True)
class Reset:
    """EVID 3: from here on nothing of what was before is there."""

    row: int
    time: float


@dataclass(frozen=True)
class Passed:
    """A record of which only the covariates count: a censored level that is left out."""

    row: int
    time: float


Event = DoseRecord | Sample | Reset | Passed


def event_of(cells: Cells, drop_censored: bool) -> Event:
    """What the row is. Raises ``InvalidDataset`` for a row that contradicts itself."""
    kind = _kind(cells)
    match kind:
        case 1 | 4:
            return _dose(cells, resets=kind == RESET_AND_DOSE)
        case 3:
            return Reset(cells.row, cells.number("TIME"))
        case 0 if cells.number("MDV") == 0:
            return _level(cells, drop_censored)
    return _sample(cells, None, 0)


def _kind(cells: Cells) -> int:
    """EVID, inferred where it is missing: a row with AMT or RATE is a dose."""
    evid, mdv = cells.given("EVID"), cells.given("MDV")
    if evid is not None and evid not in range(5):
        raise cells.refuse(
            "EVID",
            f"{evid:g} is not an event; 0 is a level, 1 a dose, 2 another record, 3 a reset, 4 a reset with "
            "a dose",
        )
    if mdv is not None and mdv not in (0, 1):
        raise cells.refuse("MDV", f"{mdv:g} is neither 0 nor 1")
    if evid is None:
        evid = DOSE if cells.number("AMT") != 0 or cells.number("RATE") != 0 else LEVEL
    if evid in (DOSE, RESET_AND_DOSE):
        if mdv == 0:
            raise cells.refuse("MDV", "0 on a dose: a dosing record has no level, so MDV is 1 or missing")
        return int(evid)
    for column in DOSE_ONLY:
        if cells.number(column) != 0:
            raise cells.refuse(
                column, f"must be 0 or missing unless the record is a dose (here EVID {evid:g})"
            )
    return int(evid)


def _dose(cells: Cells, resets: bool) -> DoseRecord:
    amount, rate, interval = (cells.number(name) for name in ("AMT", "RATE", "II"))
    steady, additional = _steady(cells), _additional(cells)
    endless = amount == 0 and rate > 0 and steady == 1
    if amount < 0:
        raise cells.refuse("AMT", f"negative amount {amount:g}")
    if amount == 0 and not endless:
        raise cells.refuse("AMT", "a dose without an amount; only SS 1 with a RATE, an infusion without end")
    if rate < 0 and rate not in (MODELLED_RATE, MODELLED_DURATION):
        raise cells.refuse("RATE", f"negative rate {rate:g}; -1 and -2 ask the model for rate and duration")
    if interval < 0:
        raise cells.refuse("II", f"negative interval {interval:g}")
    if endless and (interval > 0 or additional > 0):
        raise cells.refuse(
            "II" if interval > 0 else "ADDL", "an infusion without end (SS 1, AMT 0) does not repeat"
        )
    if steady and interval == 0 and not endless:
        raise cells.refuse(
            "II", f"missing or 0: a steady state (SS = {steady}) needs the interval between doses"
        )
    if additional and interval == 0:
        raise cells.refuse("II", "missing or 0: additional doses (ADDL) need the interval between them")
    return DoseRecord(
        row=cells.row,
        time=cells.number("TIME"),
        amount=amount,
        rate=rate,
        compartment=_compartment(cells),
        interval=interval,
        additional=additional,
        steady_state=steady,
        resets=resets,
    )


def _steady(cells: Cells) -> int:
    state = cells.number("SS")
    if state not in (0, 1, 2, 3):
        raise cells.refuse(
            "SS", f"{state:g} is none of 0, 1 and 3 (in place of what was there) and 2 (on top of it)"
        )
    return 1 if state == 3 else int(state)  # NONMEM's 3 differs from 1 in how it looks for the state.


def _additional(cells: Cells) -> int:
    additional = cells.number("ADDL")
    if additional < 0 and additional == int(additional):
        raise cells.refuse("ADDL", f"{additional:g}: NONMEM's empirical steady state; give SS 1 instead")
    if additional != int(additional):
        raise cells.refuse("ADDL", f"{additional:g} is not a number of doses")
    if additional > MOST_ADDITIONAL:
        raise cells.refuse("ADDL", f"more than {MOST_ADDITIONAL} additional doses")
    return int(additional)


def _compartment(cells: Cells) -> int | None:
    """The number given; None where it is missing or 0, the model's default."""
    number = cells.number("CMT")
    if number < 0 or number != int(number):
        raise cells.refuse("CMT", f"{number:g} is not the number of a compartment that is on")
    return int(number) or None


def _level(cells: Cells, drop_censored: bool) -> Event:
    """A measured level; one below or above quantification is kept as such, or passed over."""
    censored, limit = _censored(cells)
    if censored and drop_censored:
        return Passed(cells.row, cells.number("TIME"))
    if censored and limit is None:
        raise cells.refuse("DV", "a censored level needs its limit: in LLOQ, or in DV; 0 is none")
    value = limit if censored else cells.given("DV")
    if value is None:
        raise cells.refuse("DV", "missing, and MDV does not say so (1)")
    return _sample(cells, value, censored)


def _censored(cells: Cells) -> tuple[int, float | None]:
    """-1 below quantification, 1 above, 0 neither; and the limit.

    Below: CENS 1, BLQ 1, or DV below LLOQ; the limit is LLOQ, or DV where no LLOQ is given. Above: CENS -1;
    the limit is DV.
    """
    for column, allowed in (("CENS", (-1, 0, 1)), ("BLQ", (0, 1))):
        if cells.number(column) not in allowed:
            choice = ", ".join(map(str, allowed))
            raise cells.refuse(column, f"{cells.number(column):g} is none of {choice}")
    lower, value = cells.given("LLOQ"), cells.given("DV")
    if lower is not None and lower < 0:
        raise cells.refuse("LLOQ", f"negative limit {lower:g}")
    lower = lower or None
    if cells.number("CENS") == -1:
        if cells.number("BLQ"):
            raise cells.refuse("BLQ", "below quantification, where CENS -1 says above")
        return 1, value if value is not None and value > 0 else None
    if cells.number("CENS") == 1 or cells.number("BLQ") == 1:
        flag = "CENS" if cells.number("CENS") else "BLQ"
        if lower is not None and value is not None and value > lower:
            raise cells.refuse("DV", f"{value:g} is above LLOQ {lower:g}, where {flag} says below")
        return -1, lower if lower is not None else value if value is not None and value > 0 else None
    below = lower is not None and value is not None and value < lower
    return (-1, lower) if below else (0, None)


def _sample(cells: Cells, value: float | None, censored: int) -> Sample:
    analyte = cells.given("DVID")
    if analyte is not None and (analyte < 0 or analyte != int(analyte)):
        raise cells.refuse("DVID", f"{analyte:g} is not the number of an analyte")
    return Sample(
        row=cells.row,
        time=cells.number("TIME"),
        value=value,
        compartment=_compartment(cells),
        analyte=int(analyte) or None if analyte is not None else None,
        censored=censored,
    )

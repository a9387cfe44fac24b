"""Reads a dataset in NONMEM's conventions from rows of text.

Reserved columns: ID, TIME, AMT, RATE, EVID, MDV, CMT, DV, SS, II, ADDL, LLOQ, CENS, BLQ. ID, TIME, AMT and
DV are required. ``.`` and an empty cell are missing. A covariate is read if the caller names it; any other
column is ignored. Numbers stay in the units of the file.

A dataset that breaks a convention is refused with row, column and a sentence. Nothing is repaired.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from dosing_core.errors import InvalidDataset

REQUIRED = ("ID", "TIME", "AMT", "DV")
DOSE_ONLY = ("AMT", "RATE", "SS", "II", "ADDL")
RESERVED = (*REQUIRED, "RATE", "EVID", "MDV", "CMT", "SS", "II", "ADDL", "LLOQ", "CENS", "BLQ")
UNSUPPORTED = {
    "DATE": "dates are not supported; give TIME as time since the start",
    "DAT1": "dates are not supported; give TIME as time since the start",
    "DAT2": "dates are not supported; give TIME as time since the start",
    "DAT3": "dates are not supported; give TIME as time since the start",
    "DVID": "several analytes are not supported yet; keep the rows of one",
    "L2": "correlated levels (L2) are not supported",
}
"""Columns that change the meaning of the others, so that ignoring them would be wrong."""

EVENTS = {3: "a reset (EVID 3)", 4: "a reset with a dose (EVID 4)"}
LARGEST = 1e9
"""Project policy: a number beyond a thousand million is a slip in any unit that a model file may have."""
MOST_ADDITIONAL = 10_000
"""Project policy: more doses than 27 years of one a day are a slip, and would only fill the memory."""

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_MISSING = ("", ".")


@dataclass(frozen=True)
class DoseRecord:
    """One dosing record, as written."""

    row: int
    time: float
    amount: float
    rate: float
    """Amount per time; 0: at once."""
    compartment: int | None
    interval: float
    """II; 0 if not given."""
    additional: int
    steady_state: bool


@dataclass(frozen=True)
class Sample:
    """A level, or an instant at which only a prediction is wanted."""

    row: int
    time: float
    value: float | None
    """None: a prediction only (MDV = 1 or EVID = 2)."""
    compartment: int | None


@dataclass(frozen=True)
class CovariateRow:
    """The model's covariates as they stand from ``time`` on."""

    row: int
    time: float
    values: Mapping[str, float]


@dataclass(frozen=True)
class DatasetSubject:
    """All records of one ID."""

    id: str
    row: int
    """Of the first record."""
    doses: tuple[DoseRecord, ...]
    samples: tuple[Sample, ...]
    covariates: tuple[CovariateRow, ...]
    """In order of time, each instant once; the first holds for all earlier times too."""
    censored_dropped: int
    """Levels left out because they are below (or above) quantification."""


@dataclass(frozen=True)
class Dataset:
    """Subjects in the order of the file."""

    subjects: tuple[DatasetSubject, ...]

    @property
    def censored_dropped(self) -> int:
        """Censored levels left out, over all subjects."""
        return sum(subject.censored_dropped for subject in self.subjects)


def read_dataset(
    rows: Iterable[Sequence[str]], covariates: Collection[str] = (), *, drop_censored: bool = False
) -> Dataset:
    """Read rows of cells, the header first; ``covariates`` are the columns that the model needs.

    Records that are censored (CENS or BLQ not 0, or DV below LLOQ) are refused, or with ``drop_censored``
    left out and counted. Raises ``InvalidDataset``.
    """
    numbered = ((number, [cell.strip() for cell in cells]) for number, cells in enumerate(rows, start=1))
    filled = ((number, cells) for number, cells in numbered if any(cells))
    header_row, header = next(filled, (0, []))
    if not header:
        raise InvalidDataset(0, "", "the dataset is empty; it begins with a header such as ID,TIME,AMT,DV")
    columns = _columns(header_row, header, covariates)
    records = [_record(number, cells, columns, len(header)) for number, cells in filled]
    if not records:
        raise InvalidDataset(0, "", "the dataset has a header and no records")
    subjects = tuple(_subject(records, covariates, drop_censored) for records in _blocks(records))
    return Dataset(subjects)


@dataclass(frozen=True)
class _Record:
    """One row: its numbers by column, None where missing."""

    row: int
    id: str
    cells: Mapping[str, float | None]

    def given(self, column: str) -> float | None:
        return self.cells.get(column)

    def number(self, column: str) -> float:
        """The number, or 0 where it is missing, as NONMEM has it."""
        return self.cells.get(column) or 0.0

    def refuse(self, column: str, problem: str) -> InvalidDataset:
        return InvalidDataset(self.row, column, problem)


def _columns(row: int, header: Sequence[str], covariates: Collection[str]) -> dict[str, int]:
    """Index of each column that is read. Reserved names in any case; covariates as the model writes them."""
    first = [header[0].removeprefix("\ufeff").removeprefix("#"), *header[1:]]
    names = [name.upper() if name.upper() in (*RESERVED, *UNSUPPORTED) else name for name in first]
    for name in names:
        if name in UNSUPPORTED:
            raise InvalidDataset(row, name, UNSUPPORTED[name])
        if names.count(name) > 1 and (name in RESERVED or name in covariates):
            raise InvalidDataset(row, name, "the column is there twice")
    if all(_NUMBER.fullmatch(name) or name in _MISSING for name in names):
        raise InvalidDataset(row, "", "a header with the names of the columns is required")
    if len(names) == 1:
        raise InvalidDataset(row, "", "one column only; cells are separated by commas")
    for name in REQUIRED:
        if name not in names:
            raise InvalidDataset(row, name, "the column is required")
    for name in covariates:
        if name not in names:
            raise InvalidDataset(
                row, name, "the model needs this covariate and the dataset has no such column"
            )
    return {name: names.index(name) for name in (*RESERVED, *covariates) if name in names}


def _record(row: int, cells: Sequence[str], columns: Mapping[str, int], width: int) -> _Record:
    if len(cells) != width:
        raise InvalidDataset(row, "", f"{len(cells)} cells where the header has {width}")
    values = {name: _number(row, name, cells[index]) for name, index in columns.items()}
    if values["ID"] is None:
        raise InvalidDataset(row, "ID", "missing")
    if values["TIME"] is None:
        raise InvalidDataset(row, "TIME", "missing")
    return _Record(row, cells[columns["ID"]], values)


def _number(row: int, column: str, cell: str) -> float | None:
    if cell in _MISSING:
        return None
    if not _NUMBER.fullmatch(cell):
        raise InvalidDataset(row, column, f"{cell[:20]!r} is not a number")
    value = float(cell)
    if not math.isfinite(value) or abs(value) > LARGEST:
        raise InvalidDataset(row, column, f"{cell[:20]} is beyond {LARGEST:.0e}; check the unit")
    return value


def _blocks(records: Sequence[_Record]) -> Iterator[list[_Record]]:
    """Records of one ID after the other. Refuses an ID that comes back and a time that runs back."""
    block: list[_Record] = []
    seen: set[float | None] = set()
    for record in records:
        if block and record.given("ID") != block[-1].given("ID"):
            yield block
            block = []
        if not block and record.given("ID") in seen:
            raise record.refuse("ID", f"subject {record.id} was there before; its records must be together")
        if block and record.number("TIME") < block[-1].number("TIME"):
            raise record.refuse("TIME", f"decreases within subject {record.id}")
        seen.add(record.given("ID"))
        block.append(record)
    yield block


def _subject(records: Sequence[_Record], covariates: Collection[str], drop_censored: bool) -> DatasetSubject:
    doses: list[DoseRecord] = []
    samples: list[Sample] = []
    dropped = 0
    for record in records:
        match _event(record):
            case 1:
                doses.append(_dose(record))
            case 0 if record.number("MDV") == 0:
                flag = _censored(record)
                if flag is None:
                    samples.append(_sample(record, _level(record)))
                elif drop_censored:
                    dropped += 1
                else:
                    raise record.refuse(
                        flag,
                        "a censored level: the likelihood of levels below quantification (M3) is not "
                        "supported yet; --drop-censored leaves such levels out",
                    )
            case _:
                samples.append(_sample(record, None))
    return DatasetSubject(
        id=records[0].id,
        row=records[0].row,
        doses=tuple(doses),
        samples=tuple(samples),
        covariates=_carried_forward(records, covariates),
        censored_dropped=dropped,
    )


def _event(record: _Record) -> int:
    """0 level, 1 dose, 2 other. What contradicts itself is refused."""
    evid, mdv = record.given("EVID"), record.given("MDV")
    if evid is not None and evid not in (0, 1, 2, 3, 4):
        raise record.refuse("EVID", f"{evid:g} is not an event; 0 is a level, 1 a dose, 2 another record")
    if mdv is not None and mdv not in (0, 1):
        raise record.refuse("MDV", f"{mdv:g} is neither 0 nor 1")
    if evid in EVENTS:
        raise record.refuse("EVID", f"{EVENTS[int(evid)]} is not supported; make it another subject")
    if evid is None:
        evid = 1 if record.number("AMT") != 0 or record.number("RATE") != 0 else 0
    if evid == 1 and mdv == 0:
        raise record.refuse("MDV", "0 on a dose: a dosing record has no level, so MDV is 1 or missing")
    if evid != 1:
        for column in DOSE_ONLY:
            if record.number(column) != 0:
                raise record.refuse(
                    column, f"must be 0 or missing unless the record is a dose (EVID {evid:g})"
                )
    return int(evid)


def _dose(record: _Record) -> DoseRecord:
    amount, rate, interval = (record.number(name) for name in ("AMT", "RATE", "II"))
    if amount < 0:
        raise record.refuse("AMT", f"negative amount {amount:g}")
    if amount == 0:
        what = "a steady-state infusion" if rate > 0 and record.number("SS") else "a dose"
        raise record.refuse("AMT", f"{what} without an amount is not supported")
    if rate in (-1, -2):
        kind = "rate" if rate == -1 else "duration"
        raise record.refuse(
            "RATE", f"{rate:g} asks the model for the {kind} of the dose, which is not supported"
        )
    if rate < 0:
        raise record.refuse("RATE", f"negative rate {rate:g}")
    if interval < 0:
        raise record.refuse("II", f"negative interval {interval:g}")
    steady, additional = _steady(record), _additional(record)
    if steady and interval == 0:
        raise record.refuse("II", "missing or 0: a steady state (SS = 1) needs the interval between doses")
    if additional and interval == 0:
        raise record.refuse("II", "missing or 0: additional doses (ADDL) need the interval between them")
    return DoseRecord(
        row=record.row,
        time=record.number("TIME"),
        amount=amount,
        rate=rate,
        compartment=_compartment(record),
        interval=interval,
        additional=additional,
        steady_state=steady,
    )


def _steady(record: _Record) -> bool:
    state = record.number("SS")
    if state == 2:
        raise record.refuse(
            "SS", "2 (added to what is already there) is not supported; give SS = 1 or the doses"
        )
    if state not in (0, 1):
        raise record.refuse("SS", f"{state:g} is neither 0 nor 1")
    return state == 1


def _additional(record: _Record) -> int:
    additional = record.number("ADDL")
    if additional < 0 or additional != int(additional):
        raise record.refuse("ADDL", f"{additional:g} is not a number of doses")
    if additional > MOST_ADDITIONAL:
        raise record.refuse("ADDL", f"more than {MOST_ADDITIONAL} additional doses")
    return int(additional)


def _compartment(record: _Record) -> int | None:
    """The number given; None where it is missing or 0, the model's default."""
    number = record.number("CMT")
    if number < 0 or number != int(number):
        raise record.refuse("CMT", f"{number:g} is not the number of a compartment that is on")
    return int(number) or None


def _level(record: _Record) -> float:
    value = record.given("DV")
    if value is None:
        raise record.refuse("DV", "missing, and MDV does not say so (1)")
    if value <= 0:
        raise record.refuse(
            "DV", f"{value:g} is no level; one below quantification has CENS or BLQ 1, one to ignore MDV 1"
        )
    return value


def _censored(record: _Record) -> str | None:
    """The column that says that the level is below (or above) quantification, or None."""
    for column, allowed in (("CENS", (-1, 0, 1)), ("BLQ", (0, 1))):
        if record.number(column) not in allowed:
            choice = ", ".join(map(str, allowed))
            raise record.refuse(column, f"{record.number(column):g} is none of {choice}")
    limit, value = record.given("LLOQ"), record.given("DV")
    if limit is not None and limit < 0:
        raise record.refuse("LLOQ", f"negative limit {limit:g}")
    below = limit is not None and value is not None and value < limit
    return "CENS" if record.number("CENS") else "BLQ" if record.number("BLQ") else "LLOQ" if below else None


def _sample(record: _Record, value: float | None) -> Sample:
    return Sample(record.row, record.number("TIME"), value, _compartment(record))


def _carried_forward(records: Sequence[_Record], covariates: Collection[str]) -> tuple[CovariateRow, ...]:
    """Each instant once; a missing value is the last one before it."""
    rows: list[CovariateRow] = []
    current: dict[str, float] = {}
    given_at: dict[str, float] = {}
    for record in records:
        time = record.number("TIME")
        for name in covariates:
            value = record.given(name)
            if value is None:
                if name not in current:
                    raise record.refuse(name, f"missing, and subject {record.id} has no earlier value")
                continue
            if given_at.get(name) == time and current[name] != value:
                raise record.refuse(name, f"two values at one time: {current[name]:g} and {value:g}")
            current[name], given_at[name] = value, time
        row = CovariateRow(record.row, time, dict(current))
        if rows and rows[-1].time == time:
            rows[-1] = row
        else:
            rows.append(row)
    return tuple(rows)

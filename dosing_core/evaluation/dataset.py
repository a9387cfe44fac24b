"""Reads a dataset in NONMEM's conventions from rows of text.

Reserved columns: ID, TIME, AMT, RATE, EVID, MDV, CMT, DV, DVID, SS, II, ADDL, LLOQ, CENS, BLQ. ID, TIME, AMT
and DV are required. ``.`` and an empty cell are missing. A covariate is read if the caller names it; any
other column is ignored. Numbers stay in the units of the file.

A dataset that breaks a convention is refused with row, column and a sentence. Nothing is repaired.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from dosing_core.errors import InvalidDataset
from dosing_core.evaluation.records import (
    RESET,
    RESET_AND_DOSE,
    Cells,
    DoseRecord,
    Event,
    Passed,
    Sample,
    event_of,
)
from dosing_core.population.model import PopulationModel

REQUIRED = ("ID", "TIME", "AMT", "DV")
RESERVED = (*REQUIRED, "RATE", "EVID", "MDV", "CMT", "DVID", "SS", "II", "ADDL", "LLOQ", "CENS", "BLQ")
UNSUPPORTED = {
    **dict.fromkeys(
        ("DATE", "DAT1", "DAT2", "DAT3"), "dates are not supported; give TIME as time since the start"
    ),
    "L2": "correlated levels (L2) are not supported",
    "LIMIT": "levels within an interval (LIMIT) are not supported; CENS and LLOQ are",
}
"""Columns that change the meaning of the others, so that ignoring them would be wrong."""

LARGEST = 1e9
"""Project policy: a number beyond a thousand million is a slip in any unit that a model file may have."""


def occasion_column(model: PopulationModel) -> str | None:
    """The column that numbers the model's occasions; None where it has none, or finds them by a rule."""
    return None if model.occasions is None else model.occasions.column


_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_MISSING = ("", ".")


@dataclass(frozen=True)
class CovariateRow:
    """The model's covariates as one record has them."""

    row: int
    time: float
    values: Mapping[str, float]
    """A missing value is the last one before it."""
    occasion: int | None
    """Of the record; None where the model has no occasions."""


@dataclass(frozen=True)
class DatasetSubject:
    """All records of one ID."""

    id: str
    events: tuple[Event, ...]
    """In the order of the file."""
    covariates: tuple[CovariateRow, ...]
    """One a record, in the same order."""

    @property
    def row(self) -> int:
        """Of the first record."""
        return self.events[0].row

    @cached_property
    def doses(self) -> tuple[DoseRecord, ...]:
        """The dosing records."""
        return tuple(event for event in self.events if isinstance(event, DoseRecord))

    @cached_property
    def samples(self) -> tuple[Sample, ...]:
        """The levels and the instants to predict."""
        return tuple(event for event in self.events if isinstance(event, Sample))

    @property
    def censored_dropped(self) -> int:
        """Levels left out because they are below (or above) quantification."""
        return sum(isinstance(event, Passed) for event in self.events)


@dataclass(frozen=True)
class Dataset:
    """Subjects in the order of the file."""

    subjects: tuple[DatasetSubject, ...]

    @property
    def censored_dropped(self) -> int:
        """Censored levels left out, over all subjects."""
        return sum(subject.censored_dropped for subject in self.subjects)


def read_dataset(
    rows: Iterable[Sequence[str]],
    covariates: Collection[str] = (),
    *,
    occasion: str | None = None,
    drop_censored: bool = False,
) -> Dataset:
    """Read rows of cells, the header first.

    ``covariates`` are the columns that the model needs, ``occasion`` the one that numbers its occasions. With
    ``drop_censored`` levels that are censored (CENS or BLQ not 0, or DV below LLOQ) are passed over and
    counted; without, they are kept as censored. Raises ``InvalidDataset``.
    """
    numbered = ((number, [cell.strip() for cell in cells]) for number, cells in enumerate(rows, start=1))
    filled = ((number, cells) for number, cells in numbered if any(cells))
    header_row, header = next(filled, (0, []))
    if not header:
        raise InvalidDataset(0, "", "the dataset is empty; it begins with a header such as ID,TIME,AMT,DV")
    needed = [*covariates, *([occasion] if occasion is not None and occasion not in covariates else [])]
    columns = _columns(header_row, header, needed)
    records = [_cells(number, cells, columns, len(header)) for number, cells in filled]
    if not records:
        raise InvalidDataset(0, "", "the dataset has a header and no records")
    subjects = [
        DatasetSubject(
            id=block[0].id,
            events=tuple(event_of(cells, drop_censored) for cells in block),
            covariates=_carried_forward(block, covariates, occasion),
        )
        for block in _blocks(records)
    ]
    return Dataset(tuple(subjects))


def _columns(row: int, header: Sequence[str], covariates: Collection[str]) -> dict[str, int]:
    """Index of each column that is read. Reserved names in any case; covariates as the model writes them."""
    first = [header[0].removeprefix("\ufeff").removeprefix("#"), *header[1:]]
    names = [
        name.upper() if name not in covariates and name.upper() in (*RESERVED, *UNSUPPORTED) else name
        for name in first
    ]
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


def _cells(row: int, cells: Sequence[str], columns: Mapping[str, int], width: int) -> Cells:
    if len(cells) != width:
        raise InvalidDataset(row, "", f"{len(cells)} cells where the header has {width}")
    if cells[0].startswith("#") or cells[0].upper() == "C":
        raise InvalidDataset(row, "", "looks like a comment (C or # in the first cell); remove the row")
    values = {name: _number(row, name, cells[index]) for name, index in columns.items()}
    if values["ID"] is None:
        raise InvalidDataset(row, "ID", "missing")
    if values["TIME"] is None:
        raise InvalidDataset(row, "TIME", "missing")
    return Cells(row, cells[columns["ID"]], values)


def _number(row: int, column: str, cell: str) -> float | None:
    if cell in _MISSING:
        return None
    if not _NUMBER.fullmatch(cell):
        raise InvalidDataset(row, column, f"{cell[:20]!r} is not a number")
    value = float(cell)
    if not math.isfinite(value) or abs(value) > LARGEST:
        raise InvalidDataset(row, column, f"{cell[:20]} is beyond {LARGEST:.0e}; check the unit")
    return value


def _blocks(records: Sequence[Cells]) -> Iterator[list[Cells]]:
    """Records of one ID after the other.

    Refuses an ID that comes back, and a time that runs back other than at a reset, where a new clock starts.
    """
    block: list[Cells] = []
    seen: set[float | None] = set()
    for record in records:
        if block and record.given("ID") != block[-1].given("ID"):
            yield block
            block = []
        if not block and record.given("ID") in seen:
            raise record.refuse("ID", f"subject {record.id} was there before; its records must be together")
        back = block and record.number("TIME") < block[-1].number("TIME")
        if back and record.given("EVID") not in (RESET, RESET_AND_DOSE):
            raise record.refuse("TIME", f"decreases within subject {record.id}")
        seen.add(record.given("ID"))
        block.append(record)
    yield block


def _carried_forward(
    records: Sequence[Cells], covariates: Collection[str], occasion: str | None
) -> tuple[CovariateRow, ...]:
    """Covariates and occasion of each record; a missing value is the last one before it."""
    rows: list[CovariateRow] = []
    current: dict[str, float] = {}
    needed = [*covariates, *([occasion] if occasion is not None else [])]
    for record in records:
        for name in needed:
            value = record.given(name)
            if value is not None:
                current[name] = value
            elif name not in current:
                raise record.refuse(name, f"missing, and subject {record.id} has no earlier value")
        number = None if occasion is None else current[occasion]
        if number is not None and (number != int(number) or number < 0):
            raise record.refuse(str(occasion), f"{number:g} is not the number of an occasion")
        values = {name: current[name] for name in covariates}
        rows.append(
            CovariateRow(record.row, record.number("TIME"), values, None if number is None else int(number))
        )
    return tuple(rows)

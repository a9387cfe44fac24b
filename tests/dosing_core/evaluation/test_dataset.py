"""Datasets: conventions read as written, and what breaks them refused with row, column and a sentence."""

from __future__ import annotations

import csv
import io
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dosing_core.errors import InvalidDataset
from dosing_core.evaluation import Dataset, read_dataset

HEADER = "ID,TIME,AMT,RATE,EVID,MDV,CMT,DV,SS,II,ADDL,LLOQ,CENS,WT"
DOSE = "1,0,100,.,1,1,.,.,.,.,.,.,.,70"
LEVEL = "1,2,.,.,0,0,.,5.5,.,.,.,.,.,70"


def _read(*rows: str, header: str = HEADER, drop_censored: bool = False) -> Dataset:
    lines = csv.reader(io.StringIO("\n".join([header, *rows])))
    return read_dataset(lines, ["WT"] if "WT" in header else [], drop_censored=drop_censored)


def _refused(*rows: str, header: str = HEADER) -> tuple[int, str, str]:
    with pytest.raises(InvalidDataset) as refusal:
        _read(*rows, header=header)
    return refusal.value.row, refusal.value.column, str(refusal.value)


def test_a_dose_and_a_level_are_read_as_written() -> None:
    (subject,) = _read(
        "7,0.5,100,50,1,1,1,.,1,12,3,.,.,70", "7,2,.,.,0,0,.,5.5,.,.,.,.,.,.", "7,3,0,0,2,1,.,.,0,0,0,.,.,72"
    ).subjects
    (dose,) = subject.doses

    assert (subject.id, dose.time, dose.amount, dose.rate, dose.compartment) == ("7", 0.5, 100, 50, 1)
    assert (dose.steady_state, dose.interval, dose.additional) == (True, 12, 3)
    assert [(sample.row, sample.time, sample.value) for sample in subject.samples] == [
        (3, 2, 5.5),
        (4, 3, None),
    ]
    assert [(row.time, dict(row.values)) for row in subject.covariates] == [
        (0.5, {"WT": 70}),
        (2, {"WT": 70}),
        (3, {"WT": 72}),
    ]


def test_event_and_missing_value_are_inferred_where_their_columns_are_absent() -> None:
    (subject,) = _read("1,0,100,.", "1,1,.,5", "1,2,0,4", header="ID,TIME,AMT,DV").subjects

    assert len(subject.doses) == 1
    assert [sample.value for sample in subject.samples] == [5, 4]


def test_other_columns_and_blank_lines_do_not_matter() -> None:
    (subject,) = _read("1,0,100,.,plain words", "", "1,1,.,5,", header="ID,TIME,AMT,DV,COMMENT").subjects

    assert subject.samples[0].row == 4  # as an editor counts


def test_reserved_names_may_be_written_in_any_case_and_a_byte_order_mark_before_them() -> None:
    assert len(_read("1,0,100,.", header="\ufeff#id,time,Amt,dv").subjects[0].doses) == 1


def test_subjects_keep_the_order_of_the_file() -> None:
    rows = (f"{number},0,100,." for number in (3, 1, 2))

    assert [subject.id for subject in _read(*rows, header="ID,TIME,AMT,DV").subjects] == ["3", "1", "2"]


@pytest.mark.parametrize(
    ("row", "column", "words"),
    [
        ("1,2,-5,.,1,1,.,.,.,.,.,.,.,70", "AMT", "negative"),
        ("1,2,0,.,1,1,.,.,.,.,.,.,.,70", "AMT", "without an amount"),
        ("1,2,0,5,1,1,.,.,.,.,.,.,.,70", "AMT", "without an amount"),
        ("1,2,5,.,0,0,.,3,.,.,.,.,.,70", "AMT", "unless the record is a dose"),
        ("1,2,abc,.,1,1,.,.,.,.,.,.,.,70", "AMT", "not a number"),
        ("1,2,nan,.,1,1,.,.,.,.,.,.,.,70", "AMT", "not a number"),
        ("1,2,1_0,.,1,1,.,.,.,.,.,.,.,70", "AMT", "not a number"),
        ("1,2,1e999,.,1,1,.,.,.,.,.,.,.,70", "AMT", "beyond"),
        ("1,2,1e10,.,1,1,.,.,.,.,.,.,.,70", "AMT", "beyond"),
        ("1,-1,5,.,1,1,.,.,.,.,.,.,.,70", "TIME", "decreases"),
        ("1,.,5,.,1,1,.,.,.,.,.,.,.,70", "TIME", "missing"),
        ("1,8:30,5,.,1,1,.,.,.,.,.,.,.,70", "TIME", "not a number"),
        (".,2,5,.,1,1,.,.,.,.,.,.,.,70", "ID", "missing"),
        ("one,2,5,.,1,1,.,.,.,.,.,.,.,70", "ID", "not a number"),
        ("1,2,5,.,3,1,.,.,.,.,.,.,.,70", "AMT", "unless the record is a dose"),
        ("1,2,5,.,4,0,.,.,.,.,.,.,.,70", "MDV", "a dosing record has no level"),
        ("1,2,0,5,1,1,.,.,1,12,.,.,.,70", "II", "does not repeat"),
        ("1,2,0,5,1,1,.,.,1,.,2,.,.,70", "ADDL", "does not repeat"),
        ("1,2,.,.,101,1,.,.,.,.,.,.,.,70", "EVID", "not an event"),
        ("1,2,5,.,1,0,.,3,.,.,.,.,.,70", "MDV", "a dosing record has no level"),
        ("1,2,.,.,0,2,.,3,.,.,.,.,.,70", "MDV", "neither 0 nor 1"),
        ("1,2,5,-3,1,1,.,.,.,.,.,.,.,70", "RATE", "negative"),
        ("1,2,.,9,0,0,.,3,.,.,.,.,.,70", "RATE", "unless the record is a dose"),
        ("1,2,5,.,1,1,.,.,1,.,.,.,.,70", "II", "a steady state (SS = 1) needs"),
        ("1,2,5,.,1,1,.,.,1,0,.,.,.,70", "II", "a steady state (SS = 1) needs"),
        ("1,2,5,.,1,1,.,.,.,-1,.,.,.,70", "II", "negative"),
        ("1,2,5,.,1,1,.,.,4,12,.,.,.,70", "SS", "none of 0, 1"),
        ("1,2,5,.,1,1,.,.,2,.,.,.,.,70", "II", "(SS = 2) needs"),
        ("1,2,5,.,1,1,.,.,.,.,3,.,.,70", "II", "additional doses (ADDL) need"),
        ("1,2,5,.,1,1,.,.,.,12,-3,.,.,70", "ADDL", "empirical steady state"),
        ("1,2,5,.,1,1,.,.,.,12,1.5,.,.,70", "ADDL", "not a number of doses"),
        ("1,2,5,.,1,1,.,.,.,12,10001,.,.,70", "ADDL", "more than 10000"),
        ("1,2,5,.,1,1,-2,.,.,.,.,.,.,70", "CMT", "not the number of a compartment"),
        ("1,2,5,.,1,1,1.5,.,.,.,.,.,.,70", "CMT", "not the number of a compartment"),
        ("1,2,.,.,0,0,.,.,.,.,.,.,.,70", "DV", "missing"),
        ("1,2,.,.,0,0,.,.,.,.,.,.,1,70", "DV", "needs its limit"),
        ("1,2,.,.,0,0,.,0,.,.,.,0,1,70", "DV", "needs its limit"),
        ("1,2,.,.,0,0,.,.,.,.,.,2,-1,70", "DV", "needs its limit"),
        ("1,2,.,.,0,0,.,3,.,.,.,2,1,70", "DV", "above LLOQ"),
        ("1,2,.,.,0,0,.,2,.,.,.,.,5,70", "CENS", "none of"),
        ("1,2,.,.,0,0,.,2,.,.,.,-1,.,70", "LLOQ", "negative"),
        ("C,2,5,.,1,1,.,.,.,.,.,.,.,70", "", "a comment"),
        ("#1,2,5,.,1,1,.,.,.,.,.,.,.,70", "", "a comment"),
        ("1,2,5,.,1,1", "", "6 cells where the header has 14"),
    ],
)
def test_a_record_that_breaks_a_convention_is_refused_by_row_and_column(
    row: str, column: str, words: str
) -> None:
    where = _refused(DOSE, row)

    assert where[:2] == (3, column)
    assert words in where[2]
    assert "row 3" in where[2]


@pytest.mark.parametrize(
    ("header", "column", "words"),
    [
        ("TIME,AMT,DV", "ID", "required"),
        ("ID,AMT,DV", "TIME", "required"),
        ("ID,TIME,DV", "AMT", "required"),
        ("ID,TIME,AMT", "DV", "required"),
        ("ID,TIME,AMT,DV,amt", "AMT", "twice"),
        ("ID,TIME,AMT,DV,DATE", "DATE", "dates are not supported"),
        ("ID,TIME,AMT,DV,L2", "L2", "correlated"),
        ("ID,TIME,AMT,DV,LIMIT", "LIMIT", "an interval"),
        ("1,0,100,.", "", "a header"),
        ("ID;TIME;AMT;DV", "", "commas"),
    ],
)
def test_a_header_without_its_columns_is_refused(header: str, column: str, words: str) -> None:
    where = _refused(DOSE, header=header)

    assert where[:2] == (1, column)
    assert words in where[2]


def test_a_covariate_of_the_model_must_have_a_column() -> None:
    with pytest.raises(InvalidDataset, match="row 1, column CRCL: the model needs this covariate"):
        read_dataset([["ID", "TIME", "AMT", "DV"], ["1", "0", "100", "."]], ["CRCL"])


def test_a_covariate_must_have_a_value_from_the_first_record_on() -> None:
    assert _refused("1,0,100,.,1,1,.,.,.,.,.,.,.,.", LEVEL)[:2] == (2, "WT")


def test_a_subject_whose_records_are_apart_is_refused() -> None:
    where = _refused(DOSE, DOSE.replace("1,0", "2,0", 1), LEVEL)

    assert where[:2] == (4, "ID")
    assert "together" in where[2]


@pytest.mark.parametrize("rows", [[], [""], [HEADER], [HEADER, ""]])
def test_an_empty_dataset_is_refused(rows: list[str]) -> None:
    with pytest.raises(InvalidDataset):
        read_dataset([row.split(",") for row in rows])


def test_censored_levels_are_dropped_and_counted_if_that_is_asked_for() -> None:
    """Flagged by CENS with or without a value, by BLQ, or below LLOQ; a level above LLOQ stays."""
    dataset = _read(
        "1,0,100,.,.,.,.,70",
        "1,1,.,2,.,1,.,.",
        "1,2,.,.,.,.,1,.",
        "1,3,.,2,2.5,.,.,.",
        "1,4,.,3,2.5,.,.,.",
        header="ID,TIME,AMT,DV,LLOQ,CENS,BLQ,WT",
        drop_censored=True,
    )

    assert [sample.value for sample in dataset.subjects[0].samples] == [3]
    assert dataset.censored_dropped == 3


@pytest.mark.parametrize(
    ("dv", "lloq", "cens", "value", "censored"),
    [
        ("2", "2.5", ".", 2.5, -1),  # below by its number
        ("2.5", ".", "1", 2.5, -1),  # Monolix: DV is the limit
        ("0", "2.5", "1", 2.5, -1),
        ("1.25", "2.5", "1", 2.5, -1),  # half the limit in DV
        ("80", "2.5", "-1", 80, 1),
        ("3", "2.5", "0", 3, 0),
    ],
)
def test_a_censored_level_is_its_limit(dv: str, lloq: str, cens: str, value: float, censored: int) -> None:
    (subject,) = _read(DOSE, f"1,2,.,.,0,0,.,{dv},.,.,.,{lloq},{cens},70").subjects

    assert [(sample.value, sample.censored) for sample in subject.samples] == [(value, censored)]


def test_resets_start_a_new_clock() -> None:
    (subject,) = _read(DOSE, LEVEL, "1,0,.,.,3,1,.,.,.,.,.,.,.,70", "1,0,50,.,4,1,.,.,.,.,.,.,.,70").subjects

    assert [event.time for event in subject.events] == [0, 2, 0, 0]
    assert [dose.resets for dose in subject.doses] == [False, True]


_CELLS = st.one_of(
    st.sampled_from(["", ".", "0", "1", "2", "-1", "3", "12", "1.5", "1e300", "-0", "nan", "x", "٣", "1e-9"]),
    st.text(),
)


@given(st.lists(st.lists(_CELLS, min_size=14, max_size=14), max_size=4))
@settings(max_examples=200, deadline=None)
def test_any_cells_are_read_or_refused(rows: list[list[str]]) -> None:
    """Never another error, and what is read is finite."""
    try:
        dataset = read_dataset([HEADER.split(","), *rows], ["WT"])
    except InvalidDataset:
        return
    for subject in dataset.subjects:
        assert all(dose.amount >= 0 and math.isfinite(dose.time) for dose in subject.doses)
        assert all(sample.value is None or math.isfinite(sample.value) for sample in subject.samples)

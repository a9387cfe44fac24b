"""``dosewright fit`` and ``dosewright simulate``: files read back, refusals in words, workers unseen."""

from __future__ import annotations

import csv
import io
import json
import xml.etree.ElementTree as ElementTree
from importlib.resources import files
from pathlib import Path

import pytest
from datasets import (
    GOTI,
    GOTI_NAMES,
    STORSET,
    STORSET_NAMES,
    THEOPHYLLINE,
    THEOPHYLLINE_MODEL,
    simple_model,
)

from cds_hooks import cli
from cds_hooks.progress import Progress

FIT = ("etas.csv", "covariance.csv", "predictions.csv", "quantiles.csv", "diagnostics.csv", "shrinkage.csv")
SIMULATE = [
    *("--dose", "1000", "--interval", "12", "--duration", "1", "--hours", "48"),
    *("--covariate", "CRCL=80", "--covariate", "WT=70"),
]


def _fit(out: Path, *more: str, model: str = str(THEOPHYLLINE_MODEL), data: Path = THEOPHYLLINE) -> int:
    return cli.main(["fit", "--model", model, "--data", str(data), "--out", str(out), *more])


def _table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _dataset(directory: Path, *rows: str) -> Path:
    path = directory / "data.csv"
    path.write_text("\n".join(rows), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def theophylline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory with the results of the worked example."""
    out = tmp_path_factory.mktemp("theophylline")
    assert _fit(out) == 0
    return out


def test_the_worked_example_has_a_row_for_each_subject_and_sample(theophylline: Path) -> None:
    etas = _table(theophylline / "etas.csv")
    predictions = _table(theophylline / "predictions.csv")

    assert [row["ID"] for row in etas] == [str(number) for number in range(1, 13)]
    assert len(predictions) == 132
    assert sum(1 for row in predictions if row["DV"]) == 120
    assert len(_table(theophylline / "covariance.csv")) == 12 * 6
    assert len(_table(theophylline / "quantiles.csv")) == 12 * 3
    assert [row["TRUSTWORTHY"] for row in _table(theophylline / "diagnostics.csv")] == ["1"] * 12


def test_rows_and_levels_of_the_file_come_back(theophylline: Path) -> None:
    lines = THEOPHYLLINE.read_text().splitlines()

    for row in _table(theophylline / "predictions.csv"):
        identifier, time, _, _, mdv, level, _ = lines[int(row["ROW"]) - 1].split(",")
        assert row["ID"] == identifier
        assert float(row["TIME"]) == pytest.approx(float(time))
        assert row["DV"] == "" if mdv == "1" else float(row["DV"]) == pytest.approx(float(level))


def test_the_tables_agree_with_each_other(theophylline: Path) -> None:
    """CL is 2.75 L/h times exp(eta); the mode lies between the 5 % and the 95 % quantile."""
    etas = {row["ID"]: float(row["ETA_CL"]) for row in _table(theophylline / "etas.csv")}

    for row in _table(theophylline / "quantiles.csv"):
        low, middle, high = (float(row[name]) for name in ("P05", "P50", "P95"))
        assert low < middle < high
        assert low < float(row["MODE"]) < high
        if row["PARAMETER"] == "CL":
            ratio = float(row["MODE"]) / float(row["POPULATION"])
            assert ratio == pytest.approx(2.718281828 ** etas[row["ID"]], rel=1e-6)
            assert float(row["POPULATION"]) == pytest.approx(2.75)


def test_two_workers_write_the_same_bytes(theophylline: Path, tmp_path: Path) -> None:
    assert _fit(tmp_path, "--workers", "2") == 0

    for name in FIT:
        assert (tmp_path / name).read_bytes() == (theophylline / name).read_bytes()


def test_the_mode_alone_is_that_of_the_whole_fit(theophylline: Path, tmp_path: Path) -> None:
    assert _fit(tmp_path, "--map-only") == 0

    for alone, whole in zip(_table(tmp_path / "etas.csv"), _table(theophylline / "etas.csv"), strict=True):
        assert float(alone["ETA_CL"]) == pytest.approx(float(whole["ETA_CL"]), abs=1e-7)
        assert alone["MEAN_CL"] == ""
    row, other = (_table(path / "predictions.csv")[5] for path in (tmp_path, theophylline))
    assert float(row["CWRES"]) == pytest.approx(float(other["CWRES"]), abs=1e-5)
    assert (row["P50"], other["P50"] != "") == ("", True)


def test_a_model_of_four_lines_is_fitted_and_called_unreviewed(
    theophylline: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The worked example's numbers, typed in as thetas, $OMEGA and a standard deviation."""
    short = tmp_path / "short.yaml"
    short.write_text(
        "structure: {compartments: 1, routes: [oral]}\n"
        "theta: {CL: 2.75, V1: 31.8, ka: 1.590422}\n"
        "iiv: {ka: 0.404422, CL: 0.0693619, V1: 0.0191367}\n"
        "residual: {additive_sd: 0.693}\n",
        encoding="utf-8",
    )

    assert _fit(tmp_path, "--map-only", model=str(short)) == 0
    for one, whole in zip(_table(tmp_path / "etas.csv"), _table(theophylline / "etas.csv"), strict=True):
        assert float(one["ETA_CL"]) == pytest.approx(float(whole["ETA_CL"]), abs=1e-4)
    assert "unreviewed model, not for patients" in capsys.readouterr().out


def test_a_model_that_does_not_hold_is_refused_with_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text(
        "structure: {compartments: 1, routes: [oral]}\n"
        "theta: {CL: 2.75, V1: 31.8}\n"
        "residual: {additive_sd: 1}\n",
        encoding="utf-8",
    )

    assert _fit(tmp_path, model=str(bad)) != 0
    assert "bad.yaml:1: structure: parameters without an equation: ka" in capsys.readouterr().err


def test_a_drug_of_the_library_is_fitted_in_its_own_units(tmp_path: Path) -> None:
    """Tacrolimus in ng/mL: a level is written back as it was."""
    data = _dataset(
        tmp_path,
        f"ID,TIME,AMT,II,ADDL,DV,{STORSET_NAMES}",
        f"1,0,3,12,5,.,{STORSET}",
        f"1,59.5,.,.,.,6.2,{STORSET}",
    )

    assert _fit(tmp_path, model="tacrolimus", data=data) == 0
    (row,) = _table(tmp_path / "predictions.csv")
    assert float(row["DV"]) == pytest.approx(6.2)
    assert 1 < float(row["P05"]) < float(row["IPRED"]) < float(row["P95"]) < 20
    (effects,) = _table(tmp_path / "etas.csv")
    assert effects["ETA_CL"] != ""
    assert effects["ETA_F"] == ""  # acts on the day of the transplant alone


def test_a_drug_may_be_named_or_given_as_a_file_and_its_model_by_id(tmp_path: Path) -> None:
    data = _dataset(tmp_path, f"ID,TIME,AMT,DV,{GOTI_NAMES}", f"1,0,1000,.,{GOTI}", f"1,9,.,12,{GOTI}")
    file = str(files("dosing_core.library").joinpath("vancomycin.yaml"))

    for out, model, more in (
        ("name", "vancomycin", ()),
        ("file", file, ()),
        ("id", file, ("--model-id", "vancomycin.goti2018")),
    ):
        assert _fit(tmp_path / out, *more, model=model, data=data) == 0
    results = {(tmp_path / out / "etas.csv").read_bytes() for out in ("name", "file", "id")}
    assert len(results) == 1


def test_notes_say_what_was_done(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = _dataset(
        tmp_path,
        f"ID,TIME,AMT,SS,II,DV,CENS,{GOTI_NAMES}",
        f"1,0,1000,1,12,.,.,{GOTI}",
        f"1,4,.,.,.,20,.,{GOTI}",
        f"1,11,.,.,.,2,1,{GOTI}",
    )

    assert _fit(tmp_path, "--drop-censored", model="vancomycin", data=data) == 0
    (row,) = _table(tmp_path / "diagnostics.csv")
    assert "preceding doses" in row["NOTES"]
    assert "1 censored level(s) left out" in row["NOTES"]
    assert "1 censored levels left out" in capsys.readouterr().out


def _refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert cli.main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("dosewright: ")
    assert "Traceback" not in error
    return error


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (("ID,TIME,AMT,DV", "1,0,-3,."), "data.csv: row 2, column AMT: negative amount -3"),
        (("ID,TIME,AMT,DV,CENS", "1,0,3,.,0", "1,1,.,.,1"), "row 3, column DV: a censored level needs"),
        (("ID,TIME,AMT,CMT,DV", "1,0,3,2,."), "row 2, column CMT"),
        (("ID,TIME,AMT,DV", "1,0,3"), "row 2: 3 cells where the header has 4"),
        (("ID,TIME,AMT,DV", '1,0,"3'), "row 2"),
        ((), "is empty"),
    ],
)
def test_a_dataset_that_breaks_the_conventions_is_refused_in_words(
    rows: tuple[str, ...], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = _dataset(tmp_path, *rows)
    out = tmp_path / "out"
    arguments = ("--model", str(THEOPHYLLINE_MODEL), "--data", str(data), "--out", str(out))

    assert words in _refusal(capsys, "fit", *arguments)
    assert not out.exists()


def test_files_that_are_not_there_or_not_text_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    binary = tmp_path / "binary.csv"
    binary.write_bytes(b"\xff\xfe\x00ID")
    model, out = str(THEOPHYLLINE_MODEL), str(tmp_path / "out")
    (tmp_path / "model.yaml").write_bytes(b"\xff\xfe\x00")

    assert "none.csv: No such file" in _refusal(
        capsys, "fit", "--model", model, "--data", "none.csv", "--out", out
    )
    assert "not text" in _refusal(capsys, "fit", "--model", model, "--data", str(binary), "--out", out)
    data = ("--data", str(THEOPHYLLINE), "--out", out)
    assert "none.yaml: No such file" in _refusal(capsys, "fit", "--model", "none.yaml", *data)
    assert "not text" in _refusal(capsys, "fit", "--model", str(tmp_path / "model.yaml"), *data)
    assert "the library has" in _refusal(capsys, "fit", "--model", "amoxicillin", *data)
    assert "--model-id x: there is" in _refusal(
        capsys, "fit", "--model", "vancomycin", "--model-id", "x", *data
    )
    file = tmp_path / "file"
    file.touch()
    assert "--out" in _refusal(
        capsys, "fit", "--model", model, "--data", str(THEOPHYLLINE), "--out", str(file)
    )


def test_a_feature_that_a_model_file_may_not_have_yet_is_named_with_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = THEOPHYLLINE_MODEL.read_text().replace("compartments: 1", "compartments: 4")
    (tmp_path / "model.yaml").write_text(text)
    arguments = ("--model", str(tmp_path / "model.yaml"), "--data", str(THEOPHYLLINE), "--out", str(tmp_path))

    assert "model.yaml:6: structure.compartments" in _refusal(capsys, "fit", *arguments)


def test_a_simulation_is_written_as_tables_and_picture(tmp_path: Path) -> None:
    arguments = ["simulate", "--model", "vancomycin", *SIMULATE, "--covariate", "DIAL=0", "--subjects", "200"]

    assert cli.main([*arguments, "--out", str(tmp_path)]) == 0
    rows = _table(tmp_path / "simulation.csv")
    assert [float(rows[i]["TIME"]) for i in (0, 1, -1)] == [0, 0.25, 48]
    for row in rows[1:]:
        values = [float(row[name]) for name in ("MEASURED_P05", "P05", "P50", "P95", "MEASURED_P95")]
        assert values == sorted(values)
    people = _table(tmp_path / "subjects.csv")
    assert len(people) == 200
    assert {row["Q"] for row in people} == {"6.5"}
    picture = ElementTree.parse(tmp_path / "simulation.svg").getroot()  # noqa: S314 - our own
    words = " ".join(picture.itertext())
    assert "Goti 2018: 1000 mg every 12 h over 1 h, 200 virtual people" in words
    assert "mg/L" in words


def test_a_typical_person_is_the_model_by_hand(tmp_path: Path) -> None:
    """One compartment, 10 mg/L after a bolus of 500 mg, CL / V = 0.1/h; the first dose is twice that."""
    model = tmp_path / "simple.yaml"
    model.write_text(json.dumps(json.loads(simple_model().to_bytes())))
    arguments = (
        f"simulate --model {model} --route iv --dose 500 --loading 1000 --interval 12 --hours 24 --step 4 "
        f"--covariate WT=70 --subjects 2 --seed 7 --out {tmp_path}"
    )

    assert cli.main(arguments.split()) == 0
    typical = {float(row["TIME"]): float(row["TYPICAL"]) for row in _table(tmp_path / "simulation.csv")}
    decay = 2.718281828**-0.1
    assert typical[4] == pytest.approx(20 * decay**4, rel=1e-6)
    assert typical[12] == pytest.approx(20 * decay**12, rel=1e-6)  # before the second dose
    assert typical[16] == pytest.approx(20 * decay**16 + 10 * decay**4, rel=1e-6)


def test_a_population_has_covariates_of_its_own_and_the_picture_a_target(tmp_path: Path) -> None:
    people = tmp_path / "people.csv"
    people.write_text("CRCL,WT\n30,60\n60,80\n120,70\n")
    arguments = ["simulate", "--model", "vancomycin", *SIMULATE[:8], "--covariates", str(people)]
    arguments += ["--covariate", "DIAL=0", "--subjects", "99", "--target", "15", "--out", str(tmp_path)]

    assert cli.main(arguments) == 0
    assert {float(row["CL"]) > 0 for row in _table(tmp_path / "subjects.csv")} == {True}
    assert len(_table(tmp_path / "subjects.csv")) == 99
    assert "target 15" in (tmp_path / "simulation.svg").read_text()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("CRCL,WT\n30,x\n", "row 2, column WT: 'x' is not a number"),
        ("CRCL,WT\n", "no rows"),
        ("CRCL,WT,DIAL\n30,70,0\n", "column DIAL is given by --covariate too"),
    ],
)
def test_a_file_of_covariates_that_does_not_hold_is_refused(
    text: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    people = tmp_path / "people.csv"
    people.write_text(text)
    options = [*SIMULATE[:8], "--covariates", str(people), "--covariate", "DIAL=0", "--out", str(tmp_path)]

    assert words in _refusal(capsys, "simulate", "--model", "vancomycin", *options)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (SIMULATE, "covariate DIAL: vancomycin.goti2018 needs it, in 0/1"),
        ([*SIMULATE, "--covariate", "DIAL=2"], "covariate DIAL: 2 is neither 0 nor 1"),
        ([*SIMULATE, "--covariate", "DIAL=0", "--covariate", "HCT=3"], "covariate HCT"),
        ([*SIMULATE, "--covariate", "WT=71"], "--covariate WT is given twice"),
        ([*SIMULATE, "--covariate", "DIAL=0", "--route", "oral"], "--route oral"),
        ([*SIMULATE, "--covariate", "DIAL=0", "--subjects", "5000"], "need a seed"),
        ([*SIMULATE, "--covariate", "DIAL=0", "--output", "inr"], "--output inr: vancomycin.goti2018 has"),
        ([*SIMULATE, "--covariate", "DIAL=0", "--step", "0.0001"], "more than 50000 steps"),
    ],
)
def test_a_simulation_that_cannot_be_is_refused_in_words(
    options: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert words in _refusal(capsys, "simulate", "--model", "vancomycin", *options, "--out", str(tmp_path))


@pytest.mark.parametrize(
    "option",
    [
        "--dose=0",
        "--dose=x",
        "--dose=inf",
        "--interval=-1",
        "--duration=-1",
        "--subjects=0",
        "--covariate=WT",
    ],
)
def test_a_wrong_option_is_named(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["simulate", "--model", "vancomycin", *SIMULATE, option, "--out", "out"])

    assert option.split("=")[0] in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("fit", ("AMT in mg", "in the model's unit of time", "docs/pharmacometrics.md")),
        ("simulate", ("one dose, mg", "time between doses, h", "length of each infusion, h", "NAME=VALUE")),
    ],
)
def test_help_names_units(command: str, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main([command, "--help"])

    text = " ".join(capsys.readouterr().out.split())
    assert [word for word in words if word not in text] == []


def test_progress_is_for_those_who_watch() -> None:
    silent, asked = io.StringIO(), io.StringIO()
    for stream, wanted in ((silent, False), (asked, True)):
        progress = Progress("fit", 100, wanted, stream)
        for done in range(1, 101):
            progress.at(done)

    assert silent.getvalue() == ""
    lines = asked.getvalue().splitlines()
    assert len(lines) == 11
    assert lines[-1] == f"fit [{'#' * 30}] 100/100"


def test_progress_redraws_one_line_on_a_terminal() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    progress = Progress("fit", 3, False, terminal)
    for done in (1, 2, 3):
        progress.at(done)

    assert terminal.getvalue().count("\n") == 1
    assert terminal.getvalue().endswith("3/3\n")

"""``dosewright library``: what a reviewing pharmacist reads, and what a wrong file is told."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import pytest

from cds_hooks import cli


def test_the_list_names_every_drug_with_its_default_model(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["library", "list"]) == 0

    lines = capsys.readouterr().out.splitlines()
    names = {entry.name for entry in files("dosing_core.library").iterdir() if entry.name.endswith(".yaml")}
    assert len(lines) == 2 + len(names)
    assert any("vancomycin" in line and "Goti 2018" in line for line in lines)


def test_a_drug_is_shown_with_each_number_and_its_source(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["library", "show", "vancomycin"]) == 0

    page = capsys.readouterr().out
    assert page.startswith("# vancomycin")
    assert "single: 3000 mg (medium: ASHP/IDSA/PIDS/SIDP 2020, loading dose at most 3,000 mg)" in page
    assert "## Model vancomycin.goti2018 (default)" in page
    assert "not reviewed" in page


def test_an_unknown_drug_is_answered_with_those_that_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["library", "show", "aspirin"]) == 2
    assert "no file for 'aspirin'; it has" in capsys.readouterr().err


def test_facts_disclose_what_regulators_ask_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["library", "facts", "vancomycin.goti2018", "--json"]) == 0

    facts = json.loads(capsys.readouterr().out)
    assert facts["subjects"] == 1812  # Goti 2018
    assert facts["race"] == "no input"
    assert {"intended use", "population studied", "inputs", "performance", "limits", "updates"} <= set(facts)


def test_facts_of_a_rule_tell_its_inputs_with_their_caps_and_that_it_knows_no_chance(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.main(["library", "facts", "carboplatin.calvert1989", "--json"]) == 0

    facts = json.loads(capsys.readouterr().out)
    assert "at most 125" in facts["inputs"]["GFR"]
    assert "without a chance" in facts["output"]
    assert facts["race"] == "no input"
    assert facts["confidence"] == "high"


def test_facts_of_an_unknown_model_name_the_models(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["library", "facts", "vancomycin.nobody1999"]) == 2
    assert "vancomycin.goti2018" in capsys.readouterr().err


def test_a_file_that_holds_and_one_that_does_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = files("dosing_core.library").joinpath("vancomycin.yaml").read_text(encoding="utf-8")
    (tmp_path / "vancomycin.yaml").write_text(good, encoding="utf-8")
    broken = good.replace("    value: 3000\n    unit: mg\n", "    value: 3000\n", 1)
    (tmp_path / "worse").mkdir()
    (tmp_path / "worse" / "vancomycin.yaml").write_text(broken, encoding="utf-8")

    assert cli.main(["library", "check", str(tmp_path)]) == 1

    holds, refused, verdict = capsys.readouterr().out.splitlines()
    line = broken[: broken.index("  single:\n    value: 3000")].count("\n") + 1
    assert "holds (vancomycin.goti2018" in holds
    assert "worse/vancomycin.yaml:" in refused
    assert "unit" in refused
    assert abs(int(refused.split("vancomycin.yaml:")[1].split(":")[0]) - line) <= 2
    assert verdict == "1 of 2 files hold"


def test_a_path_without_files_is_said_to_be(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["library", "check", str(tmp_path)]) == 2
    assert "no *.yaml" in capsys.readouterr().err


def test_a_missing_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["library", "check", str(tmp_path / "nothing.yaml")]) == 1
    assert "nothing.yaml: No such file" in capsys.readouterr().out


def test_a_hospitals_file_takes_the_packages_place_and_shows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = files("dosing_core.library").joinpath("vancomycin.yaml").read_text(encoding="utf-8")
    (tmp_path / "vancomycin.yaml").write_text(own.replace("    value: 4500\n", "    value: 4000\n", 1))

    assert cli.main(["library", "list", "--directory", str(tmp_path)]) == 0
    assert cli.main(["library", "show", "vancomycin", "--directory", str(tmp_path)]) == 0

    shown = capsys.readouterr().out
    assert "in place of the package's" in shown
    assert "daily: 4000 mg/day" in shown


def test_a_directory_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["library", "list", "--directory", str(tmp_path / "none")]) == 2
    assert "none: no such directory" in capsys.readouterr().err

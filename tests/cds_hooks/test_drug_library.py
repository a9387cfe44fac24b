"""The service speaks from a hospital's own drug files, and says aloud which it could not use."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest
from core_case import case_of, scenario

from cds_hooks import cli
from cds_hooks.drug_library import install_library
from cds_hooks.errors import ConfigurationError
from dosing_core.library import install, installed

VANCOMYCIN = files("dosing_core.library").joinpath("vancomycin.yaml").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def own_process() -> Iterator[None]:
    """The process's library as it was, after each test."""
    before = installed()
    yield
    install(before)


def test_what_is_laid_over_is_logged_with_its_digest(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "vancomycin.yaml").write_text(VANCOMYCIN.replace("high: 600", "high: 550", 1))

    with caplog.at_level(logging.INFO):
        install_library([tmp_path])

    assert "in place of the package's" in caplog.text
    assert installed().digest("vancomycin") in caplog.text


def test_a_broken_file_leaves_its_drug_out_loudly(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "vancomycin.yaml").write_text(VANCOMYCIN.replace("    unit: mg\n", "", 1))

    install_library([tmp_path])

    assert "vancomycin" not in installed().names()
    assert any(
        record.levelno == logging.ERROR and "vancomycin.yaml" in record.message for record in caplog.records
    )


def test_a_directory_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no such directory"):
        install_library([tmp_path / "none"])


def test_one_case_is_answered_from_the_directory_that_is_named(
    tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    (tmp_path / "vancomycin.yaml").write_text(VANCOMYCIN.replace("high: 600", "high: 550", 1))
    case = tmp_path / "case.json"
    case.write_bytes(case_of(scenario("01"), "vancomycin").to_bytes())

    assert cli.main(["recommend", str(case), "--library", str(tmp_path)]) == 0

    assert json.loads(capsysbinary.readouterr().out)["target"]["high"] == 550


def test_low_confidence_is_allowed_drug_by_drug(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        install_library([], ["fluorouracil"])

    assert installed().low_confidence == {"fluorouracil"}
    assert "fluorouracil: models and rules of low confidence may speak" in caplog.text


def test_low_confidence_of_a_drug_that_is_not_there_stops_the_start() -> None:
    with pytest.raises(ConfigurationError, match="no such drug"):
        install_library([], ["nothing"])


def test_the_table_says_whether_low_confidence_speaks(capsys: pytest.CaptureFixture[str]) -> None:
    def told(*arguments: str) -> str:
        assert cli.main(["library", "list", *arguments]) == 0
        (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("fluorouracil")]
        return line

    assert "(low: off)" in told()
    assert "(low: allowed)" in told("--allow-low-confidence", "fluorouracil")

"""The guide for the pharmacometrician does what it says: its model and dataset, as they stand there."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
import pytest
from record_by_record import Model, Parameters, Row, one_compartment_oral, post_hoc

from cds_hooks import cli
from dosing_core.population.individual import FloatArray

GUIDE = Path(__file__).parents[2] / "docs" / "pharmacometrics.md"


def _block(language: str) -> str:
    """The only block of this language."""
    (block,) = re.findall(rf"```{language}\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    return str(block)


def _parameters(row: Row, eta: FloatArray) -> Parameters:
    """$PK of the guide's control stream."""
    size = row["WT"] / 70.0
    return {
        "CL": 5.0 * size**0.75 * np.exp(eta[0] + eta[3 if row["OCC"] == 1 else 4]),
        "V": 50.0 * size * np.exp(eta[1]),
        "KA": 1.2 * np.exp(eta[2]),
    }


def test_the_translated_model_gives_the_control_streams_etas(tmp_path: Path) -> None:
    model, data = tmp_path / "model.yaml", tmp_path / "data.csv"
    model.write_text(_block("yaml"), encoding="utf-8")
    data.write_text(_block("csv"), encoding="utf-8")
    omega = np.zeros((5, 5))
    omega[:2, :2] = [[0.09, 0.03], [0.03, 0.04]]
    omega[2, 2], omega[3, 3], omega[4, 4] = 0.16, 0.04, 0.04
    stream = Model(
        _parameters, one_compartment_oral, compartments=2, observed=2, additive=0.2, proportional=0.1
    )
    header, *records = _block("csv").split()

    assert cli.main(["fit", "--model", str(model), "--data", str(data), "--out", str(tmp_path)]) == 0

    with (tmp_path / "etas.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    names = ["ETA_CL", "ETA_V1", "ETA_ka", "ETA_CL_OCC1", "ETA_CL_OCC2"]
    assert [name for name in rows[0] if name.startswith("ETA")] == names
    for row in rows:
        own = "\n".join([header, *(record for record in records if record.startswith(row["ID"] + ","))])
        written = [float(row[name] or 0.0) for name in names]
        assert written == pytest.approx(post_hoc(stream, own, omega, np.round(written, 1)), abs=1e-5)
    assert rows[1]["ETA_CL_OCC2"] == ""  # seen on one occasion only

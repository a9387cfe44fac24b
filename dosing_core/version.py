"""Which code and data computed an answer."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, version

from dosing_core.genetics.catalogue import recommendations
from dosing_core.inference.points import VERSION as POINTS
from dosing_core.library import DrugFile, Library


@cache
def _package() -> str:
    try:
        return version("dosewright")
    except PackageNotFoundError:
        return "unpackaged"


def engine(drug_file: DrugFile, library: Library) -> str:
    """``dosewright 0.1.0, vancomycin 2026-11-25 (1a2b3c4d5e6f), points 1``.

    Package, drug file with the digest of its content, table of quasi-random points."""
    low = ", low confidence allowed" if drug_file.drug in library.low_confidence else ""
    file = f"{drug_file.drug} {drug_file.version} ({library.digest(drug_file.drug)}{low})"
    return f"dosewright {_package()}, {file}, points {POINTS}"


def guideline_engine() -> str:
    """``dosewright 0.1.0, CPIC API 2026-08-13``: package and guideline tables, where no drug file spoke."""
    return f"dosewright {_package()}, {recommendations()['_meta']['version']}"

"""The drug library: one reviewed file a drug, loaded and checked."""

from dosing_core.library.load import load_model, models_of, parse_model, read_drug_file, read_models
from dosing_core.library.schema import DrugFile
from dosing_core.library.shelves import PACKAGE, Library

load_drug, drugs, digest = PACKAGE.load, PACKAGE.drugs, PACKAGE.digest
"""Of the package's own files."""

__all__ = [
    "PACKAGE",
    "DrugFile",
    "Library",
    "digest",
    "drugs",
    "load_drug",
    "load_model",
    "models_of",
    "parse_model",
    "read_drug_file",
    "read_models",
]

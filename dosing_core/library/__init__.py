"""The drug library: one reviewed file a drug, loaded and checked."""

from dosing_core.library.load import models_of, read_drug_file, read_models
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
    "models_of",
    "read_drug_file",
    "read_models",
]

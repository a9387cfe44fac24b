"""The drug library: one reviewed file a drug, loaded and checked."""

from dosing_core.library.load import digest, drugs, load_drug, models_of, read_drug_file, read_models
from dosing_core.library.schema import DrugFile

__all__ = ["DrugFile", "digest", "drugs", "load_drug", "models_of", "read_drug_file", "read_models"]

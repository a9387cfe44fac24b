"""From a genotype to a phenotype, and from phenotypes and a drug to what guidelines advise.

Content is CPIC's, as data with its provenance in ``data/``. What was not tested is ``No Result``, never
normal.
"""

from dosing_core.genetics.advice import Advice, advise, guided_drug, guided_drugs
from dosing_core.genetics.diplotype import Diplotype, read_diplotype
from dosing_core.genetics.hla import hla_result
from dosing_core.genetics.phenotype import GeneResult, phenotype

__all__ = [
    "Advice",
    "Diplotype",
    "GeneResult",
    "advise",
    "guided_drug",
    "guided_drugs",
    "hla_result",
    "phenotype",
    "read_diplotype",
]

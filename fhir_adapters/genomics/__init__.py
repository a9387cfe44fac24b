"""Genotypes from whatever the record holds: profiles of every edition, codes, text, variants, conclusions.

::

    read_genes      resources → genotypes, phenotypes, findings
      resources     the Observations among them, contained and nested ones too, and whose they are
      gene          which gene a result is about
      reading       what it states: stars, HLA typings, variants, implications
      agreement     one answer a gene; the newest wins, contradictions are shown

Whatever is genetic and cannot be used is a finding. Nothing here decides what a genotype means for a drug;
names and functions of alleles are the core's (``dosing_core.genetics``).
"""

from fhir_adapters.genomics.record import Genes, read_genes

__all__ = ["Genes", "read_genes"]

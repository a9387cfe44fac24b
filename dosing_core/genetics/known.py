"""What is known of a patient's genes: reported diplotypes, typings and phenotypes, gene by gene.

A report of each kind may stand for a gene. Where they contradict each other both are kept, so that advice is
looked up for both and the graver one is heard; nothing is averaged. What cannot be read is a finding, and
the gene then counts as not tested.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from dosing_core.case import Finding, Genotype, Phenotype, Subject
from dosing_core.errors import UnreadableGenotype
from dosing_core.genetics.diplotype import read_diplotype
from dosing_core.genetics.hla import hla_result
from dosing_core.genetics.named import named_phenotype
from dosing_core.genetics.phenotype import GeneResult, phenotype


@dataclass(frozen=True)
class Known:
    """One gene, and the reports that say so."""

    result: GeneResult
    said: str
    """As reported and as read: ``*2/*2 (Poor Metabolizer)``."""
    time: datetime | None
    source: str


@dataclass(frozen=True)
class KnownGenes:
    """All genes of one person of which something usable is known."""

    genes: tuple[Known, ...]
    findings: tuple[Finding, ...]

    @property
    def results(self) -> tuple[GeneResult, ...]:
        """The results alone."""
        return tuple(one.result for one in self.genes)

    def of(self, gene: str) -> Known | None:
        """What is known of this gene, or None."""
        return next((one for one in self.genes if one.result.gene == gene), None)


def known_genes(subject: Subject) -> KnownGenes:
    """Every gene of which a genotype or a phenotype is on record."""
    findings: list[Finding] = []
    read = [*_each(subject.genotypes, findings), *_each(subject.phenotypes, findings)]
    by_gene: dict[str, list[Known]] = {}
    for one in read:
        by_gene.setdefault(one.result.gene, []).append(one)
    return KnownGenes(
        tuple(_together(gene, by_gene[gene], findings) for gene in sorted(by_gene)), tuple(findings)
    )


def result_of(reported: Genotype | Phenotype) -> GeneResult:
    """What one report says. Raises ``UnreadableGenotype``."""
    if isinstance(reported, Phenotype):
        return named_phenotype(reported.gene, reported.phenotype)
    if reported.gene.strip().upper().startswith("HLA-"):
        return hla_result(reported.gene, reported.diplotype.split("/"))
    return phenotype(read_diplotype(reported.gene, reported.diplotype))


def contradict(one: GeneResult, other: GeneResult) -> bool:
    """Whether two results of one gene cannot both be true.

    Two metaboliser states contradict each other; two HLA statuses only where one allele is both there and not
    there. A name may stand for several activity scores, one of which is enough.
    """
    if one.gene.startswith("HLA-"):
        there, absent = (
            {key.rpartition(" ")[0] for result in pair for key in result.keys if key.endswith(word)}
            for pair, word in (((one, other), "positive"), ((one, other), "negative"))
        )
        return bool(there & absent)
    return not one.keys & other.keys


def _each(reports: Iterable[Genotype | Phenotype], findings: list[Finding]) -> Iterable[Known]:
    for reported in reports:
        try:
            result = result_of(reported)
        except UnreadableGenotype as error:
            findings.append(
                Finding(kind="excluded", about="genotypes", detail=str(error), source=reported.source)
            )
            continue
        written = reported.diplotype if isinstance(reported, Genotype) else ""
        said = f"{written} ({result.phenotype})" if written and result.phenotype else written
        yield Known(result, said or result.phenotype, reported.time, reported.source)


def _together(gene: str, known: list[Known], findings: list[Finding]) -> Known:
    """One entry a gene."""
    first = known[0]
    for other in known[1:]:
        if contradict(first.result, other.result):
            findings.append(
                Finding(
                    kind="conflict",
                    about="genotypes",
                    detail=f"{gene} is reported as {first.said} and as {other.said}; the graver one counts",
                    source=other.source,
                )
            )
            keys = first.result.keys | other.result.keys
        elif gene.startswith("HLA-"):
            keys = first.result.keys | other.result.keys
        else:
            keys = first.result.keys & other.result.keys  # a diplotype says more than a name
        first = Known(
            GeneResult(
                gene,
                first.result.alleles or other.result.alleles,
                first.result.phenotype or other.result.phenotype,
                keys,
                first.result.activity_score or other.result.activity_score,
                (*first.result.notes, *other.result.notes),
            ),
            first.said if first.said == other.said else f"{first.said}; {other.said}",
            max(filter(None, (first.time, other.time)), default=None),
            first.source,
        )
    return first

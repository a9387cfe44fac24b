"""From the resources of a record to what is known of the patient's genes."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from dosing_core.case import Finding, Genotype, Phenotype
from fhir_adapters.elements import Resource, moment, resource_id
from fhir_adapters.genomics.agreement import agreed
from fhir_adapters.genomics.gene import named_gene
from fhir_adapters.genomics.reading import read_observation, values
from fhir_adapters.genomics.report import Report, excluded
from fhir_adapters.genomics.resources import Found, observations, owned, unread_results, whose

UNREADABLE = "a genetic result could not be read; left out"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Genes:
    """What the record says of the patient's genes."""

    genotypes: tuple[Genotype, ...] = ()
    phenotypes: tuple[Phenotype, ...] = ()
    findings: tuple[Finding, ...] = ()


def read_genes(resources: Sequence[Resource], *, patient_id: str) -> Genes:
    """Every genetic result among these resources: Observations, DiagnosticReports, Bundles, Parameters."""
    found = list(observations(resources))
    mine = owned((*resources, *(one.resource for one in found)), patient_id)
    held = {identifier: one for one in found if (identifier := resource_id(one.resource)) is not None}
    genes = _genes(found)
    reports: list[Report] = []
    findings: list[Finding] = []
    for one in found:
        if (foreign := whose(one, patient_id, mine)) is not None:
            findings.append(foreign)
            continue
        try:
            stated = read_observation(one.resource, one.source, genes)
        except Exception as error:  # readers do not raise; should one do so, it costs its resource
            logger.warning("a reader failed: %s", type(error).__name__)
            findings.append(excluded(UNREADABLE, one.source))
            continue
        when = moment(one.resource.get("effectiveDateTime")) or moment(one.resource.get("issued"))
        reports += [replace(report, time=when.instant if when else None) for report in stated.reports]
        findings += stated.findings
    every = {identifier: True for one in resources if (identifier := resource_id(one)) is not None}
    findings += unread_results(resources, {**held, **every}, patient_id)
    genotypes, phenotypes, conflicts = agreed(reports)
    return Genes(tuple(genotypes), tuple(phenotypes), (*_worth_saying(findings, genotypes), *conflicts))


def _worth_saying(findings: Sequence[Finding], genotypes: Sequence[Genotype]) -> tuple[Finding, ...]:
    """Without the remarks on single variants and alleles of a gene whose diplotype is known."""
    settled = tuple(f"a {one.gene} variant " for one in genotypes)
    settled += tuple(f"one copy of {one.gene} " for one in genotypes)
    return tuple(one for one in findings if not one.detail.startswith(settled))


def _genes(found: Sequence[Found]) -> dict[str, str]:
    """Which gene the Observation of each id is about."""
    named: dict[str, str] = {}
    for one in found:
        identifier = resource_id(one.resource)
        gene = named_gene(one.resource, values(one.resource)).gene
        if identifier is not None and gene is not None:
            named[identifier] = gene
    return named

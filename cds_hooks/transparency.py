"""What regulators ask predictive decision support to disclose, of a model and of a published rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dosing_core.library.rules import DosingRule
    from dosing_core.library.schema import DrugFile
    from dosing_core.population.model import PopulationModel


def words(name: str) -> str:
    """A field's name as people read it."""
    return name.replace("_", " ")


def facts(drug_file: DrugFile, model: PopulationModel) -> dict[str, Any]:
    """Source attributes of a predictive model (45 CFR 170.315(b)(11)), as far as its file tells them."""
    population = model.population
    limits = [
        f"{words(limit.quantity)} {_range(limit.low, limit.high)}: "
        + ("not used outside" if limit.kind == "validity" else "outside the people studied")
        for limit in population.limits
    ]
    return {
        "model": model.id,
        "name": model.name,
        "developer": model.reference.citation,
        "source": f"https://doi.org/{model.reference.doi}" if model.reference.doi else "",
        "intended use": f"exposure of {drug_file.display.drug_name}: {model.role}",
        "intended users": "prescribers and pharmacists; a person decides on every dose",
        "out of scope": [words(name) for name in population.excludes]
        + [exclusion.reason for exclusion in drug_file.exclusions],
        "required": [words(name) for name in population.requires],
        "population studied": population.description,
        "subjects": population.subjects,
        "observations": population.observations,
        "inputs": {
            name: f"{words(covariate.quantity or name)}, {covariate.unit}"
            + (f"; {covariate.definition}" if covariate.definition else "")
            for name, covariate in model.covariates.items()
        },
        "race": "no input",
        "output": "individual parameters, predicted concentrations and exposures with their uncertainty",
        "limits": limits,
        "performance": "no local evaluation is on record; see `dosewright fit` for one on a hospital's data",
        "checked against": list(model.verified_by),
        "confidence": model.confidence,
        "use": words(model.use),
        "known conflicts": [" ".join(note.split()) for note in model.notes],
        "version": drug_file.version,
        "reviewed by": list(drug_file.review.reviewers) or "nobody yet",
        "updates": "with the file's version; each answer names the digest of the file that it used",
    }


def rule_facts(drug_file: DrugFile, rule: DosingRule) -> dict[str, Any]:
    """The same attributes of a published rule."""
    population = rule.population
    limits = [
        f"{words(limit.quantity)} {_range(limit.low, limit.high)}: "
        + ("not used outside" if limit.kind == "validity" else "outside the people it is for")
        for limit in population.limits
    ]
    return {
        "rule": rule.id,
        "name": rule.name,
        "developer": rule.reference.citation,
        "source": f"https://doi.org/{rule.reference.doi}" if rule.reference.doi else "",
        "intended use": f"dose of {drug_file.display.drug_name}: {rule.role}",
        "intended users": "prescribers and pharmacists; a person decides on every dose",
        "out of scope": [words(name) for name in population.excludes]
        + [exclusion.reason for exclusion in drug_file.exclusions],
        "required": [words(name) for name in population.requires],
        "population": population.description,
        "inputs": {
            **{
                name: f"{words(covariate.quantity or name)}, {covariate.unit}"
                + (f"; {covariate.definition}" if covariate.definition else "")
                + (f"; counted as at most {covariate.maximum:g}" if covariate.maximum else "")
                for name, covariate in rule.covariates.items()
            },
            **{name: f"result of {one.gene}" for name, one in rule.genes.items()},
            **{name: f"{one.says or words(one.fact)}, {one.unit}" for name, one in rule.measured.items()},
        },
        "race": "no input",
        "output": "a dose or what to do, without a chance: how people differ from the rule is not in it",
        "outcomes": {one.id: " ".join(one.text.split()) for one in rule.outcomes},
        "limits": limits,
        "checked against": [*rule.verified_by, *(check.source for check in rule.checks)],
        "confidence": rule.confidence,
        "known conflicts": [" ".join(note.split()) for note in rule.notes],
        "version": drug_file.version,
        "reviewed by": list(drug_file.review.reviewers) or "nobody yet",
        "updates": "with the file's version; each answer names the digest of the file that it used",
    }


def _range(low: float | None, high: float | None) -> str:
    if low is None:
        return f"up to {high:g}"
    return f"from {low:g}" if high is None else f"{low:g} to {high:g}"

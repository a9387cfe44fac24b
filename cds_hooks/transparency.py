"""What regulators ask predictive decision support to disclose, of a model and of a published rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dosing_core.library.rules import DosingRule
    from dosing_core.library.schema import DrugFile
    from dosing_core.population.covariate import Covariate
    from dosing_core.population.model import PopulationModel
    from dosing_core.population.publication import ModelPopulation


def words(name: str) -> str:
    """A field's name as people read it."""
    return name.replace("_", " ")


def facts(drug_file: DrugFile, model: PopulationModel) -> dict[str, Any]:
    """Source attributes of a predictive model (45 CFR 170.315(b)(11)), as far as its file tells them."""
    population = model.population
    return {
        "model": model.id,
        **_origin(model),
        "intended use": f"exposure of {drug_file.display.drug_name}: {model.role}",
        **_for_whom(drug_file, population),
        "population studied": population.description,
        "subjects": population.subjects,
        "observations": population.observations,
        "inputs": {name: _input(name, covariate) for name, covariate in model.covariates.items()},
        "race": "no input",
        "output": "individual parameters, predicted concentrations and exposures with their uncertainty",
        "limits": _limits(population, "outside the people studied"),
        "performance": "no local evaluation is on record; see `dosewright fit` for one on a hospital's data",
        "checked against": list(model.verified_by),
        "confidence": model.confidence,
        "use": words(model.use),
        "known conflicts": [" ".join(note.split()) for note in model.notes],
        **_state(drug_file),
    }


def rule_facts(drug_file: DrugFile, rule: DosingRule) -> dict[str, Any]:
    """The same attributes of a published rule."""
    population = rule.population
    return {
        "rule": rule.id,
        **_origin(rule),
        "intended use": f"dose of {drug_file.display.drug_name}: {rule.role}",
        **_for_whom(drug_file, population),
        "population": population.description,
        "inputs": {
            **{
                name: _input(name, covariate)
                + (f"; counted as at most {covariate.maximum:g}" if covariate.maximum else "")
                for name, covariate in rule.covariates.items()
            },
            **{name: f"result of {one.gene}" for name, one in rule.genes.items()},
            **{name: f"{one.says or words(one.fact)}, {one.unit}" for name, one in rule.measured.items()},
        },
        "race": "no input",
        "output": "a dose or what to do, without a chance: how people differ from the rule is not in it",
        "outcomes": {one.id: " ".join(one.text.split()) for one in rule.outcomes},
        "limits": _limits(population, "outside the people it is for"),
        "checked against": [*rule.verified_by, *(check.source for check in rule.checks)],
        "confidence": rule.confidence,
        "known conflicts": [" ".join(note.split()) for note in rule.notes],
        **_state(drug_file),
    }


def _origin(published: PopulationModel | DosingRule) -> dict[str, Any]:
    reference = published.reference
    return {
        "name": published.name,
        "developer": reference.citation,
        "source": f"https://doi.org/{reference.doi}" if reference.doi else "",
    }


def _for_whom(drug_file: DrugFile, population: ModelPopulation) -> dict[str, Any]:
    return {
        "intended users": "prescribers and pharmacists; a person decides on every dose",
        "out of scope": [words(name) for name in population.excludes]
        + [exclusion.reason for exclusion in drug_file.exclusions],
        "required": [words(name) for name in population.requires],
    }


def _input(name: str, covariate: Covariate) -> str:
    definition = f"; {covariate.definition}" if covariate.definition else ""
    return f"{words(covariate.quantity or name)}, {covariate.unit}{definition}"


def _limits(population: ModelPopulation, beyond: str) -> list[str]:
    """Each limit with what follows from it; ``beyond``: where a model or rule still speaks but was not made
    for."""
    return [
        f"{words(limit.quantity)} {_range(limit.low, limit.high)}: "
        + ("not used outside" if limit.kind == "validity" else beyond)
        for limit in population.limits
    ]


def _state(drug_file: DrugFile) -> dict[str, Any]:
    return {
        "version": drug_file.version,
        "reviewed by": list(drug_file.review.reviewers) or "nobody yet",
        "updates": "with the file's version; each answer names the digest of the file that it used",
    }


def _range(low: float | None, high: float | None) -> str:
    if low is None:
        return f"up to {high:g}"
    return f"from {low:g}" if high is None else f"{low:g} to {high:g}"

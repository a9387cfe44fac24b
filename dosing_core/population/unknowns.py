"""What holds where the record does not say, and facts that are resolved once for the whole history.

A covariate says what to suppose (``when_unknown``, ``unknown_mixture``); CYP3A5 expression and prednisolone
have defaults of their own. What is known gives one alternative; what is not gives one or several, and a named
assumption. Nothing else about a person, ancestry least of all, shifts these weights.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from dosing_core.case import Case, CoMedication, Subject
from dosing_core.interactions.taken import is_taken
from dosing_core.population import covariates as timeline
from dosing_core.population import states
from dosing_core.population.covariate import Covariate
from dosing_core.population.publication import Described
from dosing_core.population.quantity import QUANTITIES
from dosing_core.population.readings import is_settled
from dosing_core.recommendation import Assumption, UsedFact

KNOWN_CYP3A5_ALLELES = frozenset({"1", "3", "6", "7"})
"""*1 makes the enzyme; *3, *6 and *7 do not (Birdwell et al. 2015, CPIC, doi:10.1002/cpt.113)."""

UNKNOWN_PREDNISOLONE_MG = (0.0, 20.0)
"""None, or the dose that Oslo started with (Størset 2014, whose cohort spans 0 to 80 mg/day)."""
UNREADABLE_PREDNISOLONE_MG = (6.0, 20.0)
"""On the list without a dose: Brisbane's median at sampling, or Oslo's first dose (Størset 2014)."""

_DIPLOTYPE = re.compile(r"\*(\d+)\s*[/|]\s*\*(\d+)")
_PREDNISOLONE = re.compile(r"\bpredniso(?:lo)?ne\b", re.IGNORECASE)
_PREDNISONE = re.compile(r"\bprednisone\b", re.IGNORECASE)
_OTHER_STEROID = re.compile(
    r"\b(methylprednisolone|dexamethasone|hydrocortisone|betamethasone)\b", re.IGNORECASE
)


@dataclass(frozen=True)
class Alternative:
    """One value that the fact may have. ``label`` names it where there is more than one."""

    probability: float
    label: str
    value: float


@dataclass(frozen=True)
class Resolved:
    """What is known of one discrete fact."""

    alternatives: tuple[Alternative, ...]
    used: tuple[UsedFact, ...] = ()
    assumptions: tuple[Assumption, ...] = ()


def resolved(model: Described, case: Case) -> dict[str, Resolved]:
    """Covariate name: what is supposed of it where it is not known, and what is resolved once for all.

    Covariates that are read instant by instant, and those whose absence stops the answer, are not in it.
    """
    found: dict[str, Resolved] = {}
    for name, covariate in model.covariates.items():
        if covariate.quantity is None:
            continue
        own = _by_own_rules(covariate.quantity, case)
        if own is not None and not (covariate.copes and len(own.alternatives) > 1):
            found[name] = own
        elif covariate.copes and (own is not None or not is_settled(covariate, case)):
            found[name] = supposed(covariate)
    return found


def facts_read(covariate: Covariate) -> tuple[str, ...]:
    """What findings may be about that touch this covariate."""
    match covariate.quantity:
        case None:
            return ()
        case "cyp3a5_expresser":
            return ("genotypes",)
        case "prednisolone_daily_dose":
            return ("co_medications",)
        case name if QUANTITIES[name].kind == "state":
            return (states.about(covariate),)
    return tuple(timeline.fact_of(fact) for fact in timeline.needed_facts(covariate))


def supposed(covariate: Covariate) -> Resolved:
    """What the model file says to suppose of a covariate that is not known."""
    about = states.words(covariate)
    reason = f"{about[:1].upper()}{about[1:]} not known"
    if covariate.when_unknown is not None:
        value = states.value_words(covariate, covariate.when_unknown)
        text = f"{reason}; supposed: {value} ({covariate.source})"
        return Resolved((Alternative(1.0, "", covariate.when_unknown),), assumptions=(Assumption(text=text),))
    shares = " or ".join(
        f"{states.value_words(covariate, value)} ({share:.0%})" for value, share in covariate.unknown_mixture
    )
    alternatives = tuple(
        Alternative(share, states.label(covariate, value), value)
        for value, share in covariate.unknown_mixture
    )
    text = f"{reason}; supposed: {shares} ({covariate.source})"
    return Resolved(alternatives, assumptions=(Assumption(text=text),))


def _by_own_rules(quantity: str, case: Case) -> Resolved | None:
    if QUANTITIES[quantity].kind != "own":
        return None
    match quantity:
        case "cyp3a5_expresser":
            return cyp3a5_expresser(case.subject)
        case "prednisolone_daily_dose":
            taken = tuple(one for one in case.subject.co_medications if is_taken(one, case.now))
            return prednisolone_daily_dose(case.subject.model_copy(update={"co_medications": taken}))
        case "haemodialysis":
            on_dialysis = any(c.name == "haemodialysis" for c in case.subject.conditions)
            return Resolved((Alternative(1.0, "", 1.0 if on_dialysis else 0.0),))
    return _first_day(case)


def _first_day(case: Case) -> Resolved:
    """Its value changes with time and is set row by row; here only whether the time is known."""
    nothing = (Alternative(1.0, "", 0.0),)
    transplant = timeline.transplanted_at(case.subject, case.now)
    if transplant is None:
        text = "Time of the transplant not on record: taken to be more than 24 h before the first dose"
        return Resolved(nothing, assumptions=(Assumption(text=text),))
    condition = next(c for c in case.subject.conditions if c.time == transplant)
    fact = UsedFact(name="kidney transplant", value="done", time=transplant, source=condition.source)
    return Resolved(nothing, used=(fact,))


def cyp3a5_expression(diplotype: str) -> bool | None:
    """True if the diplotype carries *1, False if neither allele does, None if it cannot be read.

    Only *1, *3, *6 and *7 are read: other alleles have no established function for tacrolimus.
    """
    match = _DIPLOTYPE.fullmatch(diplotype.strip().removeprefix("CYP3A5").strip())
    if match is None or not set(match.groups()) <= KNOWN_CYP3A5_ALLELES:
        return None
    return "1" in match.groups()


def cyp3a5_expresser(subject: Subject) -> Resolved:
    """1 for an expresser, 0 for a non-expresser, both if no result says which."""
    results = [genotype for genotype in subject.genotypes if genotype.gene.strip().upper() == "CYP3A5"]
    calls = [cyp3a5_expression(result.diplotype) for result in results]
    if results and None not in calls and len(set(calls)) == 1:
        latest, expresser = results[-1], calls[-1]
        fact = UsedFact(
            name="CYP3A5",
            value=f"{latest.diplotype} ({'expresser' if expresser else 'non-expresser'})",
            time=latest.time,
            source=latest.source,
        )
        return Resolved((Alternative(1.0, "", 1.0 if expresser else 0.0),), used=(fact,))
    if not results:
        reason = "CYP3A5 not typed"
    elif None in calls:
        reason = "CYP3A5 result cannot be read"
    else:
        reason = "CYP3A5 results contradict each other"
    return Resolved(
        (Alternative(0.5, "CYP3A5 expresser", 1.0), Alternative(0.5, "CYP3A5 non-expresser", 0.0)),
        assumptions=(Assumption(text=f"{reason}: both phenotypes weighed equally"),),
    )


def prednisolone_daily_dose(subject: Subject) -> Resolved:
    """mg/day of prednisolone and prednisone together, which count the same; two values if it is not known."""
    listed = [drug for drug in subject.co_medications if _PREDNISOLONE.search(drug.drug)]
    assumptions = _steroid_assumptions(subject, listed)
    doses = [drug.daily_dose_mg for drug in listed if drug.daily_dose_mg is not None]
    if listed and len(doses) == len(listed):
        total = sum(doses)
        facts = tuple(
            UsedFact(name=drug.drug, value=f"{drug.daily_dose_mg:g} mg/day", source=drug.source)
            for drug in listed
        )
        return Resolved((Alternative(1.0, "", total),), facts, assumptions)
    if listed:
        text = "Dose of prednisolone not readable: {:g} and {:g} mg/day weighed equally"
        return _either(UNREADABLE_PREDNISOLONE_MG, text, assumptions)
    if not subject.co_medications_read:
        text = "Medication list not read: {:g} and {:g} mg/day of prednisolone weighed equally"
        return _either(UNKNOWN_PREDNISOLONE_MG, text, assumptions)
    fact = UsedFact(name="prednisolone", value="none on the medication list", source=subject.source)
    return Resolved((Alternative(1.0, "", 0.0),), (fact,), assumptions)


def _either(doses: tuple[float, float], text: str, assumptions: tuple[Assumption, ...]) -> Resolved:
    alternatives = tuple(Alternative(0.5, f"prednisolone {dose:g} mg/day", dose) for dose in doses)
    return Resolved(alternatives, assumptions=(Assumption(text=text.format(*doses)), *assumptions))


def _steroid_assumptions(subject: Subject, listed: list[CoMedication]) -> tuple[Assumption, ...]:
    """Prednisone is turned into prednisolone by the liver, mg for mg (labels of both); other steroids have no
    term in the model."""
    texts = []
    if any(_PREDNISONE.search(drug.drug) for drug in listed):
        texts.append("Prednisone counted as prednisolone, mg for mg")
    for drug in subject.co_medications:
        if other := _OTHER_STEROID.search(drug.drug):
            texts.append(
                f"{other.group(1).capitalize()} may lower exposure too; the model has no term for it"
            )
    return tuple(Assumption(text=text) for text in dict.fromkeys(texts))

"""Discrete facts that may change and may be unknown: other drugs, conditions, smoking, antibodies, genotypes.

A state is None where the record does not say. What the record would hold if it were so (a drug on a list that
was read, a condition) is absent where it is not there; what somebody must have looked for is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from dosing_core.case import Case, CoMedication, Condition, Genotype, Phenotype, Sign
from dosing_core.errors import UnreadableGenotype
from dosing_core.facts import SIGNS, words_of
from dosing_core.genetics.known import result_of
from dosing_core.interactions.taken import AHEAD, is_one_of, is_taken
from dosing_core.population.covariate import Covariate
from dosing_core.population.quantity import YES_NO, words_of_quantity
from dosing_core.recommendation import UsedFact


def words(covariate: Covariate) -> str:
    """What the state is about: ``rifampicin or phenytoin``, ``CYP2C9 genotype``, ``smoking status``."""
    match covariate.quantity:
        case "taking":
            return " or ".join(covariate.drugs)
        case "co_medication_daily_dose":
            return f"daily dose of {' or '.join(covariate.drugs)}"
        case "condition":
            return str(covariate.condition).replace("_", " ")
        case "genotype":
            return f"{covariate.gene} genotype"
    return words_of_quantity(str(covariate.quantity))


def lacking(covariate: Covariate, case: Case) -> str:
    """What is not on record where the state is unknown. Never the drug itself: that it is not on record could
    be read as not taken."""
    if covariate.quantity in ("taking", "co_medication_daily_dose") and not case.subject.co_medications_read:
        return "medication list"
    return words(covariate)


def value_words(covariate: Covariate, value: float) -> str:
    """One value in words: ``smokes``, ``no``, ``40 g/L``; a genotype's by the results that have it."""
    if covariate.quantity in SIGNS:
        sign = SIGNS[covariate.quantity]
        return sign.present if value else sign.absent
    if covariate.unit == YES_NO:
        return "yes" if value else "no"
    if results := [key for key, own in covariate.values.items() if own == value]:
        return " or ".join(key if "*" in key else key.lower() for key in results)
    return " ".join(filter(None, (f"{value:g}", covariate.unit)))


def label(covariate: Covariate, value: float) -> str:
    """One value with what it is a value of: ``CYP2C9 genotype: 0.6``; a sign's speaks for itself."""
    said = value_words(covariate, value)
    return said if covariate.quantity in SIGNS else f"{words(covariate)}: {said}"


def about(covariate: Covariate) -> str:
    """The fact that is missing where the state is unknown, as findings name it."""
    match covariate.quantity:
        case "taking" | "co_medication_daily_dose":
            return "co_medications"
        case "condition":
            return "conditions"
        case "genotype":
            return "genotypes"
    return str(covariate.quantity)


def state_at(covariate: Covariate, case: Case, time: datetime) -> float | None:
    """The state's value at an instant, None where the record does not say.

    From ``case.now`` on it is the one that will hold in two days (``AHEAD``).
    """
    moment = time + AHEAD if time >= case.now else time
    match covariate.quantity:
        case "taking":
            if any(is_taken(one, moment) for one in _listed(covariate, case)):
                return 1.0
            return 0.0 if case.subject.co_medications_read else None
        case "co_medication_daily_dose":
            return _daily_dose(covariate, case, moment)
        case "condition":
            return 1.0 if any(_holds(one, time) for one in _conditions(covariate, case)) else 0.0
        case "genotype":
            return _of_genotype(covariate, case)[0]
    known = _signs(covariate, case)
    if not known:
        return None
    past = [sign for sign in known if sign.time <= time]
    return 1.0 if (past[-1] if past else known[0]).present else 0.0


def changes(covariate: Covariate, case: Case) -> set[datetime]:
    """Instants at which the state may change. ``case.now`` is one where the next two days differ."""
    subject = case.subject
    times: set[datetime] = set()
    match covariate.quantity:
        case "taking" | "co_medication_daily_dose":
            for one in _listed(covariate, case):
                times |= {moment for moment in (one.since, one.until) if moment is not None}
            if any(case.now < time <= case.now + AHEAD for time in times):
                times.add(case.now)
        case "condition":
            times = {one.time for one in _conditions(covariate, case) if one.time is not None}
        case name if name in SIGNS:
            times = {sign.time for sign in subject.signs if sign.name == name}
    return times


def used(covariate: Covariate, case: Case) -> tuple[UsedFact, ...]:
    """What the record says of the state; nothing where it does not."""
    subject, value = case.subject, state_at(covariate, case, case.now)
    if value is None:
        return ()
    match covariate.quantity:
        case "taking" | "co_medication_daily_dose":
            listed = _listed(covariate, case)
            if not listed:
                none = "none on the medication list"
                return (UsedFact(name=" or ".join(covariate.drugs), value=none, source=subject.source),)
            return tuple(
                UsedFact(name=one.drug, value=_taken_words(one, case), time=one.since, source=one.source)
                for one in listed
            )
        case "condition":
            own = _conditions(covariate, case)
            if not own:
                return (UsedFact(name=words(covariate), value="not on record", source=subject.source),)
            return (
                UsedFact(name=words(covariate), value="on record", time=own[0].time, source=own[0].source),
            )
        case "genotype":
            result = _of_genotype(covariate, case)[1]
            if result is None:
                return ()
            return (
                UsedFact(
                    name=covariate.gene,
                    value=result.diplotype if isinstance(result, Genotype) else result.phenotype,
                    time=result.time,
                    source=result.source,
                ),
            )
    past = [sign for sign in _signs(covariate, case) if sign.time <= case.now]
    last = past[-1]
    shown = value_words(covariate, 1.0 if last.present else 0.0)
    return (UsedFact(name=words_of(last.name), value=shown, time=last.time, source=last.source),)


def _taken_words(taken: CoMedication, case: Case) -> str:
    dose = "" if taken.daily_dose_mg is None else f", {taken.daily_dose_mg:g} mg/day"
    return ("taken" if is_taken(taken, case.now) else "not taken now") + dose


def _listed(covariate: Covariate, case: Case) -> list[CoMedication]:
    return [one for one in case.subject.co_medications if is_one_of(covariate.drugs, one)]


def _daily_dose(covariate: Covariate, case: Case, moment: datetime) -> float | None:
    """mg/day of these drugs together; None if the list was not read or a dose on it is not known."""
    listed = [one for one in _listed(covariate, case) if is_taken(one, moment)]
    if not listed and not case.subject.co_medications_read:
        return None
    doses = [one.daily_dose_mg for one in listed if one.daily_dose_mg is not None]
    return sum(doses) if len(doses) == len(listed) else None


def _conditions(covariate: Covariate, case: Case) -> list[Condition]:
    return [one for one in case.subject.conditions if one.name == covariate.condition]


def _holds(condition: Condition, time: datetime) -> bool:
    """True from its onset on; all along where that is not on record."""
    return condition.time is None or condition.time <= time


def _signs(covariate: Covariate, case: Case) -> Sequence[Sign]:
    """What was found of the sign up to now."""
    return [sign for sign in case.subject.signs if sign.name == covariate.quantity and sign.time <= case.now]


def _of_genotype(covariate: Covariate, case: Case) -> tuple[float | None, Genotype | Phenotype | None]:
    """The value of what is known of the gene, and the result that says so.

    None without a result, where results disagree, and where the model has no value for it.
    """
    wanted = covariate.gene.casefold()
    typed = [one for one in case.subject.genotypes if one.gene.strip().casefold() == wanted]
    named = [one for one in case.subject.phenotypes if one.gene.strip().casefold() == wanted]
    values = {_value_of(covariate, one.diplotype) for one in typed}
    # A phenotype says nothing to a model that tells diplotypes apart.
    values |= {value for one in named if (value := _by_result(covariate, one)) is not None}
    if len(values) != 1:
        return None, None
    value = values.pop()
    reports: list[Genotype | Phenotype] = [*named, *typed]
    return (value, reports[-1]) if value is not None else (None, None)


def _value_of(covariate: Covariate, diplotype: str) -> float | None:
    """By the diplotype as written, in either order; else by its phenotype."""
    values = _values(covariate)
    plain = diplotype.strip().removeprefix(covariate.gene).strip()
    swapped = "/".join(reversed(plain.replace("|", "/").split("/")))
    for key in (plain, swapped):
        if (value := values.get(_folded(key))) is not None:
            return value
    return _by_result(covariate, Genotype(gene=covariate.gene, diplotype=diplotype, source=""))


def _by_result(covariate: Covariate, reported: Genotype | Phenotype) -> float | None:
    """By what guidelines make of a report: alleles in CPIC's names, phenotype, activity score."""
    try:
        result = result_of(reported)
    except UnreadableGenotype:
        return None
    values = _values(covariate)
    alleles = ("/".join(result.alleles), "/".join(reversed(result.alleles))) if result.alleles else ()
    keys = (*alleles, result.phenotype, *sorted(result.keys))
    return next((value for key in keys if (value := values.get(_folded(key))) is not None), None)


def _values(covariate: Covariate) -> dict[str, float]:
    return {_folded(key): value for key, value in covariate.values.items()}


def _folded(key: str) -> str:
    return "".join(key.replace("|", "/").split()).casefold()

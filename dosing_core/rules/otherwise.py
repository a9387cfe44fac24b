"""Which input of a rule, if it were wrong, would change the dose, and to what.

Each alternative is the same rule asked again with one fact changed; what would change the dose most comes
first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dosing_core import phrases
from dosing_core.case import COVARIATE_UNITS, Case, Goal, Regimen
from dosing_core.facts import words_of
from dosing_core.library.schema import DrugFile
from dosing_core.population import covariates as timeline
from dosing_core.recommendation import Assumption
from dosing_core.regimens.limits import PatientLimits
from dosing_core.rules.speak import Spoken, ask
from dosing_core.sensitivity import RISE, WEIGHT_OFF

MEASURED_OFF = 0.1
"""A measured fact may be so far from the true one. Project policy: about what assays and scales vary by."""


@dataclass(frozen=True)
class Otherwise:
    """One fact changed."""

    said: Assumption
    case: Case


def otherwise(
    spoken: Spoken, case: Case, drug_file: DrugFile, limits: PatientLimits, answered: Regimen, allow_low: bool
) -> tuple[Assumption, ...]:
    """Every input that can be changed, with the dose that would follow, the greatest effect first."""
    found: dict[str, Assumption] = {}
    for place, one in enumerate((*_facts(spoken, case), *_aims(spoken, case, drug_file))):
        dosed = ask(spoken.rule, one.case, drug_file, limits, allow_low).settled
        if dosed is None or dosed.regimen is None:
            continue
        effect = dosed.regimen.daily_dose_mg / answered.daily_dose_mg - 1.0
        said = one.said.model_copy(
            update={"regimen_otherwise": dosed.regimen, "effect": float(f"{effect:.6g}")}
        )
        key = said.text if said.about in ("weight", "fact") else str(place)
        if key not in found or abs(effect) > abs(found[key].effect or 0.0):
            found[key] = said
    return tuple(sorted(found.values(), key=lambda one: -abs(one.effect or 0.0)))


def _facts(spoken: Spoken, case: Case) -> Iterator[Otherwise]:
    """Measured facts a tenth off; creatinine half as high again."""
    names = dict.fromkeys(
        name for covariate in spoken.rule.covariates.values() for name in timeline.timelines(covariate)
    )
    for name in names:
        series = [one for one in getattr(case.subject, name) if one.time <= case.now]
        if not series:
            continue
        unit, last = COVARIATE_UNITS[name], series[-1].value
        word = words_of(name)
        rises = name == "creatinine"
        off = WEIGHT_OFF if name == "weight" else MEASURED_OFF
        for factor in (RISE,) if rises else (1.0 - off, 1.0 + off):
            value = f"{phrases.plain(round(last * factor, 2))} {unit}"
            said = Assumption(
                text=f"The {word} of {phrases.plain(round(last, 2))} {unit} is right.",
                otherwise=f"If it were {value}",
                about="creatinine" if rises else "weight" if name == "weight" else "fact",
            )
            yield Otherwise(said, _scaled(case, name, factor))


def _scaled(case: Case, name: str, factor: float) -> Case:
    series = tuple(
        one.model_copy(update={"value": one.value * factor}) for one in getattr(case.subject, name)
    )
    return case.model_copy(update={"subject": case.subject.model_copy(update={name: series})})


def _aims(spoken: Spoken, case: Case, drug_file: DrugFile) -> Iterator[Otherwise]:
    """The ends of what is usually aimed at, where nobody set an aim."""
    aim, rule = spoken.facts.aim, spoken.rule.aim
    if aim is None or rule is None or aim.set_for_patient:
        return
    target = next(one for one in drug_file.targets if one.id == rule.target)
    for end in (aim.low, aim.high):
        goal = Goal(
            metric=target.metric,
            low=0.99 * end / rule.factor,
            high=1.01 * end / rule.factor,
            source="supposed",
        )
        said = Assumption(
            text=f"{phrases.capital(phrases.metric_word(target.metric))} of {aim.words} is aimed at, "
            "as no aim is on record.",
            otherwise=f"For {phrases.plain(end)} {aim.unit}",
            about="aim",
        )
        yield Otherwise(said, case.model_copy(update={"goal": goal}))

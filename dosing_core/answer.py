"""One question, one answer: the consultation from top to bottom.

screen → bring the model to the patient → believe the plausible levels → judge practical regimens → hold them
against the order → next level → explain. Pure: no clock, no chance, no store; the same case gives the same
bytes.
"""

from __future__ import annotations

import numpy as np

from dosing_core import phrases
from dosing_core.averaging import panel, unusable_choice
from dosing_core.case import Case
from dosing_core.composition import compose
from dosing_core.consultation import consult, usable
from dosing_core.decision import decide
from dosing_core.errors import UnusableGoal
from dosing_core.genetic_answer import avoided, beside, guided, heard_of, tested_first
from dosing_core.genetics import guided_drug
from dosing_core.library import DrugFile, Library, installed
from dosing_core.model_uses import alone
from dosing_core.population.bind import Bound
from dosing_core.recommendation import Recommendation
from dosing_core.refusal import for_want_of, refusal
from dosing_core.rules.answer import ask_all, rule_answer
from dosing_core.screening import Screening, screen
from dosing_core.version import engine, guideline_engine


def recommend(case: Case, library: Library | None = None) -> Recommendation:
    """Answer one dosing question from the library's drug files, by default the process's (see ``install``).

    Genes and earlier reactions are heard first (``genetic_answer``): a drug that they forbid gets no dose.
    Raises ``UnknownDrug`` if neither the library nor a guideline on genes knows the drug, and
    ``InvalidDrugFile`` if its file does not hold. Whatever else cannot be answered is a ``Recommendation``
    whose outcome and reason say so.
    """
    library = library or installed()
    if case.order.drug not in library.names() and guided_drug(case.order.drug) is not None:
        return _by_genes_alone(case)
    drug_file = library.load(case.order.drug)
    allow_low = case.order.drug in library.low_confidence
    at_age = drug_file.at_age(case.subject.age_years)
    heard = heard_of(case, drug_file)
    forbidden = avoided(case, heard, at_age)
    if forbidden is not None and not at_age.rules:
        said = forbidden
    else:
        own = _answered_from(case, at_age, allow_low)
        if own.outcome == "avoid":  # a file's own rule says in its words why not
            said = beside(case, own, heard)
        else:
            said = forbidden or tested_first(case, own, heard) or beside(case, own, heard)
    return said.model_copy(update={"engine": engine(drug_file, library)})


def _by_genes_alone(case: Case) -> Recommendation:
    """The answer about a drug of which no file but a guideline on genes speaks."""
    heard = heard_of(case, None)
    said = avoided(case, heard, None) or guided(case, heard)
    return said.model_copy(update={"engine": guideline_engine()})


def _answered_from(case: Case, drug_file: DrugFile, allow_low: bool) -> Recommendation:
    """Rules or models, as the file says; whoever does not lead stands beside the answer."""
    screening = screen(case, drug_file)
    counted = usable(case, screening.doses, screening)
    asked = ask_all(counted, drug_file, screening, allow_low)
    if asked is not None and asked.alarm:
        return rule_answer(asked)
    if screening.outcome is not None:
        return refusal(case, drug_file, screening, screening.outcome, screening.reason)
    if asked is None:
        return _by_models(case, counted, drug_file, screening, allow_low)
    once = case.order.regimen is not None and case.order.regimen.once
    if not drug_file.models or once:  # models judge what repeats
        return rule_answer(asked)
    models = _by_models(case, counted, drug_file, screening, allow_low)
    if not asked.leads:
        return models.model_copy(update={"rules": asked.uses(False)})
    return rule_answer(asked).model_copy(update={"models": alone(models)})


def _by_models(
    case: Case, counted: Case, drug_file: DrugFile, screening: Screening, allow_low: bool
) -> Recommendation:
    """The answer of the population models. ``counted``: with the usable doses and levels only."""
    if unusable := unusable_choice(case, drug_file, allow_low):
        text = f"{phrases.capital(drug_file.display.drug_name)} is not individualised: {unusable}."
        return refusal(case, drug_file, screening, "insufficient", text)
    try:
        models = panel(counted, drug_file)
        if not models.speakers:
            return _model_may_not_speak(case, drug_file, screening, models.main)
        consultation = consult(counted, drug_file, screening, models)
        return compose(case, consultation, screening, decide(consultation, screening))
    except UnusableGoal as error:
        return refusal(case, drug_file, screening, "insufficient", error.reason)
    except (ArithmeticError, ValueError, np.linalg.LinAlgError):
        # A valid case whose numbers break down (an absurd dose, a level of a billion) gets an honest no.
        name = phrases.capital(drug_file.display.drug_name)
        text = f"{name} is not individualised: the figures on record give no usable numbers."
        return refusal(case, drug_file, screening, "insufficient", text)


def _model_may_not_speak(
    case: Case, drug_file: DrugFile, screening: Screening, bound: Bound
) -> Recommendation:
    """The model wants a fact that is not there, or the patient is beyond its limits."""
    if bound.missing:
        return for_want_of(case, drug_file, screening, bound.missing)
    name = phrases.capital(drug_file.display.drug_name)
    text = f"{name} is outside the model here: {'; '.join(bound.beyond_validity)}."
    return refusal(case, drug_file, screening, "out_of_scope", text)

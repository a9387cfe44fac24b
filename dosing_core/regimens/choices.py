"""Which dimensions a search has for one question: routes, lengths of infusion and hours that can matter."""

from __future__ import annotations

from dosing_core.case import Regimen, Route
from dosing_core.library.schema import DrugFile
from dosing_core.population.individual import Individual
from dosing_core.population.system import CLOCK, System
from dosing_core.regimens.candidates import Candidate, candidates, delays_to
from dosing_core.regimens.limits import PatientLimits
from dosing_core.regimens.scored import Question

_AREAS = ("auc24", "average", "cumulative_auc")


def choices_for(
    question: Question,
    drug_file: DrugFile,
    limits: PatientLimits,
    weight_kg: float,
    route: Route,
    ordered: Regimen | None,
) -> tuple[Candidate, ...]:
    """Every regimen that this question's search looks at.

    Longer infusions are looked at only where the shape of the curve decides, other hours of the day only
    where a model reads the clock, other routes only where the drug file and every model allow them.
    """
    people = [individual for individual, _ in question.particles]
    others = tuple(
        rule.route
        for rule in drug_file.routes
        if rule.supported and rule.route != route and all(one.takes(rule.route) for one in people)
    )
    hours = drug_file.dosing.clock_hours if any(map(_reads_clock, people)) else ()
    longest = max(drug_file.dosing.intervals_h)
    return candidates(
        drug_file,
        limits,
        weight_kg,
        route,
        ordered,
        other_routes=others if drug_file.dosing.either_route else (),
        prolonged=shape_matters(question),
        delays_h=delays_to(hours, people[0].clock_h, question.first_h, longest),
    )


def shape_matters(question: Question) -> bool:
    """True if two regimens with the same area can differ in what is aimed at."""
    target = question.target
    linear = question.superposes and all(person.binding is None for person, _ in question.particles)
    return target.utility is not None or target.metric not in _AREAS or not linear


def _reads_clock(individual: Individual) -> bool:
    structure = individual.structure
    return isinstance(structure, System) and any(CLOCK in one.names for one in structure.derivatives)

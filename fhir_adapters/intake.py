"""``PatientChart`` and order → ``Case``: one dosing question, without anything that identifies the patient.

What stays of the record are values, times and the ids of single results and orders (``Observation/17``), so
that an explanation can point back. The patient's own id, name and date of birth do not.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from dosing_core.case import (
    COVARIATE_UNITS,
    Case,
    Condition,
    Dose,
    EffectMeasurement,
    Finding,
    Level,
    Measurement,
    Route,
    Subject,
)
from dosing_core.library import load_drug
from dosing_core.regimens.timing import still_running_h
from fhir_adapters.chart import ChartedValue, OrderedCourse, PatientChart, distinct
from fhir_adapters.elements import said_at
from fhir_adapters.indications import chosen
from fhir_adapters.order import OrderReading
from fhir_adapters.patient import possible_age
from fhir_adapters.prefetch import doses_since

LATE = 1.5
"""A first charted dose that comes so many intervals after its order began is not the first one (project
policy: the first dose is due within an interval, and a ward may be half of one late)."""


def to_case(chart: PatientChart, reading: OrderReading, now: datetime) -> Case:
    """The dosing question. Raises ``ValueError`` if the order is not for the chart's drug and patient."""
    if reading.drug != chart.drug or not reading.about_patient:
        raise ValueError("the order is not for this drug and patient")
    courses = [
        course
        for course in chart.ordered
        if course.source != reading.order.source and _reaches_blood(chart.drug, course.route)
    ]
    doses, remarks = _doses(chart, courses)
    remarks += _begun_before(chart, doses_since(chart.drug, now))
    still = now - timedelta(hours=still_running_h(load_drug(chart.drug).usual_intervals_h))
    recent = [dose for dose in doses if dose.time >= still]
    running = bool(courses) or any(_reaches_blood(chart.drug, dose.route) for dose in recent)
    running |= chart.unread_given is not None and chart.unread_given >= still
    age = possible_age(chart.birth_date, now.date())
    if age is None and chart.birth_date is not None:
        remarks.append(
            Finding(kind="excluded", about="age", detail="the date of birth cannot be true", source="Patient")
        )
    elif not chart.birth_date_exact:
        said = "the date of birth is not exact; its middle was taken"
        remarks.append(Finding(kind="note", about="age", detail=said, source="Patient"))
    referred = (word for one in chart.indications if one.id in reading.reasons for word in one.words)
    indication, unsure = chosen(
        (*reading.indications, *referred), load_drug(chart.drug).at_age(age).targets, reading.order.source
    )
    return Case(
        now=now,
        subject=Subject(
            age_years=age,
            sex=chart.sex,
            **{name: _measurements(getattr(chart, name)) for name in COVARIATE_UNITS},
            gestational_age_weeks=chart.gestational_age_weeks,
            signs=chart.signs,
            genotypes=chart.genotypes,
            phenotypes=chart.phenotypes,
            reactions=chart.reactions,
            co_medications=chart.co_medications,
            co_medications_read=chart.co_medications_read,
            conditions=_conditions(chart, reading),
            source="Patient",
        ),
        order=reading.order.model_copy(update={"running": running}),
        indication=indication,
        goal=reading.goal,
        doses=doses,
        levels=tuple(
            Level(
                time=one.time,
                value_mg_L=one.value,
                charted_as=one.charted_as,
                limit=one.limit,
                source=one.source,
            )
            for one in chart.levels
        ),
        effects=tuple(
            EffectMeasurement(name=one.name, value=one.value, time=one.time, source=one.source)
            for one in chart.effects
        ),
        mic_mg_L=chart.mic_mg_L,
        findings=distinct([*reading.findings, *chart.findings, *remarks, *unsure]),
    )


def _conditions(chart: PatientChart, reading: OrderReading) -> tuple[Condition, ...]:
    """The record's, and those that the order itself gives as its reasons."""
    known = {one.name for one in chart.conditions}
    own = (
        Condition(name=name, source=reading.order.source) for name in reading.conditions if name not in known
    )
    return (*chart.conditions, *own)


def _measurements(values: tuple[ChartedValue, ...]) -> tuple[Measurement, ...]:
    return tuple(Measurement(value=one.value, time=one.time, source=one.source) for one in values)


def _reaches_blood(drug: str, route: Route | None) -> bool:
    """False for a route by which, says the drug file, past doses do not matter (oral vancomycin)."""
    rule = load_drug(drug).route(route) if route is not None else None
    return rule is None or rule.past_doses != "ignore"


def _begun_before(chart: PatientChart, since: datetime) -> list[Finding]:
    """A note if an active order began well before the first dose that is charted as given; how far back
    doses are read at all is ``since``."""
    if not chart.given:
        return []
    first = chart.given[0].time
    return [
        Finding(
            kind="note",
            about="doses",
            detail=f"the order of {said_at(course.begun)} started earlier than the first charted dose, of "
            f"{said_at(first)}; nothing was assumed before it",
            source=course.source,
        )
        for course in chart.ordered
        if course.begun is not None
        and course.interval_h is not None
        and _reaches_blood(chart.drug, course.route)
        and first - max(course.begun, since) > LATE * timedelta(hours=course.interval_h)
    ]


STANDING_IN = {
    "dispensed": "what was dispensed was taken as used to the letter",
    "ordered": "the active order was taken as given to the letter",
    "reported": "what is said to be taken was taken as used to the letter",
}
"""What stands in for given doses, the surest first, and what is said of it."""


def _doses(chart: PatientChart, active: list[OrderedCourse]) -> tuple[tuple[Dose, ...], list[Finding]]:
    """What was given; only if nothing is charted as given, what one course of the surest kind asks for.

    What is charted as given but cannot be used still says that something was given, and what: not the order.
    """
    if chart.given:
        return chart.given, []
    usable = [one for one in active if one.doses]
    kind = next((kind for kind in STANDING_IN if any(one.kind == kind for one in usable)), None)
    if kind is None:
        return (), []
    courses = [one for one in usable if one.kind == kind]
    if any(finding.kind == "unreachable" and finding.about == "doses" for finding in chart.findings):
        return (), []  # given doses may be charted where nobody could look
    if chart.unread_given is not None:
        said = "doses are charted as given, but none that can be used; the order was not taken in their place"
        return (), [Finding(kind="conflict", about="doses", detail=said, source=courses[-1].source)]
    if len(courses) > 1:
        several = "several orders are active" if kind == "ordered" else "several are said to be taken"
        said = f"no given doses are charted and {several}, so what was taken is not known"
        return (), [Finding(kind="conflict", about="doses", detail=said, source=courses[-1].source)]
    said = f"no given doses are charted; {STANDING_IN[kind]}"
    return courses[0].doses, [Finding(kind="note", about="doses", detail=said, source=courses[0].source)]

"""Reads Observations with a number: the facts and effects of ``facts.json`` and drug levels.

An allow-list of states, units and shapes: what is on it becomes a fact in canonical units, anything else a
finding. The unit that comes with the value counts, not the one that the LOINC code suggests; amounts of
substance are converted with a molar mass that the finding names.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import combinations, groupby
from typing import Any, Literal, cast, get_args

from dosing_core.case import Finding
from dosing_core.library import load_drug
from fhir_adapters.chart import ChartedLevel, ChartedValue
from fhir_adapters.elements import Moment, Resource, codings, member, moment, said_at, source, text, word
from fhir_adapters.prefetch import facts_for, levels_since, look_back
from fhir_adapters.subject import of_another
from fhir_adapters.terminology.loinc import Analyte, Code, analyte, measured
from fhir_adapters.terminology.units import NO_UNIT, Quantity, as_written, quantity, unit

FINAL = frozenset({"final", "amended", "corrected"})
"""States of an Observation whose value counts."""
CLOCKS = timedelta(minutes=5)
"""How far two clocks may differ before a time counts as lying in the future (project policy)."""
LEAST = Decimal("1e-9")
"""In any of the units here, less than this is nothing."""
REPEATED = 1.05
"""Two values of one instant within this ratio are one measurement charted twice (project policy: the
precision of the assays and scales); the first by id counts. Further apart they contradict each other."""
WITHOUT_UNIT = ("1", "{ratio}")
"""Units of a plain number."""
DRAW = timedelta(hours=1)
"""A level over a longer period than this has no draw time (project policy)."""

Timing = Literal["trough", "peak", "random"]
Limit = Literal["exact", "above", "below"]
LIMITS: dict[str, Limit] = {">": "above", ">=": "above", "<": "below", "<=": "below"}
"""What a comparator says of a level. Any other one is not understood."""


@dataclass(frozen=True)
class Measured:
    """One Observation, read: a fact, or the reason why there is none, or both a fact and a remark."""

    analyte: str
    value: ChartedLevel | None = None
    findings: tuple[Finding, ...] = ()


def read_observation(resource: Resource, *, patient_id: str, drug: str, now: datetime) -> Measured | None:
    """Read one Observation; None if it measures nothing that is asked for, or is older than is asked for."""
    known = measured(codings(resource.get("code")))
    names = {code.analyte for code in known}
    wanted = {name for name in names if name == drug or name in facts_for(drug)}
    if not wanted:
        return None
    code = next(code for code in known if code.analyte in wanted)
    what = analyte(code.analyte)
    about = {"level": "levels", "effect": "effects"}.get(what.role, code.analyte)
    reading = _Reading(what, about, source(resource))
    if len(names) > 1:
        return reading.excluded("its codes name different things")
    if (foreign := of_another(resource, patient_id, reading.about)) is not None:
        return Measured(what.name, None, (foreign,))
    is_level = code.analyte == drug
    when = _time(resource, is_level=is_level)
    since = levels_since(drug, now) if is_level else now - look_back(code.analyte)
    if when is not None and when.instant < since:
        return None
    return _read(resource, code, reading, when, now, is_level=is_level)


@dataclass
class _Reading:
    analyte: Analyte
    about: str
    source: str
    charted: str = ""
    when: str = ""

    def _finding(self, kind: Literal["excluded", "note"], what: str) -> Finding:
        name = f"{self.analyte.name} level" if self.about == "levels" else self.analyte.words
        subject = " ".join(part for part in (name, self.charted, self.when and f"of {self.when}") if part)
        return Finding(kind=kind, about=self.about, detail=f"{subject}: {what}", source=self.source)

    def excluded(self, why: str) -> Measured:
        return Measured(self.analyte.name, None, (self._finding("excluded", f"{why}; left out"),))

    def note(self, what: str) -> Finding:
        """A remark about this one value."""
        return self._finding("note", what)

    def note_on_all(self, what: str) -> Finding:
        """A remark in words that are the same for every such value, so that it is made once."""
        detail = f"{self.analyte.words} was {what}"
        return Finding(kind="note", about=self.about, detail=detail, source=self.source)


def _read(
    resource: Resource, code: Code, reading: _Reading, when: Moment | None, now: datetime, *, is_level: bool
) -> Measured:
    charted = quantity(resource.get("valueQuantity"))
    reading.when = said_at(when.instant) if when else ""
    reading.charted = charted.written if charted else ""
    status = word(resource.get("status"))
    if status not in FINAL:
        return reading.excluded(f'its status is "{status}"' if status else "it has no status")
    if charted is None:
        return reading.excluded(_no_number(resource))
    limit = LIMITS.get(charted.comparator) if charted.comparator else "exact"
    if limit is None or (limit != "exact" and not is_level):
        return reading.excluded("a bound, not a measured value")
    converted, remark = _convert(charted, reading.analyte)
    if converted is None and charted.unit is None:
        return reading.excluded(charted.problem or "its unit is not known")
    if converted is None:
        return reading.excluded(f'"{charted.unit.code if charted.unit else ""}" is not a unit of it')
    if converted < LEAST:
        return reading.excluded("not above zero")
    span = reading.analyte.plausible
    if span is not None and not span[0] <= converted <= span[1]:
        low, high = (as_written(bound) for bound in span)
        return reading.excluded(f"outside {low} to {high} {reading.analyte.unit}, so number or unit is wrong")
    if when is None:
        return reading.excluded("no usable time")
    if remark and is_level:
        read_in_moles = "mol" in load_drug(reading.analyte.name).display.concentration_unit
        remark = None if read_in_moles else f"{remark} to {_shown(converted, reading.analyte.name)}"
    notes = [reading.note(remark) if is_level else reading.note_on_all(remark)] if remark else []
    if problem := _time_problem(resource, when, now, is_level=is_level):
        return reading.excluded(problem)
    if not when.exact:
        said = (
            f"{reading.analyte.words} is charted without hour or time zone; a bare date is taken as its noon"
        )
        notes.append(Finding(kind="note", about=reading.about, detail=said, source=reading.source))
    if charted.uncoded and charted.unit is not None:
        said = (
            f'the unit of {reading.analyte.words} is not coded; "{charted.unit.code}" was read from its text'
        )
        notes.append(Finding(kind="note", about=reading.about, detail=said, source=reading.source))
    if code.kind:
        notes.append(reading.note(f"{code.kind}, not measured"))
    if code.remark:
        notes.append(reading.note(code.remark))
    value = ChartedLevel(
        value=float(converted), unit=reading.analyte.unit, charted=charted.written,
        time=min(when.instant, now), source=reading.source,
        charted_as=cast(Timing, code.charted_as) if code.charted_as in get_args(Timing) else None,
        limit=limit,
    )  # fmt: skip
    return Measured(reading.analyte.name, value, tuple(notes))


def _convert(charted: Quantity, what: Analyte) -> tuple[Decimal | None, str | None]:
    """The value in the analyte's unit, exactly, and what is to be said about it."""
    target = unit(what.unit)
    bare = charted.problem == NO_UNIT or (charted.unit is not None and charted.unit.code in WITHOUT_UNIT)
    if what.unitless and bare:
        return charted.value, None
    if target is None or charted.unit is None:
        return None, None
    direct = charted.in_dimension(what.dimension)
    if direct is not None:
        return direct / target.factor, None
    if what.molar_mass is None:
        return None, None
    remark = f"converted with a molar mass of {as_written(what.molar_mass)} g/mol"
    moles, mass = charted.in_dimension("molar concentration"), charted.in_dimension("mass concentration")
    charges = charted.in_dimension("equivalent concentration")
    if charges is not None and what.valence is not None:
        moles = charges * 1000 / what.valence
    if moles is not None and what.dimension == "mass concentration":
        return moles * what.molar_mass / 1000 / target.factor, remark
    if mass is not None and what.dimension == "molar concentration":
        return mass / what.molar_mass * 1000 / target.factor, remark
    return None, None


def _shown(mg_per_litre: Decimal, drug: str) -> str:
    """A level in the unit in which clinicians of the drug read it, to three digits."""
    display = load_drug(drug).display
    value = Decimal(f"{mg_per_litre * Decimal(repr(display.concentration_factor)):.3g}")
    return f"{as_written(value)} {display.concentration_unit}"


def _no_number(resource: Resource) -> str:
    said = text(resource.get("valueString"), 40)
    if said:
        return f'its value is text, "{said}"'
    if resource.get("dataAbsentReason"):
        return "the value is absent"
    return "it has no numeric value"


def _time(resource: Resource, *, is_level: bool) -> Moment | None:
    """When it was measured or drawn."""
    single = moment(resource.get("effectiveDateTime")) or moment(resource.get("effectiveInstant"))
    if single is not None:
        return single
    period: Any = resource.get("effectivePeriod")
    start, end = moment(member(period, "start")), moment(member(period, "end"))
    if start is None:
        return None
    if is_level and end is not None and end.instant - start.instant > DRAW:
        return None
    return start


def _time_problem(resource: Resource, when: Moment, now: datetime, *, is_level: bool) -> str | None:
    if when.exact and when.instant > now + CLOCKS:
        return "its time lies in the future"
    if not when.exact and when.instant - timedelta(hours=24) > now:
        return "its date lies in the future"
    if not is_level:
        return None
    if not when.exact:
        return (
            "the time of drawing is given without hour or time zone, and a level without it teaches nothing"
        )
    issued = moment(resource.get("issued"))
    if issued is not None and issued.exact and issued.instant < when.instant:
        return "the result is older than the sample, so the time of drawing is wrong"
    return None


def in_time(values: Sequence[ChartedLevel]) -> tuple[ChartedLevel, ...]:
    """In order of time, then of source: the same whatever order the server chose."""
    return tuple(sorted(values, key=lambda value: (value.time, value.source)))


def settled(
    values: Sequence[ChartedLevel], about: str, name: str
) -> tuple[tuple[ChartedLevel, ...], list[Finding]]:
    """One value an instant: the same value twice counts once, two that contradict each other not at all.

    A value is better than a limit that agrees with it. Of limits the narrowest stay, and an upper limit of
    the assay that was passed stays even if something else contradicts it.
    """
    kept: list[ChartedLevel] = []
    findings: list[Finding] = []
    for time, at_once in groupby(in_time(values), key=lambda one: one.time):
        same = list(at_once)
        if len(same) == 1:
            kept.append(same[0])
            continue
        above = max((one for one in same if one.limit == "above"), key=lambda one: one.value, default=None)
        below = min((one for one in same if one.limit == "below"), key=lambda one: one.value, default=None)
        exact = [one for one in same if one.limit == "exact"]
        low = max([one.value for one in exact] + ([above.value] if above else []), default=0.0)
        high = min([one.value for one in exact] + ([below.value] if below else []), default=math.inf)
        if low > REPEATED * high or (above and below and above.value >= below.value):
            charted = " and ".join(sorted({one.charted for one in same}))
            detail = f"two different values of {name} at {said_at(time)}: {charted}; neither was used"
            findings.append(Finding(kind="conflict", about=about, detail=detail, source=same[0].source))
            kept += [above] if above else []  # in doubt too, it forbids a dose
        elif exact:
            kept.append(exact[0])
        else:
            kept += [one for one in (above, below) if one is not None]
    return tuple(kept), findings


def plain(values: Sequence[ChartedLevel]) -> tuple[ChartedValue, ...]:
    """The same values without what only levels have."""
    return tuple(
        ChartedValue(value=v.value, unit=v.unit, charted=v.charted, time=v.time, source=v.source)
        for v in values
    )


@dataclass(frozen=True)
class Steadiness:
    """How much a body measure may change in how short a time before its values contradict each other."""

    ratio: float
    within: timedelta


STEADY = {
    "weight": Steadiness(1.25, timedelta(days=14)),
    "height": Steadiness(1.10, timedelta(days=730)),
}
"""Project policy. Oedema and diuresis move weight by perhaps 15 % in two weeks, lb charted as kg moves it
by 120 %; height does not move in an adult, and inches charted as cm do. Above these ratios a person has to
look."""
STEADY_GROWING = {
    "weight": Steadiness(1.25, timedelta(days=3)),
    "height": Steadiness(1.10, timedelta(days=30)),
}
"""Below 18 years. Project policy: newborns lose or gain a tenth within days, and infants grow by a tenth
within two months."""


def contradiction(
    name: str, values: Sequence[ChartedValue], age_years: float | None = None
) -> Finding | None:
    """A finding if the recent values of a body measure cannot all be true; then none is used."""
    rule = (STEADY_GROWING if age_years is not None and age_years < GROWN_YEARS else STEADY)[name]
    if not values:
        return None
    recent = [v for v in values if values[-1].time - v.time <= rule.within]
    for one, other in combinations(reversed(recent), 2):
        low, high = sorted((one.value, other.value))
        if high > rule.ratio * low:
            first, second = sorted((one, other), key=lambda v: v.time)
            told = " and ".join(f"{v.charted} ({said_at(v.time)})" for v in (first, second))
            detail = f"{name} {told} contradict each other; neither was used"
            return Finding(kind="conflict", about=name, detail=detail, source=second.source)
    return None


BUILD = (12.0, 70.0)
"""Body mass index, kg/m², that an adult's weight and height may give; outside it one of them is wrong.
Project policy: far beyond what is seen on wards, and what centimetres and inches mixed up give."""
BUILD_OF_ONE = (12.0, 55.0)
"""The same for a weight that nothing confirms. Project policy: 25 kg/m², a usual build, reads 55 if pounds
are charted as kilograms (factor 2.2); whoever is that heavy is weighed again."""
GROWN_YEARS = 18.0
BUILDS_OF_THE_YOUNG = ((2.0, (5.0, 25.0)), (GROWN_YEARS, (9.0, 55.0)))
"""(Below years, the same for them.) Project policy: a preterm newborn of 1 kg and 37 cm has 7 kg/m², a stout
infant 22; with pounds charted as kilograms a usual infant would have 30 and more."""


def build_contradiction(
    weights: Sequence[ChartedValue], heights: Sequence[ChartedValue], age_years: float | None = None
) -> Finding | None:
    """A finding if the newest weight (kg) cannot belong to the newest height (cm); then no weight is used."""
    if not weights or not heights:
        return None
    weight, height = weights[-1], heights[-1]
    index = weight.value / (height.value / 100) ** 2
    low, high = BUILD if len(weights) > 1 else BUILD_OF_ONE
    if age_years is not None and age_years < GROWN_YEARS:
        low, high = next(build for years, build in BUILDS_OF_THE_YOUNG if age_years < years)
    if low <= index <= high:
        return None
    detail = (
        f"weight {weight.charted} with height {height.charted} gives a body mass index of {index:.0f} kg/m²: "
        "check the units; the weight was not used"
    )
    return Finding(kind="conflict", about="weight", detail=detail, source=weight.source)

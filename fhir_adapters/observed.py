"""From Observations to what is known of a patient: facts, levels, effects, signs, gestation, MIC."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from dosing_core.case import COVARIATE_UNITS, Finding, Sign
from dosing_core.facts import SIGNS, words_of
from fhir_adapters.chart import ChartedEffect, ChartedLevel, ChartedValue
from fhir_adapters.each import each
from fhir_adapters.elements import Resource, codings, said_at, source
from fhir_adapters.labs import (
    STEADY,
    build_contradiction,
    contradiction,
    in_time,
    plain,
    read_observation,
    settled,
)
from fhir_adapters.patient import age_years
from fhir_adapters.prefetch import facts_for
from fhir_adapters.signs import agreed_mic, read_mic, read_sign
from fhir_adapters.terminology.loinc import SYSTEMS, analyte, analytes, codes
from fhir_adapters.terminology.signs import antibody_codes, mic_codes, smoking_codes

GESTATION = "gestational_age"
INFANT = timedelta(days=730)
"""Project policy: older patients are not dosed by their gestation, and a woman's own pregnancy has the same
code."""
SAME_GESTATION_WEEKS = 1.0
"""Project policy: charted ages that differ by less are one, by scan and by dates; the first counts."""

_Measured = Mapping[str, list[ChartedLevel]]


@dataclass(frozen=True)
class Observed:
    """What the Observations of one patient say, as far as one drug needs it. Everything in order of time."""

    facts: Mapping[str, tuple[ChartedValue, ...]]
    levels: tuple[ChartedLevel, ...]
    effects: tuple[ChartedEffect, ...]
    signs: tuple[Sign, ...]
    gestational_age_weeks: float | None
    mic_mg_L: float | None
    findings: tuple[Finding, ...]


def read_observed(
    observations: Iterable[Resource], *, patient_id: str, drug: str, now: datetime, birth_date: date | None
) -> Observed:
    """Read them all, each on its own."""
    findings: list[Finding] = []
    numbers, signed, mics = _sorted(observations, drug)
    how = {"patient_id": patient_id, "drug": drug, "now": now}
    measured = _measured(numbers, how, findings)
    mic = _mic(mics, how, findings)
    signs = _signs(signed, how, drug, findings)
    levels, conflicts = settled(measured.get(drug, []), "levels", f"{drug} level")
    findings += conflicts
    age = age_years(birth_date, now.date()) if birth_date else None
    facts = _facts(measured, findings, age)
    return Observed(
        facts={name: plain(values) for name, values in facts.items()},
        levels=levels,
        effects=_effects(measured, drug, findings),
        signs=signs,
        gestational_age_weeks=_born_at(measured, birth_date, now, findings),
        mic_mg_L=mic,
        findings=tuple(findings),
    )


def _sorted(
    observations: Iterable[Resource], drug: str
) -> tuple[list[Resource], list[Resource], list[Resource]]:
    """Those with a code of a measurement, of a sign, and of the drug's MIC; most of a record is neither."""
    measurements = codes().keys()
    signs, mics = {*smoking_codes(), *antibody_codes(drug)}, set(mic_codes(drug))
    found: tuple[list[Resource], list[Resource], list[Resource]] = ([], [], [])
    for resource in observations:
        held = {c.code for c in codings(resource.get("code")) if c.system in SYSTEMS}
        for known, into in zip((measurements, signs, mics), found, strict=True):
            if held & known:
                into.append(resource)
    return found


def _measured(
    observations: Iterable[Resource], how: Mapping[str, Any], findings: list[Finding]
) -> dict[str, list[ChartedLevel]]:
    found: dict[str, list[ChartedLevel]] = {}
    for one in each(partial(read_observation, **how), observations, "levels", findings):
        if one is not None:
            findings += one.findings
            if one.value is not None:
                found.setdefault(one.analyte, []).append(one.value)
    return found


def _facts(
    measured: _Measured, findings: list[Finding], age: float | None
) -> dict[str, tuple[ChartedLevel, ...]]:
    """``age``: years, None where it is not on record; children grow and are built otherwise."""
    kept: dict[str, tuple[ChartedLevel, ...]] = {}
    for name in COVARIATE_UNITS:
        values, words = measured.get(name, []), words_of(name)
        conflict = contradiction(name, plain(in_time(values)), age) if name in STEADY else None
        if conflict is not None:
            findings.append(conflict)
            kept[name] = ()
            continue
        kept[name], conflicts = settled(values, name, words)
        findings += conflicts
    conflict = build_contradiction(plain(kept["weight"]), plain(kept["height"]), age)
    if conflict is not None:
        findings.append(conflict)
        kept["weight"] = ()
    return kept


def _effects(measured: _Measured, drug: str, findings: list[Finding]) -> tuple[ChartedEffect, ...]:
    """Measured effects that the drug's models predict, in order of time."""
    kept: list[ChartedEffect] = []
    for name in sorted(facts_for(drug) & analytes().keys() & measured.keys()):
        if analyte(name).role == "effect":
            values, conflicts = settled(measured[name], "effects", analyte(name).words)
            findings += conflicts
            called = analyte(name).output or name
            kept += [ChartedEffect(name=called, **value.model_dump()) for value in plain(values)]
    return tuple(sorted(kept, key=lambda one: (one.time, one.source)))


def _born_at(
    measured: _Measured, birth_date: date | None, now: datetime, findings: list[Finding]
) -> float | None:
    """Weeks of gestation at birth; None where it is not on record, or the patient is grown.

    The same code is used for a pregnant patient's child, so it counts for infants alone.
    """
    values = in_time(measured.get(GESTATION, []))
    if not values or birth_date is None or now.date() - birth_date > INFANT:
        return None
    weeks = sorted({value.value for value in values})
    if weeks[-1] - weeks[0] > SAME_GESTATION_WEEKS:
        told = " and ".join(f"{value:g}" for value in weeks)
        detail = f"{told} weeks are charted as gestational age; neither was used"
        findings.append(Finding(kind="conflict", about=GESTATION, detail=detail, source=values[-1].source))
        return None
    return values[0].value


def _signs(
    observations: Iterable[Resource], how: Mapping[str, Any], drug: str, findings: list[Finding]
) -> tuple[Sign, ...]:
    """Smoking and antibodies, in order of time; one value an instant."""
    found: list[Sign] = []
    wanted = facts_for(drug)
    for sign, more in each(partial(read_sign, **how), observations, "signs", findings):
        findings += [one for one in more if one.about in wanted]
        if sign is not None and sign.name in wanted:
            found.append(sign)
    kept: list[Sign] = []
    for sign in sorted(found, key=lambda one: (one.time, one.source)):
        same = [one for one in found if (one.name, one.time) == (sign.name, sign.time)]
        if len({one.present for one in same}) > 1:
            row = SIGNS[sign.name]
            detail = f'"{row.present}" and "{row.absent}" are both charted at {said_at(sign.time)}'
            findings.append(
                Finding(kind="conflict", about=sign.name, detail=f"{detail}; left out", source=sign.source)
            )
        elif not any((one.name, one.time) == (sign.name, sign.time) for one in kept):
            kept.append(sign)
    return tuple(kept)


def _mic(observations: Iterable[Resource], how: Mapping[str, Any], findings: list[Finding]) -> float | None:
    found: list[tuple[Decimal, str]] = []
    for resource in observations:
        for value, more in each(partial(read_mic, **how), (resource,), "mic", findings):
            findings += more
            if value is not None:
                found.append((value, source(resource)))
    agreed_on, notes = agreed_mic(found)
    findings += notes
    return agreed_on

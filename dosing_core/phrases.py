"""Numbers, doses and ages in plain words, as they are read at the bedside.

The core writes no local time: an age ("9 days old") or a distance ("3.0 h after the dose") stands where a
sentence needs time, and everything else carries its instant in a field. No text of the record is repeated.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal

from dosing_core.case import CovariateName, Measurement, Metric, Regimen, Route
from dosing_core.facts import words_of
from dosing_core.library.identity import DrugDisplay
from dosing_core.library.schema import DrugFile
from dosing_core.metric_words import factor_of, name_of, unit_of
from dosing_core.recommendation import Display, Estimate, LevelReview, Target

ROUTE_WORDS: dict[Route, str] = {"iv": "intravenously", "oral": "by mouth", "subcutaneous": "subcutaneously"}


def plain(value: float) -> str:
    """A number as stocked or charted: thousands separated, no trailing zero."""
    return f"{value:,.4f}".rstrip("0").rstrip(".") or "0"


def between(low: float, high: float) -> str:
    """``20–35``; one number where both are the same."""
    return plain(low) if low == high else f"{plain(low)}–{plain(high)}"


def weight(kilograms: float) -> str:
    """``80 kg``, ``0.95 kg``: two decimals below 10 kg, where they are a dose."""
    return f"{plain(round(kilograms, 1 if kilograms >= 10.0 else 2))} kg"


def figure(value: float) -> str:
    """A computed number, two to three significant digits: 652, 14.6 → 15, 8.1, 0.62."""
    if value == 0:
        return "0"
    decimals = min(max(1 - math.floor(math.log10(abs(value))), 0), 3)
    return f"{value:,.{decimals}f}"


def percent(value: float) -> str:
    """Whole percent; nothing computed from a sample is impossible or certain."""
    if value < 0.005:
        return "under 1 %"
    if value > 0.995:
        return "over 99 %"
    return f"{value * 100:.0f} %"


def capital(text: str) -> str:
    """First letter large, the rest as it is."""
    return text[:1].upper() + text[1:]


def listed(parts: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def sentences(parts: Iterable[str]) -> str:
    """Parts as one sentence after another, empty ones left out."""
    return " ".join(part for part in parts if part)


def age(hours: float) -> str:
    """How old a fact is: ``25 minutes``, ``27 h``, ``12 days``."""
    if hours < 1:
        return f"{max(round(hours * 60), 1)} min"
    return f"{round(hours)} h" if hours < 48 else f"{round(hours / 24)} days"


def hours_between(earlier: datetime, later: datetime) -> float:
    """Hours from one instant to the other."""
    return (later - earlier).total_seconds() / 3600.0


def dose(milligrams: float, display: Display | DrugDisplay | None = None) -> str:
    """``1,250 mg``; ``62.5 micrograms`` of a drug that is read so."""
    if display is None:
        return f"{plain(milligrams)} mg"
    decimals = 4 if display.dose_factor == 1.0 else 2
    return f"{plain(round(milligrams * display.dose_factor, decimals))} {display.dose_unit}"


def regimen(value: Regimen, display: Display | None = None) -> str:
    """``1,000 mg every 12 h``; ``750 mg once``."""
    return f"{dose(value.dose_mg, display)} {often(value)}"


def often(value: Regimen) -> str:
    """``once``, ``every 12 h``."""
    return "once" if value.once else every(value.interval_h)


THREE_A_WEEK_H = 56.0
"""h: a week in three; people count days of the week and not 56 hours."""


def in_words(interval_h: float) -> tuple[float, Literal["week", "day", "hour"]]:
    """An interval as people count it: whole weeks, else whole days from four on, else hours."""
    if interval_h >= 168.0 and interval_h % 168.0 == 0:
        return interval_h / 168.0, "week"
    if interval_h >= 96.0 and interval_h % 24.0 == 0:
        return interval_h / 24.0, "day"
    return interval_h, "hour"


def every(interval_h: float) -> str:
    """``every 12 h``, ``every 5 days``, ``every week``, ``every 8 weeks``, ``three times a week``."""
    if interval_h == THREE_A_WEEK_H:
        return "three times a week"
    count, unit = in_words(interval_h)
    if unit == "hour":
        return f"every {plain(count)} h"
    return f"every {unit}" if count == 1 else f"every {plain(count)} {unit}s"


def infusion_length(hours: float) -> str:
    """``90 min``, ``2 h``."""
    minutes = round(hours * 60)
    return f"{plain(minutes / 60)} h" if minutes % 60 == 0 else f"{minutes} min"


def measured(value_mg_L: float, display: Display) -> str:
    """A measured level with its unit, as the laboratory writes it: ``16.4 ng/mL``."""
    return f"{plain(round(value_mg_L * display.concentration_factor, 3))} {display.concentration_unit}"


def level(review: LevelReview, display: Display) -> str:
    """A level or measured effect: ``16.4 ng/mL``, ``below 2 mg/L``, ``2.4``."""
    if review.output:
        return plain(review.observed)
    below = "below " if review.limit == "below" else ""
    return f"{below}{measured(review.observed, display)}"


def concentration(value_mg_L: float, display: Display) -> str:
    """A computed concentration without its unit."""
    return figure(value_mg_L * display.concentration_factor)


def interval(estimate: Estimate, display: Display) -> str:
    """``8.1–31``."""
    return f"{concentration(estimate.low, display)}–{concentration(estimate.high, display)}"


def metric_word(metric: Metric) -> str:
    """``AUC24``, ``cumulative AUC``."""
    return name_of(metric)


def metric_name(value: Target) -> str:
    """``AUC24``, ``trough``, ``INR``."""
    return name_of(value.metric, value)


def exposure(value: float, target: Target, display: Display) -> str:
    """A value of the target's metric with its unit: ``489 mg·h/L``, ``62 %``."""
    read = figure(value * factor_of(target.metric, display))
    return f"{read} {unit_of(target.metric, display, target)}".strip()


def too_old(name: CovariateName, hours: float, max_age_h: float) -> str:
    """A value that is older than the drug file allows."""
    return f"last {words_of(name)} is {age(hours)} old; at most {age(max_age_h)} are allowed"


def usual_limits(drug_file: DrugFile) -> str:
    """What holds without knowing the patient better, as one sentence; empty if there is nothing to say."""
    parts = []
    if drug_file.loading:
        span, cap = drug_file.loading.per_kg, drug_file.loading.cap.value
        per_kg = f"{between(span.low, span.high)} mg/kg of actual weight"
        parts.append(f"a loading dose is {per_kg}, at most {dose(cap, drug_file.display)}")
    if drug_file.limits.in_words:
        parts.append(f"nothing above {drug_file.limits.in_words}")
    else:
        parts.append(f"no day above {dose(drug_file.limits.daily.value, drug_file.display)}")
    if drug_file.limits.daily_per_kg and not drug_file.limits.in_words:
        parts.append(f"or {dose(drug_file.limits.daily_per_kg.value, drug_file.display)}/kg")
    if drug_file.infusion:
        parts.append(f"infusions at most {dose(drug_file.infusion.max_rate.value, drug_file.display)}/min")
    text = ", ".join(parts).replace(", or ", " or ")
    return f"Still true without it: {text}."


def rising_creatinine(series: Sequence[Measurement], now: datetime) -> str:
    """The red flag's first sentence: values, and how long ago they were measured."""
    values = [f"{plain(m.value)} mg/dL ({age(hours_between(m.time, now))} ago)" for m in series]
    return f"Creatinine is rising: {', '.join(values)}."

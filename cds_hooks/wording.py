"""How cards and pages write numbers, doses, times and ages.

Whole percent, doses as stocked with a leading zero and no trailing one, local time with its date. Times
and ages are told from the instant at which the recommendation was made, so a page reads the same later.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from dosing_core import phrases
from dosing_core.case import Finding, Metric, Order, Regimen
from dosing_core.facts import FACTS, LEVEL
from dosing_core.metric_words import factor_of, name_of, unit_of
from dosing_core.recommendation import (
    Band,
    Chance,
    Display,
    Estimate,
    ModelUse,
    Outcome,
    PlanStep,
    Recommendation,
    RegimenOption,
    Target,
)

DASH = "–"

OUTCOMES: dict[Outcome, str] = {
    "recommend": "Another dose fits better",
    "agree": "The order fits",
    "avoid": "Avoid this drug",
    "insufficient": "Not individualised",
    "out_of_scope": "Outside every model here",
}
ROLES = {"as_ordered": "As ordered", "recommended": "Recommended", "alternative": "Alternative"}
FINDINGS = {
    "missing": "Not on record",
    "conflict": "Contradiction",
    "excluded": "Not used",
    "unreachable": "Could not be read",
    "note": "To be known",
}
ROUTES = phrases.ROUTE_WORDS
REQUESTS = {fact.name: fact.asked for fact in FACTS} | {LEVEL: "a drug level"}


def figure(value: float) -> str:
    """A number as precise as it is read at the bedside: 652, 14.6, 8.1, 0.62."""
    if value == 0:
        return "0"
    decimals = min(max(1 - math.floor(math.log10(abs(value))), 0), 3)
    return f"{value:,.{decimals}f}"


def plain(value: float) -> str:
    """A number as it was written or stocked: thousands separated, no trailing zero."""
    text = f"{value:,.4f}".rstrip("0").rstrip(".")
    return text or "0"


def minutes(hours: float) -> str:
    """A short span in words: ``90 min``, ``2 h``, ``3.5 h``."""
    span = round(hours * 60)
    return f"{plain(round(span / 60, 2))} h" if span % 60 == 0 or span > 120 else f"{span} min"


def span(hours: float) -> str:
    """A span of time as people say it: ``25 minutes``, ``4 hours``, ``3 days``."""
    total = round(abs(hours) * 60)
    if total < 1:
        return "under a minute"
    for limit, size, name in ((60, 1, "minute"), (48 * 60, 60, "hour"), (math.inf, 24 * 60, "day")):
        if total < limit:
            count = round(total / size)
            return f"{count} {name}" if count == 1 else f"{count:,} {name}s"
    raise AssertionError("every span is below infinity")


def percent(chance: Chance | float) -> str:
    """A probability in whole percent; nothing computed from a sample is impossible or certain."""
    return phrases.percent(chance.value if isinstance(chance, Chance) else chance)


@dataclass(frozen=True)
class Wording:
    """Words for one recommendation: its time zone, its present and how its drug is read."""

    timezone: ZoneInfo
    now: datetime
    display: Display | None

    def day(self, time: datetime) -> str:
        """``Tue 24 Nov``."""
        local = time.astimezone(self.timezone)
        return f"{local:%a} {local.day} {local:%b}"

    def clock(self, time: datetime) -> str:
        """``09:05``."""
        return f"{time.astimezone(self.timezone):%H:%M}"

    def when(self, time: datetime) -> str:
        """``Tue 24 Nov, 09:05``."""
        return f"{self.day(time)}, {self.clock(time)}"

    def when_in_full(self, time: datetime) -> str:
        """``Tue 24 Nov 2026, 09:05 (Europe/Berlin)``."""
        local = time.astimezone(self.timezone)
        return f"{self.day(time)} {local.year}, {self.clock(time)} ({self.timezone.key})"

    def age(self, time: datetime) -> str:
        """``3 days ago`` or ``in 12 hours``, as seen when the recommendation was made."""
        distance = time - self.now
        if abs(distance) < timedelta(minutes=1):
            return "just now"
        words = span(distance / timedelta(hours=1))
        return f"in {words}" if distance > timedelta(0) else f"{words} ago"

    @property
    def factor(self) -> float:
        """From mg/L to the unit that clinicians of this drug read."""
        return self.display.concentration_factor if self.display else 1.0

    @property
    def concentration_unit(self) -> str:
        """The unit of concentrations on the page."""
        return self.display.concentration_unit if self.display else "mg/L"

    @property
    def auc_unit(self) -> str:
        """``mg·h/L`` where concentrations are in ``mg/L``."""
        mass, _, volume = self.concentration_unit.partition("/")
        return f"{mass}·h/{volume}" if volume else f"{mass}·h"

    def unit(self, metric: Metric, target: Target | None = None) -> str:
        """The unit in which a metric is shown; empty where it has none."""
        return unit_of(metric, self.display, target)

    def metric(self, metric: Metric, target: Target | None = None) -> str:
        """The metric's name at the head of a row."""
        return phrases.capital(name_of(metric, target))

    def value(self, metric: Metric, value: float) -> str:
        """A value of any metric as it is shown, without the unit."""
        return figure(value * factor_of(metric, self.display))

    def span_of(self, metric: Metric, estimate: Estimate) -> str:
        """The ends of an interval of any metric."""
        return f"{self.value(metric, estimate.low)}{DASH}{self.value(metric, estimate.high)}"

    def exposure(self, value: float) -> str:
        """A concentration (mg/L) or AUC (mg·h/L) in the unit of the page, without the unit."""
        return figure(value * self.factor)

    def measured(self, value: float) -> str:
        """A measured concentration (mg/L) in the unit of the page, as the laboratory wrote it."""
        return plain(round(value * self.factor, 3))

    def interval(self, estimate: Estimate) -> str:
        """The ends of an interval of concentration or AUC: ``405–592``."""
        return f"{self.exposure(estimate.low)}{DASH}{self.exposure(estimate.high)}"

    def range(self, target: Target) -> str:
        """The target with its unit: ``AUC24 400–600 mg·h/L``."""
        said = f"{self.metric(target.metric, target)} {DASH.join(self.bounds(target))}"
        return f"{said} {self.unit(target.metric, target)}".strip()

    def bounds(self, target: Target) -> tuple[str, str]:
        """The target's ends as text."""
        factor = factor_of(target.metric, self.display)
        return plain(target.low * factor), plain(target.high * factor)

    def band(self, band: Band) -> str:
        """The exact doses that one ready-made dose stands for."""
        if band.high_mg >= 1e300 or math.isinf(band.high_mg):
            return f"{self.dose(band.low_mg)} and more"
        low, _, _ = self.dose(band.low_mg).partition(" ")
        return f"{low}{DASH}{self.dose(band.high_mg)}"

    def change(self, effect: float) -> str:
        """By how much the daily dose would change: ``no change``, ``25 % more``."""
        if abs(effect) < 0.005:
            return "no change"
        return f"{percent(abs(effect))} {'more' if effect > 0 else 'less'}"

    def plan_unit(self, answer: Recommendation) -> str:
        """The unit of the next level: the drug's, or the effect's where the model knows no concentration."""
        target = answer.target
        told = {e.metric for option in answer.options for e in option.exposures}
        if target is not None and target.unit and "trough" not in told:
            return self.unit(target.metric, target)
        return self.concentration_unit

    def standing_of(self, model: ModelUse) -> str:
        """Where the patient stands in a model's population."""
        return {"inside": "inside", "edge": "at the edge of", "outside": "outside"}[model.applicability]

    def dose(self, milligrams: float) -> str:
        """``1,250 mg``, or ``12 µg`` of a drug that is read so."""
        return phrases.dose(milligrams, self.display)

    def regimen(self, regimen: Regimen) -> str:
        """``1,000 mg every 12 h``, ``750 mg once``."""
        return phrases.regimen(regimen, self.display)

    def regimen_in_full(self, regimen: Regimen) -> str:
        """``1,000 mg intravenously every 12 h, each over 2 h``."""
        text = f"{self.dose(regimen.dose_mg)} {ROUTES[regimen.route]} {phrases.often(regimen)}"
        each = "" if regimen.once else "each "
        return f"{text}, {each}over {minutes(regimen.duration_h)}" if regimen.duration_h else text

    def by_rule(self, answer: Recommendation, option: RegimenOption) -> str:
        """What a rule's dose is meant to give: ``cumulative AUC 5 mg·min/mL``; empty if nothing is named."""
        said, target = option.by_rule, answer.target
        if said is None or said.exposure is None or target is None:
            return ""
        value = f"{self.value(target.metric, said.exposure)} {self.unit(target.metric, target)}".strip()
        return f"{name_of(target.metric, target)} {value}"

    def rule_range(self, option: RegimenOption) -> str:
        """The published range of one dose, or the rule's one dose before rounding; empty if neither."""
        said = option.by_rule
        if said is None or said.exact_mg is None:
            return ""
        if said.low_mg is None or said.high_mg is None:
            return self.dose(float(f"{said.exact_mg:.4g}"))
        low, high = (self.dose(float(f"{end:.3g}")) for end in (said.low_mg, said.high_mg))
        return f"{low} to {high}"

    def order(self, order: Order) -> str:
        """The order in question in one line, as complete as it is written."""
        if order.regimen:
            return self.regimen_in_full(order.regimen)
        route = f" {ROUTES[order.route]}" if order.route else ""
        return f"no complete dose and interval{route}"

    def step(self, step: PlanStep) -> str:
        """The range of a plan's step, without the unit: ``below 11``, ``11–17``, ``above 17``."""
        low, high = (None if end is None else self.exposure(end) for end in (step.low, step.high))
        if low is None:
            return f"below {high}" if high is not None else "any value"
        return f"{low}{DASH}{high}" if high is not None else f"above {low}"

    def action(self, step: PlanStep) -> str:
        """What a plan's step calls for: ``stay``, or a regimen."""
        return "stay" if step.stay else self.regimen(step.regimen)

    def loading(self, option: RegimenOption) -> str:
        """The loading dose of an option, or that there is none."""
        if option.loading_dose_mg is None:
            return "none"
        length = f" over {minutes(option.loading_duration_h)}" if option.loading_duration_h else ""
        return f"{self.dose(option.loading_dose_mg)}{length}"

    def finding(self, finding: Finding) -> str:
        """What kind of finding it is, in words."""
        return FINDINGS[finding.kind]


def standing(recommendation: Recommendation, option: RegimenOption) -> str:
    """What is said of an order that stands: it fits only if it is likelier than not on target."""
    target = recommendation.target
    exposure = next((e for e in option.exposures if target and e.metric == target.metric), None)
    if recommendation.hold:
        return "waits for a level"
    if option.by_rule is not None:
        return "fits the rule" if option.by_rule.inside else "is outside the rule"
    if target is None or exposure is None or option.inside is None:
        return "can stand"
    if not target.low <= exposure.estimate.median <= target.high:
        return "is at the edge of the target"
    if option.inside.value >= 0.5:
        return "fits"
    measured = any(level.used for level in recommendation.levels)
    return "is near the target" if measured else "can stand until a level"


def verdict(recommendation: Recommendation) -> tuple[str, str]:
    """The outcome in a few words, and the outcome whose look it has: a tick only where nothing is open."""
    outcome = recommendation.outcome
    if (said := by_genes(recommendation)) is not None:
        return said, outcome
    if recommendation.red_flags or recommendation.hold:
        return "Hold the next dose" if recommendation.hold else OUTCOMES[outcome], _open(outcome)
    if outcome == "agree" and any(not level.plausible for level in recommendation.levels):
        return "A level needs a look", "recommend"
    if outcome == "agree" and recommendation.left_out:
        return "Not all of the record could be used", "recommend"
    ordered = recommendation.option("as_ordered")
    if outcome == "agree" and ordered is not None and standing(recommendation, ordered) != "fits":
        return "The order can stand", "agree"
    return OUTCOMES[outcome], outcome


def by_genes(recommendation: Recommendation) -> str | None:
    """What is said where only a guideline on genes spoke and no dose was judged; None elsewhere."""
    if recommendation.options or not recommendation.advice:
        return None
    if recommendation.outcome == "agree":
        return "No objection by the genes"
    if recommendation.outcome != "recommend":
        return None
    other = any(one.verdict in ("avoid", "alternative") for one in recommendation.advice)
    return "Another drug first" if other else "Another dose or closer watching"


def _open(outcome: Outcome) -> str:
    return "recommend" if outcome == "agree" else outcome


def headline(recommendation: Recommendation, wording: Wording) -> str:
    """The page's first line: the drug and what is said of the order."""
    name = recommendation.display.drug_name if recommendation.display else recommendation.drug
    name = name[:1].upper() + name[1:]
    ordered, advised = recommendation.option("as_ordered"), recommendation.option("recommended")
    if (said := by_genes(recommendation)) is not None:
        return f"{name}: {said[:1].lower()}{said[1:]}"
    match recommendation.outcome:
        case "recommend" if ordered and advised:
            before, after = wording.regimen(ordered.regimen), _with_loading(advised, wording)
            return f"{name}: {before} → {after}" if before != after else f"{name}: {after}"
        case "recommend" if advised:
            return f"{name}: {_with_loading(advised, wording)}"
        case "agree" if ordered:
            fits = f"{name}: {wording.regimen(ordered.regimen)} {standing(recommendation, ordered)}"
            loading = advised.loading_dose_mg if advised else None
            return f"{fits}; load {wording.dose(loading)} first" if loading else fits
        case "avoid":
            return f"Avoid {name[:1].lower() + name[1:]}"
        case "insufficient":
            return f"{name}: not individualised"
        case "out_of_scope":
            return f"{name}: outside every model here"
    return f"{name}: {OUTCOMES[recommendation.outcome].lower()}"


def _with_loading(option: RegimenOption, wording: Wording) -> str:
    regimen = wording.regimen(option.regimen)
    loading = option.loading_dose_mg
    return f"load {wording.dose(loading)}, then {regimen}" if loading else regimen

"""``Recommendation``: the answer, as numbers, names and reasons; how it looks is decided elsewhere.

Concentrations are mg/L and AUC mg·h/L throughout. ``display`` tells which unit clinicians of this drug
read and by what to multiply. Numbers are rounded to six significant digits, which is far finer than
they are known and keeps the bytes the same everywhere.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, Field

from dosing_core.case import Finding, Metric, Regimen, Utility
from dosing_core.facts import known_request
from dosing_core.value import Value

Outcome = Literal["recommend", "agree", "avoid", "insufficient", "out_of_scope"]


class Display(Value):
    """How clinicians of this drug read its numbers."""

    drug_name: str
    concentration_unit: str
    concentration_factor: float
    """Multiply mg/L by this to get ``concentration_unit``; AUC likewise, with ``·h`` in the unit."""
    dose_unit: str = "mg"
    dose_factor: float = 1.0
    """Multiply mg by this to get ``dose_unit``."""
    auc_unit: str = ""
    """Of areas, where another than ``concentration_unit`` with ``·h``."""
    auc_factor: float = 1.0
    """Multiply mg·h/L by this to get ``auc_unit``."""


class Estimate(Value):
    """A quantity with its 90 % credible interval."""

    low: float
    median: float
    high: float


class Chance(Value):
    """A probability with the Monte-Carlo standard error of computing it."""

    value: Annotated[float, Field(ge=0, le=1)]
    standard_error: Annotated[float, Field(ge=0)]


class Exposure(Value):
    """What a regimen does. ``auc24`` and ``trough`` at steady state with today's patient."""

    metric: Metric
    estimate: Estimate


class Target(Value):
    """The exposure that is aimed at, and who says so."""

    metric: Metric
    low: float
    high: float
    source: str
    note: str = ""
    output: str = ""
    """Of ``effect`` and ``nadir``: which output of the model."""
    unit: str = ""
    """Of ``effect`` and ``nadir``: the output's unit; other metrics have their own."""
    mic_mg_L: float | None = None
    """Of ``time_above_mic``."""
    unbound_fraction: float = 1.0
    """Of ``time_above_mic``: the part of the measured concentration that is not bound."""
    horizon_h: float | None = None
    """h after the next dose at which a regimen is judged where there is no steady state in closed form; None:
    the usual horizon of ``regimens.simulated``."""
    course_h: float | None = None
    """Of ``cumulative_auc``: length of the course from its first dose, h."""
    after_h: float | None = None
    """Of ``timed``: so long after the start of a dose, h."""
    utility: Utility | None = None
    """Where whoever asks gave one, it ranks the regimens; the window is still reported."""


class Band(Value):
    """The dose band that stands in for an exact dose, and what that costs."""

    dose_mg: float
    low_mg: float
    """Exact doses from here …"""
    high_mg: float
    """… to here are given as ``dose_mg``; infinite for the last band."""
    exact_mg: float
    """The unrounded dose with the least expected loss at the same interval."""
    loss: float
    """Expected loss of the band's dose."""
    exact_loss: float
    """Expected loss of the exact dose; ``loss`` less this is what banding costs."""


class Hold(Value):
    """Doses that are left out until the exposure has come down."""

    resume_at: AwareDatetime
    skipped: int
    """Doses left out."""
    below: float
    """mg/L, or the unit of the target's output: the next dose waits until the median is below it."""
    expected: Estimate
    """At ``resume_at``, before the dose, in the same unit."""


class Steepness(Value):
    """How far apart, for this patient, the dose that works and the dose that harms are."""

    benefit: str
    """What counts as working, in words."""
    harm: str
    effective_mg: Estimate
    """Single dose of the regimen at which the benefit is reached."""
    harmful_mg: Estimate
    """… at which harm is reached."""
    margin: Estimate
    """``harmful_mg / effective_mg``, particle by particle."""
    overlap: Chance
    """That a dose that works harms already: a margin of at most 1."""
    beyond: float
    """Share of particles in which one of the two lies outside the doses that were looked at; they count with
    the nearest dose."""


class RuleDose(Value):
    """What a published rule says of a regimen, where a rule speaks and no model."""

    rule: str
    """Id of the rule."""
    exact_mg: float | None = None
    """One dose before caps and rounding to what is stocked."""
    low_mg: float | None = None
    high_mg: float | None = None
    """The published range of one dose; None where the rule names one dose."""
    exposure: float | None = None
    """What the dose is meant to give, in the target's metric (mg·h/L, mg/L): a point, no prediction."""
    inside: bool | None = None
    """True if the regimen is what the rule allows; None where that cannot be told."""


class RegimenOption(Value):
    """One regimen, judged: by models with chances, or by a rule without."""

    role: Literal["as_ordered", "recommended", "alternative"]
    regimen: Regimen
    loading_dose_mg: float | None = None
    loading_duration_h: float | None = None
    first_dose_at: AwareDatetime
    exposures: tuple[Exposure, ...]
    first_day: Estimate | None = None
    """AUC over the first 24 h from ``first_dose_at``, loading dose included, mg·h/L; None where a rule
    speaks, as are the chances and the loss."""
    inside: Chance | None = None
    above: Chance | None = None
    below: Chance | None = None
    expected_loss: float | None = None
    by_rule: RuleDose | None = None
    notes: tuple[str, ...] = ()
    """Limits that this regimen touches or breaks, in words."""
    judged_at_h: float | None = None
    """h after the first dose at which exposures were read off; None: they hold at steady state."""
    still_rising: float | None = None
    """Share of particles whose exposure still rises at ``judged_at_h``: for them no plateau may exist."""
    band: Band | None = None
    hold: Hold | None = None


class BrokenLimit(Value):
    """A hard limit of the drug file that the order as written breaks."""

    kind: Literal["single", "daily", "step", "rate"]
    """Of one dose, of a day, of one step from the present dose, of an infusion's speed."""
    text: str
    grave: bool = False
    """True if a dose is so far above that a slip of the pen is likelier than an intention."""


class ParameterEstimate(Value):
    """One individual parameter: what the population expects and what is now believed."""

    name: str
    unit: str
    typical: float
    """Population typical value at this patient's covariates."""
    estimate: Estimate
    learned: float | None = None
    """1 - posterior variance / prior variance of the random effect: 0 means the levels taught nothing
    about it, 1 everything. None without levels."""


class LevelReview(Value):
    """One level held against what was expected of it."""

    time: AwareDatetime
    observed: float
    expected: Estimate
    """Predictive median and 99 % interval of this level, from everything but this level."""
    output: str = ""
    """Which output of the model was measured; empty: the drug level."""
    limit: Literal["exact", "above", "below"] = "exact"
    """``below``: the level is below ``observed``, the limit of the assay."""
    hours_after_dose: float | None
    """Hours since the start of the last dose before it."""
    plausible: bool
    used: bool
    note: str = ""
    source: str


class CurvePoint(Value):
    """Concentration at one instant: individual median with 90 % credible band, and population median."""

    time: AwareDatetime
    low: float
    median: float
    high: float
    population: float


class Curve(Value):
    """Concentration over time if this option is followed from now on."""

    role: Literal["as_ordered", "recommended", "alternative"]
    points: tuple[CurvePoint, ...]
    dose_times: tuple[AwareDatetime, ...]
    """Times of past and future doses in the window, for the ticks."""


class NextLevel(Value):
    """Which level to draw next, and why then."""

    time: AwareDatetime
    latest: AwareDatetime | None = None
    reason: str
    loss_now: float | None = None
    """Expected loss of the best regimen as things are known now; None where no time was weighed."""
    loss_after: float | None = None
    """… once a level at ``time`` is known, on average over what it may show."""
    loss_usual: float | None = None
    """… once one at the time that the file's rule names is known."""


class PlanStep(Value):
    """What the next level would call for if it lay in this range. Computed before the level is drawn."""

    low: float | None
    """mg/L; None: no lower end."""
    high: float | None
    """mg/L; None: no upper end."""
    regimen: Regimen
    stay: bool
    """True if it is the regimen that is given until then."""
    chance: Annotated[float, Field(ge=0, le=1)]
    """How likely the level is to lie in this range."""


class AloneAnswer(Value):
    """What one of several models would say by itself, held against the same levels."""

    regimen: Regimen | None
    """The regimen that it would choose; None if none is inside the limits."""
    exposure: Estimate
    """What it expects of the answer's own regimen, in the target's metric."""
    inside: Annotated[float, Field(ge=0, le=1)]
    """How likely it holds that regimen to be inside the target."""


class ModelUse(Value):
    """A published model that was asked, and whether this patient belongs to its population."""

    id: str
    name: str
    weight: float
    """Share of the answer: the drug file's weight, times applicability, times how well it predicted this
    patient's levels. 0 for a model that may not speak."""
    confidence: Literal["high", "medium", "low"]
    population: str
    inside_population: bool
    applicability: Literal["inside", "edge", "outside"] = "inside"
    """Where the patient stands in what the model was built from."""
    because: tuple[str, ...] = ()
    """The covariates that put the patient at the edge or outside, in words."""
    prior_weight: float | None = None
    """Its weight before the levels."""
    silent: str = ""
    """Why it did not speak at all; empty if it did."""
    alone: AloneAnswer | None = None
    """Where several models speak: what this one would say alone."""
    reference: str
    url: str = ""
    notes: tuple[str, ...] = ()


class RuleUse(Value):
    """A published rule of the drug file that was asked."""

    id: str
    name: str
    spoke: bool
    """True for the one that the answer follows."""
    confidence: Literal["high", "medium", "low"]
    population: str
    inside_population: bool = True
    because: tuple[str, ...] = ()
    """What sets the patient apart from the people that the rule is for."""
    silent: str = ""
    """Why it has nothing to say; empty if it has."""
    outcome: Literal["dose", "hold", "avoid", "check", ""] = ""
    says: str = ""
    """What it says, in a sentence."""
    regimen: Regimen | None = None
    """The dose that it gives, as stocked."""
    dose: RuleDose | None = None
    working: tuple[str, ...] = ()
    """The inputs as they were counted, and what limited the dose."""
    reference: str = ""
    url: str = ""
    notes: tuple[str, ...] = ()


class UsedFact(Value):
    """One fact that the answer rests on."""

    name: str
    value: str
    time: AwareDatetime | None = None
    source: str = ""


class Assumption(Value):
    """Something taken for granted, and the dose that would follow if it were otherwise."""

    text: str
    otherwise: str = ""
    regimen_otherwise: Regimen | None = None
    about: Literal[
        "weight",
        "renal_equation",
        "adherence",
        "timing",
        "model",
        "unknown",
        "creatinine",
        "level",
        "fact",
        "aim",
        "",
    ] = ""
    """Which kind of assumption it is, where the dose was worked out otherwise."""
    effect: float | None = None
    """By how much the daily dose would change: 0.25 is a quarter more. None where no dose was worked out."""


class Variability(Value):
    """How much of what sets such people apart the levels have removed, in the target's metric under the
    answer's regimen. Variances of the logarithm: 0.1 is a coefficient of variation of about a third."""

    between_before: float
    """Between people like this one, before any level."""
    between_after: float
    """What is left of that for this patient."""
    removed: Annotated[float, Field(ge=0, le=1)]
    """1 - after / before."""
    occasion: float
    """From occasion to occasion in one patient; no level removes it."""
    assay: float | None = None
    """Of one measured level around the true concentration: assay, time and line. None without levels."""


class OtherMode(Value):
    """A second explanation of the levels that is nearly as good."""

    share: Annotated[float, Field(ge=0, le=1)]
    """Posterior probability around it, within the likeliest hypothesis."""
    exposure: float
    """In the target's metric, under the answer's regimen."""
    best_exposure: float
    """The same for the best explanation."""


class Gain(Value):
    """Something that is not known, and what knowing it would buy."""

    about: str
    """``level``, or the unknown fact."""
    text: str
    loss_now: float | None = None
    """Expected loss of the best regimen as things are known; None where a rule speaks."""
    loss_then: float | None = None
    """Expected loss if it were known and the regimen followed it."""
    regimens: tuple[Regimen, ...] = ()
    """What it might call for, without repeats."""


class Diagnostics(Value):
    """How the posterior was computed and whether it can be trusted."""

    method: str
    particles: int
    effective_sample_size: float
    k_hat: float | None
    modes: int
    escalations: int = 0
    trustworthy: bool = True


class Reference(Value):
    """A source that a reader can look up."""

    text: str
    url: str = ""


class GuidelineAdvice(Value):
    """One row of a guideline on genes that holds for this patient."""

    population: str
    """For whom the row is written, as the guideline labels it: ``general``, ``adults``, ``CBZ naive``."""
    genes: tuple[str, ...]
    """The results by which it was found: ``HLA-B *15:02 positive``."""
    verdict: Literal["avoid", "alternative", "adjust", "standard", "none"]
    strength: str
    text: str
    """The guideline's words, as published."""
    implications: tuple[str, ...]
    comments: str = ""
    guideline: str
    url: str
    pmids: tuple[str, ...]


class Recommendation(Value):
    """The answer to one ``Case``."""

    schema_version: Literal["1"] = "1"
    outcome: Outcome
    drug: str
    display: Display | None = None
    reason: str
    """The outcome's reason in one plain sentence without numbers that the options already carry."""
    target: Target | None = None
    broken_limits: tuple[BrokenLimit, ...] = ()
    """What the order as written breaks; not empty only where its dose is written."""
    options: tuple[RegimenOption, ...] = ()
    """As ordered first (where the order is complete), then recommended, then alternatives."""
    parameters: tuple[ParameterEstimate, ...] = ()
    levels: tuple[LevelReview, ...] = ()
    curves: tuple[Curve, ...] = ()
    next_level: NextLevel | None = None
    plan: tuple[PlanStep, ...] = ()
    """If-then: from low to high, what the next level would call for. Empty if nothing that it may show would
    change the dose."""
    why: tuple[str, ...] = ()
    used: tuple[UsedFact, ...] = ()
    missing: tuple[Finding, ...] = ()
    """What is not known and why; ``findings`` of the case that matter for this answer come with it."""
    left_out: tuple[str, ...] = ()
    """What is on record of this treatment, recent enough to count, and could not be used: doses and levels.
    An answer that lets the order stand does so without having seen them."""
    requests: tuple[Annotated[str, AfterValidator(known_request)], ...] = ()
    """What could be ordered or charted to make the answer possible or better."""
    warnings: tuple[str, ...] = ()
    red_flags: tuple[str, ...] = ()
    changing: tuple[str, ...] = ()
    """Other drugs and habits that began or ended lately, and which way levels go; an answer that has any is
    not silent."""
    hold: str = ""
    """Why the next dose waits for a new level, whatever regimen follows; empty if nothing says so."""
    assumptions: tuple[Assumption, ...] = ()
    speaks: Literal["models", "rules"] = "models"
    """Whose answer this is; the other stands beside it."""
    models: tuple[ModelUse, ...] = ()
    rules: tuple[RuleUse, ...] = ()
    advice: tuple[GuidelineAdvice, ...] = ()
    """What guidelines on genes say of the drug and this patient, the gravest first."""
    references: tuple[Reference, ...] = ()
    diagnostics: Diagnostics | None = None
    variability: Variability | None = None
    unusual: Annotated[float, Field(ge=0, le=1)] | None = None
    """Share of people like this one who lie at least as far from what is typical; None without levels."""
    other_modes: tuple[OtherMode, ...] = ()
    gains: tuple[Gain, ...] = ()
    """What is missing, the most worthwhile first."""
    steepness: Steepness | None = None
    """Where the drug file asks for it: the margin between the dose that works and the dose that harms."""
    for_patient: str = ""
    """The answer for the patient, in words that need no training; empty where there is nothing to tell
    yet."""
    without_flagged: Regimen | None = None
    """Where a level is flagged as implausible: the regimen that the answer would be with it included."""
    engine: str
    """Versions that computed this: package, drug file and point tables."""

    def option(self, role: str) -> RegimenOption | None:
        """The first option in this role, or None."""
        return next((option for option in self.options if option.role == role), None)

"""``DosingRule``: a published formula, table or rule that sets a dose where no population model does.

A rule is data like a model: whom it is for (the same covariates and limits), what it reads, its numbers with
their sources, and what follows, in the safe language of expressions. It gives a dose and, where published, a
range; it knows no chances. Amounts are mg, times h; a covariate, a table or a number has the unit it names.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import combinations
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from dosing_core.errors import InvalidExpression
from dosing_core.library.sourced import Number, Part, Text
from dosing_core.population.covariate import Covariate
from dosing_core.population.expressions import Equations, Expression, parse
from dosing_core.population.publication import ModelPopulation, ModelReference

Finite = Annotated[float, Field(allow_inf_nan=False)]

MeasuredFact = Literal[
    "effect",
    "level",
    "level_after_start",
    "level_infusion",
    "level_dose",
    "creatinine_ratio",
    "present_dose",
]
"""What a rule may read of the treatment so far.

- ``effect``: the newest measured effect of the named output, in its unit.
- ``level``: the newest level of the drug that follows a dose, mg/L; ``level_after_start``: h from the start
  of that dose to it; ``level_infusion``: h that the dose ran; ``level_dose``: mg of it.
- ``creatinine_ratio``: the newest creatinine over the last one before that dose.
- ``present_dose``: mg of the last dose given.
"""


class MeasuredInput(Part):
    """One of them, as the rule's expressions call it."""

    fact: MeasuredFact
    unit: Text
    output: str = ""
    """Of ``effect``: its name."""
    max_age: Number | None = None
    """h; an older measurement does not speak."""
    says: str = ""
    """What it is called for a reader; empty: by its fact."""

    @model_validator(mode="after")
    def _an_effect_has_a_name(self) -> MeasuredInput:
        if (self.fact == "effect") != bool(self.output):
            raise ValueError("output: an effect, and only an effect, has a name")
        return self


class GeneInput(Part):
    """A gene whose result the rule reads.

    ``values`` gives each result by which guidelines look a gene up (a phenotype, or an activity score such as
    ``1.5``) a number for the rule's expressions. A result that is not listed, and no result at all, is
    unknown: never taken for normal, the rule then says what each result would lead to.
    """

    gene: Text
    values: Annotated[dict[str, Finite], Field(min_length=2)]


class RuleTable(Part):
    """A table of one or two covariates. A row reads ``[from, to, value]`` or ``[from, to, from, to, value]``;
    ``to`` does not belong to the row, null is no end. Outside every row the rule does not speak."""

    by: Annotated[tuple[str, ...], Field(min_length=1, max_length=2)]
    unit: Text
    source: Annotated[str, Field(min_length=8)]
    confidence: Literal["high", "medium", "low", "policy"]
    rounded: bool = False
    """True: covariates are rounded to whole numbers, a half upwards, before they are looked up."""
    rows: Annotated[tuple[tuple[float | None, ...], ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _rows_hold(self) -> RuleTable:
        for place, row in enumerate(self.rows):
            if len(row) != 2 * len(self.by) + 1 or row[-1] is None:
                raise ValueError(f"rows.{place}: from and to of each of {', '.join(self.by)}, then a value")
            for low, high in _ranges(row):
                if low is not None and high is not None and low >= high:
                    raise ValueError(f"rows.{place}: from is not below to")
        for (first, one), (second, other) in combinations(enumerate(self.rows), 2):
            if all(_overlap(a, b) for a, b in zip(_ranges(one), _ranges(other), strict=True)):
                raise ValueError(f"rows.{second}: overlaps row {first}")
        return self

    def look_up(self, values: Mapping[str, float]) -> float | None:
        """The value for these covariates; None outside every row."""
        read = [values[name] for name in self.by]
        if self.rounded:
            read = [math.floor(value + 0.5) for value in read]
        for row in self.rows:
            if all(_holds(span, value) for span, value in zip(_ranges(row), read, strict=True)):
                return row[-1]
        return None


_Span = tuple[float | None, float | None]


def _ranges(row: tuple[float | None, ...]) -> list[_Span]:
    return [(row[place], row[place + 1]) for place in range(0, len(row) - 1, 2)]


def _holds(span: _Span, value: float) -> bool:
    low, high = span
    return (low is None or value >= low) and (high is None or value < high)


def _overlap(one: _Span, other: _Span) -> bool:
    (low, high), (start, end) = one, other
    return (high is None or start is None or start < high) and (end is None or low is None or low < end)


class RuleAim(Part):
    """The exposure that the dose is meant to give, and to which it is proportional. The case's goal for this
    metric comes first."""

    target: Text
    """Id of the drug file's target whose metric and range it is."""
    usual: Number
    """Taken where nobody set a goal, in ``unit``."""
    factor: Annotated[float, Field(gt=0)] = 1.0
    """Multiply the metric (mg·h/L, mg/L) by this to get the unit that the rule's expressions read."""
    unit: Text


class Outcome(Part):
    """What follows where ``when`` holds; of several the first."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    when: Text = "1"
    action: Literal["dose", "hold", "avoid", "check"]
    """``dose``: this one. ``hold``: none until it has been looked at. ``avoid``: not this drug. ``check``: no
    dose can be named, but something must be known."""
    dose: str = ""
    """mg of one dose; of ``dose`` only."""
    least: str = ""
    most: str = ""
    """mg of one dose: the published range, in which an order stands. Empty: the dose itself."""
    interval: Number | None = None
    """h between doses; None: a single dose, or the order's own interval where it repeats."""
    duration: Number | None = None
    """h that the infusion runs; None: as ordered, else the file's shortest."""
    text: Text
    """What it means and what to do, as a sentence for the prescriber. ``{NAME}`` stands for the value of an
    input, number or equation."""
    advice: tuple[Text, ...] = ()
    """What else to do."""
    recheck: Number | None = None
    """h from now at which ``recheck_what`` is due."""
    recheck_what: str = ""
    source: Annotated[str, Field(min_length=8)]

    @model_validator(mode="after")
    def _a_dose_is_a_dose(self) -> Outcome:
        if (self.action == "dose") != bool(self.dose):
            raise ValueError("dose: given by an outcome that doses, and by no other")
        if bool(self.least) != bool(self.most) or (self.least and self.action != "dose"):
            raise ValueError("least: a range has two ends, and belongs to a dose")
        return self


_NAMED = re.compile(r"\{(\w+)\}")


def _figure(value: float) -> str:
    """Two to three significant digits, without trailing zeros."""
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"


class RuleCheck(Part):
    """Inputs and what must follow, from a published example or worked out by hand."""

    inputs: dict[str, Finite]
    outcome: Text
    dose_mg: Finite | None = None
    """Before rounding to what is stocked."""
    tolerance: Finite = 1e-6
    source: Annotated[str, Field(min_length=8)]


class DosingRule(Part):
    """One published rule. It contradicts nobody silently: names, tables and its own ``checks`` are recomputed
    when it is loaded."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9_-]+\.[a-z0-9_]+$")]
    name: Text
    """How a card names it."""
    role: Text
    confidence: Literal["high", "medium", "low"]
    """``low`` speaks only where a hospital has allowed it."""
    population: ModelPopulation
    reference: ModelReference
    verified_by: Annotated[tuple[Text, ...], Field(min_length=1)]
    covariates: dict[str, Covariate] = Field(default_factory=dict)
    genes: dict[str, GeneInput] = Field(default_factory=dict)
    measured: dict[str, MeasuredInput] = Field(default_factory=dict)
    aim: RuleAim | None = None
    """Read by expressions as ``aim``."""
    numbers: dict[str, Number] = Field(default_factory=dict)
    tables: dict[str, RuleTable] = Field(default_factory=dict)
    equations: tuple[tuple[str, str], ...] = ()
    """(name, expression) in order, as in a model."""
    outcomes: Annotated[tuple[Outcome, ...], Field(min_length=1)]
    checks: Annotated[tuple[RuleCheck, ...], Field(min_length=1)]
    notes: tuple[Text, ...] = ()

    @cached_property
    def inputs(self) -> tuple[str, ...]:
        """Names that come from the patient."""
        aim = ("aim",) if self.aim is not None else ()
        return (*self.covariates, *self.genes, *self.measured, *aim)

    @cached_property
    def parsed(self) -> Equations:
        """The equations, parsed once."""
        names = (*self.inputs, *self.numbers, *self.tables)
        return Equations.parse(self.equations, names, f"{self.id} equations")

    @cached_property
    def parsed_outcomes(self) -> tuple[tuple[Outcome, dict[str, Expression]], ...]:
        """Each outcome with its expressions: ``when``, and of a dose ``dose``, ``least`` and ``most``."""
        names = (*self.inputs, *self.numbers, *self.tables, *(name for name, _ in self.equations))
        return tuple(
            (
                one,
                {
                    field: parse(text, names, f"{self.id} outcomes.{place}.{field}")
                    for field in ("when", "dose", "least", "most")
                    if (text := getattr(one, field))
                },
            )
            for place, one in enumerate(self.outcomes)
        )

    def said(self, outcome: Outcome, values: Mapping[str, float]) -> str:
        """The outcome's text with the values that it names."""
        return _NAMED.sub(lambda found: _figure(values[found[1]]), outcome.text)

    def values(self, inputs: Mapping[str, float]) -> dict[str, float]:
        """Every name that an outcome may read, without tables that hold no row for these inputs and what is
        computed from them. Raises ``InvalidExpression``."""
        known = {**inputs, **{name: number.value for name, number in self.numbers.items()}}
        for name, table in self.tables.items():
            found = table.look_up(known)
            if found is not None:
                known[name] = found
        for name, expression in self.parsed.steps:
            if expression.names <= known.keys():
                known[name] = expression.evaluate(known)
        return known

    def follows(self, inputs: Mapping[str, float]) -> tuple[Outcome, dict[str, float]] | None:
        """The outcome that holds for these inputs, with its ``dose``, ``least`` and ``most`` in mg where it
        has them; None if none holds. Raises ``InvalidExpression``."""
        known = self.values(inputs)
        for outcome, expressions in self.parsed_outcomes:
            if not expressions["when"].names <= known.keys():
                return None
            if expressions["when"].evaluate(known):
                if not all(one.names <= known.keys() for one in expressions.values()):
                    return None
                return outcome, {
                    field: expression.evaluate(known)
                    for field, expression in expressions.items()
                    if field != "when"
                }
        return None

    @model_validator(mode="after")
    def _holds(self) -> DosingRule:
        for problem in self._problems():
            raise ValueError(problem)
        return self

    def _problems(self) -> Iterator[str]:
        named: list[Any] = [*self.inputs, *self.numbers, *self.tables]
        for name in named:
            if named.count(name) > 1:
                yield f"numbers.{name}: a name is there twice"
        for name, covariate in self.covariates.items():
            if covariate.quantity is None:
                yield f"covariates.{name}.quantity: obligatory in the library"
        for name, table in self.tables.items():
            for by in table.by:
                if by not in (*self.covariates, *self.measured):
                    yield f"tables.{name}.by: no covariate {by!r}"
        ids = [one.id for one in self.outcomes]
        if len(set(ids)) < len(ids):
            yield "outcomes: an id appears twice"
        _ = self.parsed_outcomes
        equations = [name for name, _ in self.equations]
        for place, one in enumerate(self.outcomes):
            for name in _NAMED.findall(one.text):
                if name not in (*named, *equations):
                    yield f"outcomes.{place}.text: nothing is called {name!r}"
        yield from self._failed_checks()

    def _failed_checks(self) -> Iterator[str]:
        for place, check in enumerate(self.checks):
            if set(check.inputs) != set(self.inputs):
                yield f"checks.{place}.inputs: must name {', '.join(self.inputs)}"
                return
            found = self.follows(check.inputs)
            if found is None or found[0].id != check.outcome:
                yield f"checks.{place}.outcome: {found[0].id if found else 'nothing'} follows"
                return
            dose = found[1].get("dose")
            if self.aim is not None and dose is not None:
                doubled = self.follows({**check.inputs, "aim": 2.0 * check.inputs["aim"]})
                if doubled is None or abs(doubled[1].get("dose", 0.0) - 2.0 * dose) > 1e-9 * abs(dose):
                    yield "aim: the dose is not proportional to it"
            if check.dose_mg is None or dose is None:
                if (check.dose_mg is None) != (dose is None):
                    yield f"checks.{place}.dose_mg: {dose} follows"
            elif abs(dose - check.dose_mg) > check.tolerance * max(1.0, abs(check.dose_mg)):
                problem = f"the dose is {dose:.6g} mg where {check.dose_mg:.6g} is published"
                raise InvalidExpression(f"{self.id} checks.{place}", problem)

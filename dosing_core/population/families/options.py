"""What a modeller chooses of a structural model, in the words of a model file.

Each class is one choice; ``StructuralOptions`` is all of them, and contradictions between them do not load.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, field_validator, model_validator

from dosing_core.case import Route
from dosing_core.value import Value

Driver = Literal["concentration", "unbound", "metabolite", "effect_site", "occupancy"]
ClearanceChange = Literal["auto_induction", "enzyme_turnover", "circadian", "maturation", "vmax_inhibition"]
Elimination = Literal["linear", "michaelis_menten", "linear+michaelis_menten", "well_stirred", "none"]
Stages = Annotated[int, Field(ge=1, le=20)]
"""Project policy: published chains have up to about ten compartments."""


class Choice(Value):
    """A part of the structure: strict, so a text is never taken for a number."""

    model_config = ConfigDict(strict=True)


class Absorption(Choice):
    """One way from the place of administration into the blood.

    - ``first_order``: ka
    - ``zero_order``: constant input over D1 h
    - ``zero_then_first``: into the depot over D1 h, from there ka
    - ``transit``: ``stages`` transit compartments between the dose and the depot, so stages + 1 steps at ktr
      = (stages + 1) / MTT, then ka (Savic et al., J Pharmacokinet Pharmacodyn 2007;34:711)
    - ``erlang``: ``stages`` steps at ktr = stages / MTT, the last into the blood (Rousseau et al., Ther Drug
      Monit 2004;26:23)
    """

    input: Literal["first_order", "zero_order", "zero_then_first", "transit", "erlang"] = "first_order"
    lag: bool = False
    stages: Stages | None = None
    rate: Literal["ktr", "MTT"] = "ktr"
    """The parameter that a chain has."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        chain = self.input in ("transit", "erlang")
        if chain and self.stages is None:
            raise ValueError(f"{self.input} absorption needs its number of stages, a whole number")
        if not chain and (self.stages is not None or self.rate != "ktr"):
            raise ValueError(f"{self.input} absorption has no stages")
        return self


class Binding(Choice):
    """How drug binds in the sample, so which concentration is measured and which is free.

    Kinetics of the total, measured concentration C:

    - ``none``
    - ``fraction_unbound``: unbound = fu C
    - ``albumin``: unbound = C / (1 + KA ALB)
    - ``saturable_total``: C = unbound (1 + Bmax / (KB + unbound))

    Kinetics of the unbound or plasma concentration:

    - ``bound_ratio``: measured = unbound (1 + PUB)
    - ``saturable``: measured = unbound (1 + Bmax / (KB + unbound))
    - ``red_cells``: measured whole blood = HCT (plasma Bmax / (KB + plasma) + NS plasma) + (1 - HCT) plasma
    """

    kind: Literal[
        "none",
        "fraction_unbound",
        "albumin",
        "saturable_total",
        "bound_ratio",
        "saturable",
        "red_cells",
    ] = "none"
    capacity: Literal["constant", "albumin"] = "constant"
    """``saturable_total`` only: capacity is Bmax, or Ncap ALB."""
    acts: Literal["total", "unbound"] = "total"
    """``saturable_total`` only: which concentration is distributed and cleared."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.kind != "saturable_total" and (self.capacity != "constant" or self.acts != "total"):
            raise ValueError("capacity and acts belong to saturable_total binding")
        return self


class Metabolite(Choice):
    """One metabolite, formed by what is eliminated of the drug, itself cleared linearly."""

    compartments: Literal[1, 2] = 1


class DirectEffect(Choice):
    """An effect without delay: x = slope c, Emax c / (EC50 + c), or with exponents gamma.

    ``adds``: E0 + x. ``inhibits``: E0 (1 - Imax c / (IC50 + c)).
    """

    kind: Literal["linear", "emax", "sigmoid_emax"]
    action: Literal["adds", "inhibits"] = "adds"
    driven_by: Driver = "concentration"

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.kind == "linear" and self.action == "inhibits":
            raise ValueError("a linear effect inhibits without bound: use emax")
        return self


class IndirectResponse(Choice):
    """A response that is produced and lost, with the drug on one of both.

    Types 1 to 4: inhibits production, inhibits loss, stimulates production, stimulates loss (Dayneka et al.,
    J Pharmacokinet Biopharm 1993;21:457). Types 5 and 6: inhibits, stimulates the release of a precursor
    (Sharma et al., J Pharmacokinet Biopharm 1998;26:95).
    """

    kind: Literal["indirect_response"]
    type: Literal[1, 2, 3, 4, 5, 6]
    sigmoid: bool = False
    driven_by: Driver = "concentration"


class Inr(Choice):
    """INR under a vitamin K antagonist: inhibited synthesis through two chains of clotting factors.

    ``mean``: INR = INR0 + INRmax (1 - mean of both ends) (Hamberg et al., Clin Pharmacol Ther 2010;87:727).
    ``product``: INR = INR0 + INRmax (1 - product of both ends)^lam (Hamberg et al., Clin Pharmacol Ther
    2007;81:529).
    """

    kind: Literal["inr"]
    chains: tuple[Stages, Stages] = (3, 3)
    combined: Literal["mean", "product"] = "mean"
    driven_by: Driver = "concentration"

    @field_validator("chains", mode="before")
    @classmethod
    def _pair(cls, value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value


class Myelosuppression(Choice):
    """Circulating cells, their transit and proliferation (Friberg et al., J Clin Oncol 2002;20:4713)."""

    kind: Literal["myelosuppression"]
    effect: Literal["linear", "emax", "sigmoid_emax"] = "linear"
    stages: Stages = 3
    """Transit compartments; MTTcirc = (stages + 1) / ktr."""
    driven_by: Driver = "concentration"


Effect = Annotated[DirectEffect | IndirectResponse | Inr | Myelosuppression, Field(discriminator="kind")]


class StructuralOptions(Choice):
    """A structural model by its parts. Raises ``ValueError`` for parts that contradict each other."""

    routes: Annotated[tuple[Route, ...], Field(min_length=1)]
    compartments: Literal[1, 2, 3, "kpd"] = 1
    """``kpd``: no concentration is known; a dose leaves a virtual compartment at KDE and the rate at which it
    does drives the effect (Jacqmin et al., J Pharmacokinet Pharmacodyn 2007;34:57)."""
    elimination: Elimination = "linear"
    """``well_stirred``: by a liver that everything swallowed passes first."""
    clearance_changes: tuple[ClearanceChange, ...] = ()
    absorption: tuple[Absorption, ...] = ()
    """One, or two parallel ones; of doses by mouth or under the skin only, first order if not given."""
    bioavailability: Literal["fraction", "saturable"] = "fraction"
    food: bool = False
    binding: Binding = Binding()
    target: Literal["none", "full", "qss", "qe"] = "none"
    """Target-mediated disposition: all rates, quasi-steady state, quasi-equilibrium (Gibiansky et al., J
    Pharmacokinet Pharmacodyn 2008;35:573)."""
    target_measured: Literal["free", "total"] = "free"
    metabolite: Metabolite | None = None
    effect_site: bool = False
    effect: Effect | None = None

    @field_validator("routes", "clearance_changes", mode="before")
    @classmethod
    def _several(cls, value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value

    @field_validator("absorption", mode="before")
    @classmethod
    def _one_or_two(cls, value: Any) -> Any:
        """A plain name, one description or a list of either."""
        listed = value if isinstance(value, list | tuple) else [value]
        return tuple({"input": each} if isinstance(each, str) else each for each in listed)

    @field_validator("binding", mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        return {"kind": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _agree(self) -> Self:
        for wrong, reason in (*self._structure(), *self._effects()):
            if wrong:
                raise ValueError(reason)
        return self

    @property
    def depot_route(self) -> Route | None:
        """The route whose doses have to be absorbed, if there is one."""
        return next((route for route in self.routes if route != "iv"), None)

    def _structure(self) -> tuple[tuple[bool, str], ...]:
        changes = self.clearance_changes
        of_linear, saturable = set(changes) - {"vmax_inhibition"}, "michaelis_menten" in self.elimination
        kpd, depot = self.compartments == "kpd", self.depot_route is not None
        return (
            (len(set(self.routes)) < len(self.routes), "a route is named twice"),
            (
                {"oral", "subcutaneous"} <= set(self.routes),
                "oral and subcutaneous doses need two models",
            ),
            (
                "subcutaneous" in self.routes and (self.elimination == "well_stirred" or self.food),
                "what goes under the skin meets neither food nor the liver first",
            ),
            (len(set(changes)) < len(changes), "a change of clearance is named twice"),
            (len(self.absorption) > 2, "more than two parallel ways in"),
            (
                not depot and (bool(self.absorption) or self.food or self.bioavailability != "fraction"),
                "absorption, food and bioavailability belong to a route through a depot: oral, subcutaneous",
            ),
            (
                bool(of_linear) and "linear" not in self.elimination,
                f"{', '.join(sorted(of_linear))}: there is no linear clearance to change",
            ),
            ("vmax_inhibition" in changes and not saturable, "vmax_inhibition: there is no Vmax to inhibit"),
            (
                {"auto_induction", "enzyme_turnover"} <= set(changes),
                "auto_induction and enzyme_turnover are two accounts of one thing",
            ),
            (
                kpd
                and (
                    self.elimination != "linear"
                    or bool(changes)
                    or bool(self.absorption)
                    or self.binding.kind != "none"
                    or self.target != "none"
                    or self.metabolite is not None
                ),
                "a K-PD model has no concentration: no absorption, binding, target or metabolite",
            ),
            (kpd and self.effect is None, "a K-PD model needs an effect"),
            (
                self.elimination == "none" and self.target == "none",
                "nothing eliminates the drug",
            ),
            (
                self.elimination == "none" and self.metabolite is not None,
                "a metabolite needs an elimination that forms it",
            ),
            (
                self.target != "none" and self.binding.kind != "none",
                "a drug that binds its target cannot have a second binding in the sample",
            ),
            (
                self.target != "none" and self.elimination == "well_stirred",
                "a well-stirred liver and a target are not combined",
            ),
            (
                self.target == "none" and self.target_measured != "free",
                "target_measured without a target",
            ),
        )

    def _effects(self) -> tuple[tuple[bool, str], ...]:
        effect, kpd = self.effect, self.compartments == "kpd"
        driver = "concentration" if effect is None else effect.driven_by
        linear = (isinstance(effect, DirectEffect) and effect.kind == "linear") or (
            isinstance(effect, Myelosuppression) and effect.effect == "linear"
        )
        return (
            (kpd and linear, "a K-PD effect needs its EDK50: use emax"),
            (kpd and driver not in ("concentration", "effect_site"), f"a K-PD model has no {driver}"),
            (
                driver == "effect_site" and not self.effect_site,
                "driven by the effect site, but effect_site is not set",
            ),
            (driver == "metabolite" and self.metabolite is None, "driven by a metabolite that is not there"),
            (driver == "occupancy" and self.target == "none", "driven by the occupancy of no target"),
            (
                driver == "unbound" and self.binding.kind == "none",
                "driven by the unbound concentration, but no binding is given",
            ),
        )

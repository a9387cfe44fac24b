"""Every canonical parameter of the structural families: what it is and how its unit converts.

A model file maps these names to its own; ``dimension`` says by which power of the file's units of time and
concentration a value is converted to h and mg/L. Amounts are mg and volumes L everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Dimension = Literal[
    "volume/time",
    "volume",
    "1/time",
    "time",
    "fraction",
    "amount",
    "amount/time",
    "concentration",
    "1/concentration",
    "1/(concentration*time)",
    "effect",
    "effect/concentration",
    "none",
]

UNITS: Mapping[Dimension, str] = MappingProxyType(
    {
        "volume/time": "L/h",
        "volume": "L",
        "1/time": "1/h",
        "time": "h",
        "fraction": "fraction",
        "amount": "mg",
        "amount/time": "mg/h",
        "concentration": "mg/L",
        "1/concentration": "L/mg",
        "1/(concentration*time)": "L/(mg·h)",
        "effect": "unit of the effect",
        "effect/concentration": "unit of the effect per mg/L",
        "none": "1",
    }
)
"""The unit in which a ``System`` takes a parameter of this dimension."""


@dataclass(frozen=True)
class Parameter:
    """One canonical parameter."""

    dimension: Dimension
    meaning: str
    special_unit: str = ""
    """Where the dimension's own unit does not say it: weeks, g/L; such a value is never converted."""
    default: float | None = None
    """What a file that does not give it means; None: it must be given."""

    @property
    def unit(self) -> str:
        """The unit in which a ``System`` takes it."""
        return self.special_unit or UNITS[self.dimension]


PARAMETERS: Mapping[str, Parameter] = MappingProxyType(
    {
        # Disposition and elimination.
        "CL": Parameter("volume/time", "linear clearance"),
        "V1": Parameter("volume", "central volume"),
        "Q": Parameter("volume/time", "clearance to and from the second compartment"),
        "V2": Parameter("volume", "volume of the second compartment"),
        "Q3": Parameter("volume/time", "clearance to and from the third compartment"),
        "V3": Parameter("volume", "volume of the third compartment"),
        "Vmax": Parameter("amount/time", "greatest rate of saturable elimination"),
        "Km": Parameter("concentration", "concentration at half the greatest rate"),
        "CLint": Parameter("volume/time", "intrinsic clearance of a well-stirred liver"),
        "QH": Parameter("volume/time", "flow through the liver"),
        "CL0": Parameter("volume/time", "clearance at the first dose"),
        "CLss": Parameter("volume/time", "clearance after induction is complete"),
        "kenz": Parameter("1/time", "rate of enzyme turnover, at which clearance settles"),
        "Eind": Parameter("fraction", "greatest rise of enzyme production over its baseline"),
        "EC50ind": Parameter("concentration", "concentration at half the greatest rise"),
        "Vinh": Parameter("fraction", "share of Vmax that the drug itself ends up inhibiting"),
        "T50": Parameter("time", "time after the first dose at half of Vinh, above 1 h"),
        "amp": Parameter("fraction", "amplitude of the daily rhythm over the mean clearance"),
        "acro": Parameter("none", "hour of the day at which clearance is greatest", "clock h"),
        "PMA": Parameter("none", "postmenstrual age at the first dose", "weeks"),
        "TM50": Parameter("none", "postmenstrual age at half the adult clearance", "weeks"),
        "matur": Parameter("none", "steepness of maturation"),
        "KDE": Parameter("1/time", "rate at which a dose leaves the virtual compartment"),
        # Ways in.
        "F": Parameter("fraction", "bioavailability", default=1.0),
        "Fdrop": Parameter("fraction", "share of F that is lost at very large doses"),
        "FD50": Parameter("amount", "dose at which half of Fdrop is lost"),
        "Ffood": Parameter("fraction", "change of F with food; negative: less"),
        "fed": Parameter("none", "1 with food, 0 fasted", "0/1"),
        "fr": Parameter("fraction", "share of the dose that takes the first way in"),
        "ka": Parameter("1/time", "first-order absorption"),
        "tlag": Parameter("time", "lag before absorption starts", default=0.0),
        "D1": Parameter("time", "length of zero-order input"),
        "ktr": Parameter("1/time", "rate between transit compartments"),
        "MTT": Parameter("time", "mean transit time before absorption"),
        "ka2": Parameter("1/time", "first-order absorption, second way in"),
        "tlag2": Parameter("time", "lag of the second way in", default=0.0),
        "D2": Parameter("time", "length of zero-order input, second way in"),
        "ktr2": Parameter("1/time", "rate between transit compartments, second way in"),
        "MTT_2": Parameter("time", "mean transit time, second way in"),
        # Binding.
        "fu": Parameter("fraction", "unbound share"),
        "KA": Parameter("none", "affinity to albumin", "L/g"),
        "ALB": Parameter("none", "serum albumin", "g/L"),
        "PUB": Parameter("none", "bound over unbound concentration"),
        "Bmax": Parameter("concentration", "binding capacity"),
        "KB": Parameter("concentration", "unbound concentration at half the binding capacity"),
        "Ncap": Parameter("none", "binding capacity of albumin", "mg/g"),
        "NS": Parameter("none", "unsaturable uptake into red cells over plasma concentration"),
        "HCT": Parameter("fraction", "haematocrit"),
        # Target.
        "R0": Parameter("concentration", "target before treatment, as drug that it can bind"),
        "kdeg": Parameter("1/time", "turnover of the free target"),
        "kint": Parameter("1/time", "removal of the complex"),
        "kon": Parameter("1/(concentration*time)", "association"),
        "koff": Parameter("1/time", "dissociation"),
        "Kss": Parameter("concentration", "quasi-steady-state constant, (koff + kint) / kon"),
        "KD": Parameter("concentration", "dissociation constant, koff / kon"),
        # Metabolite.
        "fm": Parameter("fraction", "share of elimination that forms the metabolite, in mg a mg"),
        "CLm": Parameter("volume/time", "clearance of the metabolite"),
        "Vm": Parameter("volume", "volume of the metabolite"),
        "Qm": Parameter("volume/time", "clearance to and from the metabolite's second compartment"),
        "Vpm": Parameter("volume", "volume of the metabolite's second compartment"),
        # Effects.
        "ke0": Parameter("1/time", "rate of equilibration with the effect compartment"),
        "E0": Parameter("effect", "effect without drug"),
        "slope": Parameter(
            "effect/concentration",
            "effect (myelosuppression: loss of proliferation) of a unit of concentration",
        ),
        "Emax": Parameter("effect", "greatest effect"),
        "EC50": Parameter("concentration", "concentration at half the greatest effect"),
        "EDK50": Parameter("amount/time", "rate of elimination at half the greatest effect"),
        "gamma": Parameter("none", "steepness (Hill exponent)"),
        "Imax": Parameter("fraction", "greatest inhibition"),
        "IC50": Parameter("concentration", "concentration at half the greatest inhibition"),
        "IDK50": Parameter("amount/time", "rate of elimination at half the greatest inhibition"),
        "Smax": Parameter("fraction", "greatest stimulation over baseline"),
        "SC50": Parameter("concentration", "concentration at half the greatest stimulation"),
        "SDK50": Parameter("amount/time", "rate of elimination at half the greatest stimulation"),
        "kout": Parameter("1/time", "loss of the response"),
        "kp": Parameter("1/time", "release of the precursor of the response"),
        "INR0": Parameter("none", "INR without drug", default=1.0),
        "INRmax": Parameter("none", "greatest rise of the INR"),
        "MTT1": Parameter("time", "mean transit time of the first chain of clotting factors"),
        "MTT2": Parameter("time", "mean transit time of the second chain of clotting factors"),
        "lam": Parameter("none", "exponent of the rise of the INR"),
        "Circ0": Parameter("none", "circulating cells before treatment", "10⁹/L"),
        "MTTcirc": Parameter("time", "mean time from proliferation to circulation"),
        "feedback": Parameter("none", "exponent of the feedback of circulating on proliferating cells"),
    }
)
"""Canonical name to meaning; the one table for validation, unit conversion and documentation."""

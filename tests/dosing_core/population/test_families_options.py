"""Choices of structure: what combines, what contradicts, what is documented, what stays in closed form."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dosing_core.population.families import PARAMETERS, StructuralOptions, build
from dosing_core.population.individual import Structure


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"routes": ["iv"], "compartments": 4}, "structure.compartments"),
        ({"routes": []}, "structure.routes"),
        ({"routes": ["iv", "iv"]}, "named twice"),
        ({"routes": ["iv"], "efect": {}}, "structure.efect"),
        ({"routes": ["iv"], "absorption": "first_order"}, "belong to a route through a depot"),
        ({"routes": ["iv"], "food": True}, "belong to a route through a depot"),
        ({"routes": ["oral"], "absorption": "transit"}, "number of stages"),
        ({"routes": ["oral"], "absorption": {"input": "transit", "stages": 2.5}}, "stages"),
        ({"routes": ["oral"], "absorption": {"input": "first_order", "stages": 2}}, "has no stages"),
        ({"routes": ["oral"], "absorption": ["first_order"] * 3}, "more than two parallel"),
        ({"routes": ["oral"], "elimination": "well_stirred", "absorption": "zero_order"}, "passes no liver"),
        ({"routes": ["iv"], "elimination": "none"}, "nothing eliminates"),
        ({"routes": ["iv"], "elimination": "none", "target": "qss", "metabolite": {}}, "that forms it"),
        (
            {"routes": ["iv"], "elimination": "michaelis_menten", "clearance_changes": ["circadian"]},
            "no linear clearance",
        ),
        ({"routes": ["iv"], "clearance_changes": ["vmax_inhibition"]}, "no Vmax"),
        (
            {"routes": ["iv"], "clearance_changes": ["auto_induction", "enzyme_turnover"]},
            "two accounts of one thing",
        ),
        ({"routes": ["iv"], "binding": {"kind": "albumin", "acts": "unbound"}}, "saturable_total"),
        ({"routes": ["iv"], "binding": "albumin", "target": "full"}, "second binding"),
        ({"routes": ["iv"], "target_measured": "total"}, "without a target"),
        ({"routes": ["iv"], "target": "qss", "elimination": "well_stirred"}, "not combined"),
        ({"routes": ["oral"], "compartments": "kpd"}, "needs an effect"),
        ({"routes": ["oral"], "compartments": "kpd", "effect": {"kind": "linear"}}, "EDK50"),
        ({"routes": ["oral"], "compartments": "kpd", "effect": {"kind": "inr"}, "target": "qe"}, "K-PD"),
        ({"routes": ["iv"], "effect": {"kind": "linear", "action": "inhibits"}}, "without bound"),
        (
            {"routes": ["iv"], "effect": {"kind": "emax", "driven_by": "effect_site"}},
            "effect_site is not set",
        ),
        ({"routes": ["iv"], "effect": {"kind": "emax", "driven_by": "metabolite"}}, "not there"),
        ({"routes": ["iv"], "effect": {"kind": "emax", "driven_by": "occupancy"}}, "no target"),
        ({"routes": ["iv"], "effect": {"kind": "emax", "driven_by": "unbound"}}, "no binding"),
        ({"routes": ["iv"], "effect": {"kind": "indirect_response", "type": 7}}, "type"),
        ({"routes": ["iv"], "effect": {"kind": "hill"}}, "effect"),
    ],
)
def test_what_contradicts_itself_is_refused_with_its_reason(
    options: Mapping[str, object], reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        build(options)


@pytest.mark.parametrize(
    ("options", "structure"),
    [
        ({"routes": ["iv"]}, Structure(1, False)),
        ({"routes": ["iv"], "compartments": 2}, Structure(2, False)),
        ({"routes": ["iv", "oral"], "compartments": 2}, Structure(2, True)),
        ({"routes": ["oral"], "absorption": {"lag": True}}, Structure(1, True)),
        ({"routes": ["iv"], "compartments": 3}, None),
        ({"routes": ["oral"], "absorption": "zero_order"}, None),
        ({"routes": ["oral"], "absorption": ["first_order", "first_order"]}, None),
        ({"routes": ["oral"], "food": True}, None),
        ({"routes": ["iv"], "elimination": "michaelis_menten"}, None),
        ({"routes": ["iv"], "clearance_changes": ["maturation"]}, None),
        ({"routes": ["iv"], "metabolite": {}}, None),
        ({"routes": ["iv"], "binding": "albumin"}, None),
        ({"routes": ["iv"], "effect": {"kind": "emax"}}, None),
    ],
)
def test_one_and_two_linear_compartments_stay_in_closed_form(
    options: Mapping[str, object], structure: Structure | None
) -> None:
    assert build(options).closed_form == structure


def test_what_a_file_may_leave_out_is_known() -> None:
    family = build({"routes": ["oral"], "absorption": {"lag": True}, "effect": {"kind": "inr"}})

    assert family.optional == {"F": 1.0, "tlag": 0.0, "INR0": 1.0}
    assert family.dimensions["CL"] == "volume/time"
    assert family.dimensions["EC50"] == "concentration"


def test_a_kpd_potency_is_a_rate_of_elimination() -> None:
    family = build({"routes": ["oral"], "compartments": "kpd", "effect": {"kind": "inr"}})

    assert family.system.parameters[:3] == ("KDE", "F", "EDK50")
    assert family.dimensions["EDK50"] == "amount/time"
    assert family.system.outputs[0].name == "inr"


def test_the_level_is_the_first_output_and_the_rest_are_named() -> None:
    family = build(
        {
            "routes": ["iv"],
            "target": "qss",
            "metabolite": {},
            "effect_site": True,
            "effect": {"kind": "myelosuppression"},
        }
    )

    assert [output.name for output in family.system.outputs] == [
        "concentration",
        "total",
        "occupancy",
        "free_target",
        "metabolite",
        "effect_site",
        "neutrophils",
    ]


ABSORPTIONS = (
    "first_order",
    "zero_order",
    {"input": "zero_then_first", "lag": True},
    {"input": "transit", "stages": 2, "rate": "MTT"},
    {"input": "erlang", "stages": 3},
)
EFFECTS = (
    {"kind": "linear"},
    {"kind": "emax", "action": "inhibits"},
    {"kind": "sigmoid_emax"},
    {"kind": "indirect_response", "type": 5, "sigmoid": True},
    {"kind": "inr", "chains": [6, 1], "combined": "product"},
    {"kind": "myelosuppression", "effect": "sigmoid_emax"},
)
CHOICES = st.fixed_dictionaries(
    {"routes": st.sampled_from([["iv"], ["oral"], ["iv", "oral"]])},
    optional={
        "compartments": st.sampled_from([1, 2, 3, "kpd"]),
        "elimination": st.sampled_from(
            ["linear", "michaelis_menten", "linear+michaelis_menten", "well_stirred", "none"]
        ),
        "clearance_changes": st.lists(
            st.sampled_from(
                ["auto_induction", "enzyme_turnover", "circadian", "maturation", "vmax_inhibition"]
            ),
            max_size=2,
        ),
        "absorption": st.one_of(
            st.sampled_from(ABSORPTIONS), st.lists(st.sampled_from(ABSORPTIONS), min_size=2, max_size=2)
        ),
        "bioavailability": st.sampled_from(["fraction", "saturable"]),
        "food": st.booleans(),
        "binding": st.sampled_from(
            [
                "fraction_unbound",
                "albumin",
                "saturable",
                "bound_ratio",
                "red_cells",
                {"kind": "saturable_total", "capacity": "albumin", "acts": "unbound"},
            ]
        ),
        "target": st.sampled_from(["none", "full", "qss", "qe"]),
        "metabolite": st.sampled_from([{}, {"compartments": 2}]),
        "effect_site": st.booleans(),
        "effect": st.sampled_from(EFFECTS),
    },
)


@settings(max_examples=120, deadline=None)
@given(CHOICES)
def test_any_choice_builds_or_is_refused(options: Mapping[str, object]) -> None:
    """What builds is whole: each parameter documented and read, each state changed, each name once."""
    try:
        family = build(options)
    except ValueError:
        return
    system = family.system
    assert set(system.parameters) <= set(PARAMETERS)
    expressions = [*system.derivatives, *system.initial]
    expressions += [entry.amount for entry in system.entries] + [output.value for output in system.outputs]
    read = set().union(*(each.names for each in expressions))
    read |= {name for entry in system.entries for name in (entry.lag, entry.duration) if name}
    assert set(system.parameters) <= read
    assert len(system.derivatives) == len(system.initial) == len(system.states)
    assert all(system.enters(route) for route in options["routes"])  # type: ignore[attr-defined]


def test_options_read_the_same_from_json() -> None:
    """A model file's text and a mapping are one choice."""
    text = (
        '{"routes": ["oral"], "compartments": 2, "absorption": {"input": "erlang", "stages": 2},'
        ' "effect": {"kind": "inr", "chains": [6, 1]}}'
    )

    from_text = StructuralOptions.from_bytes(text)

    assert from_text.absorption[0].stages == 2
    assert StructuralOptions.from_bytes(from_text.to_bytes()) == from_text


def test_every_parameter_of_the_table_belongs_to_a_family() -> None:
    """A name that no family reads would be a promise without a model."""
    used: set[str] = set()
    for options in (
        {"routes": ["oral"], "compartments": 3, "elimination": "linear+michaelis_menten"},
        {"routes": ["iv"], "elimination": "well_stirred"},
        {"routes": ["iv"], "clearance_changes": ["auto_induction", "circadian", "maturation"]},
        {"routes": ["iv"], "clearance_changes": ["enzyme_turnover"]},
        {"routes": ["iv"], "elimination": "michaelis_menten", "clearance_changes": ["vmax_inhibition"]},
        {"routes": ["oral"], "bioavailability": "saturable", "food": True},
        {"routes": ["oral"], "absorption": [{"input": "zero_then_first", "lag": True}] * 2},
        {"routes": ["oral"], "absorption": [{"input": "transit", "stages": 1, "rate": "MTT"}] * 2},
        {"routes": ["oral"], "absorption": [{"input": "erlang", "stages": 1}] * 2},
        *(
            {"routes": ["iv"], "binding": kind}
            for kind in ("fraction_unbound", "albumin", "bound_ratio", "red_cells")
        ),
        {"routes": ["iv"], "binding": {"kind": "saturable_total", "capacity": "albumin"}},
        {"routes": ["iv"], "target": "full"},
        {"routes": ["iv"], "target": "qss"},
        {"routes": ["iv"], "target": "qe"},
        {"routes": ["iv"], "metabolite": {"compartments": 2}, "effect_site": True},
        {"routes": ["iv"], "effect": {"kind": "linear"}},
        {"routes": ["iv"], "effect": {"kind": "sigmoid_emax"}},
        *(
            {
                "routes": ["iv"],
                "compartments": compartments,
                "effect": {"kind": "indirect_response", "type": kind},
            }
            for compartments in (1, "kpd")
            for kind in (3, 5)
        ),
        {
            "routes": ["oral"],
            "compartments": "kpd",
            "effect": {"kind": "inr", "combined": "product"},
        },
        {"routes": ["iv"], "effect": {"kind": "myelosuppression"}},
    ):
        used |= set(build(options).system.parameters)

    assert used == set(PARAMETERS)


def test_the_documentation_lists_every_parameter_as_the_table_has_it() -> None:
    text = (Path(__file__).parents[3] / "docs" / "structures.md").read_text(encoding="utf-8")

    for name, parameter in PARAMETERS.items():
        default = "" if parameter.default is None else f"{parameter.default:g}"
        assert f"| `{name}` | {parameter.unit} | {parameter.meaning} | {default} |" in text

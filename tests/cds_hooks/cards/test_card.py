"""Whether a card appears, how loud it is, what its first line and its suggestions say."""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hand_built import ADVISED, HOUR, NOW, ORDERED, OTHER, TACROLIMUS, case, change, option, without_weight
from markdown_it import MarkdownIt

from cds_hooks.cards import CardSubject, card_for, failure_card, other_patient_card
from cds_hooks.cards.reasons import OVERRIDE_REASONS
from cds_hooks.protocol.response import Card, response
from dosing_core.case import Finding, Regimen
from dosing_core.recommendation import (
    Assumption,
    BrokenLimit,
    Display,
    Estimate,
    Exposure,
    LevelReview,
    PlanStep,
    Recommendation,
    RegimenOption,
    Target,
    UsedFact,
)

DRAFT: dict[str, Any] = {
    "resourceType": "MedicationRequest",
    "id": "draft-1",
    "status": "draft",
    "intent": "order",
    "medicationCodeableConcept": {
        "coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "11124"}],
        "text": "vancomycin",
    },
    "subject": {"reference": "Patient/p1"},
    "note": [{"text": "a note of the ward"}],
    "dosageInstruction": [
        {
            "text": "1,000 mg intravenously every 12 h, each over 2 h",
            "timing": {
                "repeat": {
                    "duration": 2, "durationUnit": "h", "frequency": 1, "period": 12, "periodUnit": "h"
                }
            },
            "route": {"coding": [{"system": "http://snomed.info/sct", "code": "47625008"}]},
            "doseAndRate": [
                {
                    "doseQuantity": {
                        "value": 1000, "unit": "mg", "system": "http://unitsofmeasure.org", "code": "mg"
                    }
                }
            ],
        }
    ],
}  # fmt: skip
FLAGGED = LevelReview(
    time=NOW - 3 * HOUR,
    observed=8.0,
    expected=Estimate(low=13, median=27, high=49),
    hours_after_dose=3,
    plausible=False,
    used=False,
    source="Observation/level-2",
)


def _subject(recommendation: Recommendation, **changes: Any) -> CardSubject:
    subject = CardSubject(
        recommendation=recommendation,
        case=case(),
        order=deepcopy(DRAFT),
        patient_id="p1",
        encounter_id=None,
        moment="sign",
        recommendation_id="0b8f7f3c-9f55-5b9e-8d29-7a1f0a3c2a11",
        page_url="https://cds.example.org/recommendations/0b8f7f3c-9f55-5b9e-8d29-7a1f0a3c2a11",
        timezone=ZoneInfo("Europe/Berlin"),
    )
    return replace(subject, **changes)


def _card(recommendation: Recommendation, **changes: Any) -> Card:
    card = card_for(_subject(recommendation, **changes))
    assert card is not None
    return card


def _agree(**changes: Any) -> Recommendation:
    fits = option("as_ordered", ORDERED, 512, 0.81, 0.1)
    values = {"outcome": "agree", "options": (fits,), "reason": "The order fits.", "requests": ()}
    return change(**(values | changes))


def _out_of_scope() -> Recommendation:
    return Recommendation(
        outcome="out_of_scope",
        drug="vancomycin",
        reason="Continuous renal replacement is outside every model here.",
        engine="e",
    )


def test_a_change_says_drug_doses_exposure_and_certainty_in_one_line() -> None:
    assert _card(change()).summary == (
        "Vancomycin 1,000 mg every 12 h → 750 mg every 12 h: AUC24 652 → 489 mg·h/L, "
        "84 % chance of 400–600 (now 27 %)"
    )


def test_troughs_are_written_in_the_unit_of_the_drug() -> None:
    """8.1 µg/L are 8.1 ng/mL: tacrolimus is read in ng/mL."""

    def oral(role: str, dose: float, trough: float, inside: float) -> RegimenOption:
        regimen = Regimen(dose_mg=dose, interval_h=12, route="oral")
        low_high = {"low": trough * 0.7 / 1000, "median": trough / 1000, "high": trough * 1.4 / 1000}
        exposure = Exposure(metric="trough", estimate=Estimate(**low_high))
        base = option(role, regimen, 1, inside, 0.1)
        return base.model_copy(update={"exposures": (exposure,)})

    recommendation = change(
        drug="tacrolimus",
        display=TACROLIMUS,
        target=Target(metric="trough", low=0.005, high=0.01, source="x"),
        options=(oral("as_ordered", 5, 4.1, 0.2), oral("recommended", 8, 6.6, 0.78)),
    )

    assert _card(recommendation).summary == (
        "Tacrolimus 5 mg every 12 h → 8 mg every 12 h: trough 4.1 → 6.6 ng/mL, 78 % chance of 5–10 (now 20 %)"
    )


def test_a_longer_infusion_of_the_same_dose_is_told_apart() -> None:
    """An infusion above 10 mg/min is a reason to speak; "1,000 mg → 1,000 mg" would tell nobody why."""
    fast = ORDERED.model_copy(update={"duration_h": 0.5})
    options = (option("as_ordered", fast, 512, 0.8, 0.1), option("recommended", ORDERED, 512, 0.8, 0.1))

    assert _card(change(options=options)).summary.startswith(
        "Vancomycin 1,000 mg every 12 h, over 30 min → over 2 h: AUC24 512 → 512"
    )


def test_a_first_line_that_is_too_long_loses_words_but_no_number_that_decides() -> None:
    display = Display(drug_name="vancomycin hydrochloride", concentration_unit="mg/L", concentration_factor=1)
    advised = option(
        "recommended", Regimen(dose_mg=1750, interval_h=12, route="iv", duration_h=3), 489, 0.84, 0.08
    )
    loaded = advised.model_copy(update={"loading_dose_mg": 2500.0, "loading_duration_h": 3.0})
    ordered = option(
        "as_ordered", Regimen(dose_mg=1250, interval_h=12, route="iv", duration_h=2), 321, 0.27, 0.71
    )

    summary = _card(change(display=display, options=(ordered, loaded))).summary

    assert len(summary) <= 139
    for part in ("1,250 mg every 12 h →", "load 2,500 mg", "1,750 mg every 12 h", "489", "84 %"):
        assert part in summary


@pytest.mark.parametrize(
    ("recommendation", "select", "sign"),
    [
        (change(), "info", "warning"),
        (_agree(), "info", None),
        (without_weight(), "info", "info"),
        (_out_of_scope(), "warning", "warning"),
        (change(outcome="avoid", options=()), "critical", "critical"),
        (_agree(levels=(FLAGGED,)), "warning", "warning"),
        (_agree(red_flags=("Creatinine is rising.",)), "warning", "warning"),
    ],
)
def test_loudness_follows_the_moment_and_the_danger(
    recommendation: Recommendation, select: str | None, sign: str | None
) -> None:
    at_select = card_for(_subject(recommendation, moment="select"))
    at_sign = card_for(_subject(recommendation, moment="sign"))

    assert (at_select and at_select.indicator, at_sign and at_sign.indicator) == (select, sign)


def test_a_missing_loading_dose_is_help_and_no_correction() -> None:
    ordered = option("as_ordered", ORDERED, 489, 0.8, 0.1)
    advised = option("recommended", ORDERED, 489, 0.8, 0.1).model_copy(update={"loading_dose_mg": 2000.0})
    recommendation = change(options=(ordered, advised), requests=())

    card = _card(recommendation)

    assert card.indicator == "info"
    assert "1,000 mg every 12 h fits; load 2,000 mg first" in card.summary
    assert card.suggestions[0].label.startswith("Load 2,000 mg")
    assert card_for(_subject(recommendation, ordered_loading_mg=2000.0)) is None


def test_the_same_drug_by_a_route_that_is_not_dosed_meets_silence_on_signing() -> None:
    """Vancomycin by mouth is for the gut: on signing a word about blood levels is noise."""
    subject = _subject(_out_of_scope(), route_in_scope=False)
    select = card_for(replace(subject, moment="select"))

    assert card_for(subject) is None
    assert select is not None
    assert select.indicator == "info"


def test_an_update_carries_the_whole_order_with_the_new_dose() -> None:
    card = _card(change(requests=()))
    update = card.suggestions[0].actions[0]
    assert update.resource is not None

    assert update.type == "update"
    for member in ("id", "status", "intent", "subject", "medicationCodeableConcept", "note"):
        assert update.resource[member] == DRAFT[member]
    quantity = update.resource["dosageInstruction"][0]["doseAndRate"][0]["doseQuantity"]
    assert (quantity["value"], quantity["code"]) == (750, "mg")
    assert card.suggestions[0].label == "Change to 750 mg intravenously every 12 h, each over 90 min"
    assert update.description == card.suggestions[0].label


def test_one_suggestion_is_recommended_and_one_at_most_can_be_taken() -> None:
    card = _card(change(requests=()))

    assert [bool(suggestion.is_recommended) for suggestion in card.suggestions] == [True, False]
    assert card.selection_behavior == "at-most-one"


def test_beside_a_test_to_order_stands_one_dose_only() -> None:
    card = _card(change(requests=("creatinine", "level", "height")))
    kinds = [[action.type for action in suggestion.actions] for suggestion in card.suggestions]

    assert kinds == [["update"], ["create"], ["create"]]
    assert card.selection_behavior == "any"
    request = card.suggestions[1].actions[0].resource
    assert request is not None
    assert (request["resourceType"], request["subject"]) == ("ServiceRequest", {"reference": "Patient/p1"})


@pytest.mark.parametrize("outcome", ["insufficient", "out_of_scope", "avoid"])
def test_without_a_recommendation_no_suggestion_touches_a_dose(outcome: str) -> None:
    """Even if options should be there by mistake."""
    card = _card(change(outcome=outcome))

    assert all(action.type == "create" for s in card.suggestions for action in s.actions)


def test_beside_a_red_flag_no_higher_dose_is_offered() -> None:
    higher = option(
        "recommended", Regimen(dose_mg=1500, interval_h=12, route="iv", duration_h=2), 800, 0.5, 0.4
    )
    ordered = option("as_ordered", ORDERED, 500, 0.5, 0.1)
    card = _card(change(red_flags=("Creatinine is rising.",), options=(ordered, higher), requests=()))

    assert card.suggestions == ()
    assert card.summary == "Vancomycin: creatinine is rising; re-evaluate before dosing"


def test_an_order_without_an_id_cannot_be_changed_from_here() -> None:
    order = {name: value for name, value in DRAFT.items() if name != "id"}

    assert _card(change(requests=()), order=order).suggestions == ()


def test_an_implausible_level_leads_and_the_dose_without_it_is_named_so() -> None:
    other = Regimen(dose_mg=1250, interval_h=12, route="iv", duration_h=2)
    card = _card(change(levels=(FLAGGED,), without_flagged=other))

    assert card.summary == (
        "Vancomycin level 8 mg/L: unlike what was expected (13–49); check unit, line, time. "
        "Dose judged without it"
    )
    assert card.detail is not None
    assert "with it the answer would be 1,250 mg every 12 h" in card.detail


def test_what_is_missing_is_said_and_can_be_ordered() -> None:
    missing = Finding(kind="excluded", about="creatinine", detail="the last one is 12 days old")
    card = _card(
        without_weight().model_copy(
            update={
                "reason": "The last creatinine is 12 days old.",
                "missing": (missing,),
                "requests": ("creatinine",),
            }
        )
    )

    assert card.summary == "Vancomycin not individualised: the last creatinine is 12 days old"
    assert [suggestion.label for suggestion in card.suggestions] == ["Order a creatinine"]
    assert card.detail is not None
    assert "the last one is 12 days old" in card.detail


def test_what_stands_among_the_drafts_is_not_ordered_again() -> None:
    """2160-0 is creatinine in serum, the code with which it would be requested."""
    card = _card(change(requests=("creatinine", "level")), requested=frozenset({"2160-0"}))

    assert not any("creatinine" in suggestion.label for suggestion in card.suggestions)
    assert any("level" in suggestion.label for suggestion in card.suggestions)


def _above_the_limit(**changes: Any) -> Recommendation:
    limit = BrokenLimit(kind="daily", text="Above the limit of 60 mg/kg a day.")
    return change(broken_limits=(limit.model_copy(update=changes),))


def test_an_order_beyond_a_hard_limit_is_warned_of_while_it_is_written() -> None:
    assert _card(change(), moment="select").indicator == "info"
    card = _card(_above_the_limit(), moment="select")
    assert card.indicator == "warning"
    assert card.summary.startswith(
        "Vancomycin 1,000 mg every 12 h: above the limit of 60 mg/kg a day → 750 mg every 12 h"
    )


@pytest.mark.parametrize("moment", ["select", "sign"])
def test_an_order_many_times_a_limit_is_critical(moment: str) -> None:
    """A slip of the decimal point is not a matter of taste."""
    assert _card(_above_the_limit(grave=True), moment=moment).indicator == "critical"


def test_a_broken_limit_leads_although_no_dose_is_worked_out() -> None:
    limit = BrokenLimit(kind="single", text="Above the highest single dose of 3,000 mg.", grave=True)
    card = _card(without_weight().model_copy(update={"broken_limits": (limit,)}))

    assert card.indicator == "critical"
    assert card.summary == (
        "Vancomycin 1,000 mg every 12 h: above the highest single dose of 3,000 mg; not individualised"
    )


def test_on_signing_an_order_is_not_let_stand_in_silence_if_something_was_not_seen() -> None:
    """Silence means that the order was looked at; a level in a strange unit was not."""
    unseen = _agree(left_out=("level of 14 arb'U: no exact conversion, not used",))

    assert card_for(_subject(_agree(), moment="sign")) is None
    card = _card(unseen, moment="sign")
    assert card.indicator == "warning"
    assert card.summary.startswith("Vancomycin not fully checked: level of 14 arb'U: no exact conversion")
    assert _card(unseen, moment="select").indicator == "info"


def test_the_dose_that_waits_leads_and_the_lower_regimen_follows() -> None:
    hold = "Hold the next dose and repeat the level: the last one, 63 mg/L, is far above 20 mg/L."
    card = _card(change(hold=hold), moment="select")

    assert card.indicator == "warning"
    assert card.summary == (
        "Vancomycin: hold the next dose and repeat the level: the last one, 63 mg/L, is far above 20 mg/L; "
        "then 750 mg every 12 h"
    )
    assert "**Hold:**" in (card.detail or "")


def test_beside_a_dose_that_waits_no_higher_dose_is_offered() -> None:
    higher = option(
        "recommended", Regimen(dose_mg=1500, interval_h=12, route="iv", duration_h=2), 800, 0.5, 0.4
    )
    ordered = option("as_ordered", ORDERED, 500, 0.5, 0.1)

    assert _card(change(hold="Hold the next dose.", options=(ordered, higher), requests=())).suggestions == ()


@pytest.mark.parametrize(
    ("inside", "measured", "said"),
    [
        (0.62, True, "fits"),
        (0.41, True, "is near the target"),
        (0.41, False, "can stand until a level"),
    ],
)
def test_an_order_fits_only_if_it_is_likelier_than_not_on_target(
    inside: float, measured: bool, said: str
) -> None:
    levels = change().levels if measured else ()
    agreed = _agree(options=(option("as_ordered", ORDERED, 500, inside, 0.2),), levels=levels)

    assert _card(agreed, moment="select").summary.startswith(f"Vancomycin 1,000 mg every 12 h {said}: ")


def test_without_a_dose_nothing_is_said_to_be_judged_without_a_level() -> None:
    no_dose = change(outcome="insufficient", levels=(FLAGGED,), options=(), reason="Levels contradict.")
    card = _card(no_dose)

    assert "judged without" not in f"{card.summary} {card.detail}"


def test_why_an_order_is_not_read_leads() -> None:
    detail = 'the order\'s dose is not read: the dose is written as "2 tablet" and no strength is stated'
    unread = Finding(kind="excluded", about="order", detail=detail)
    card = _card(change(options=change().options[1:], missing=(unread,)))

    assert card.summary.startswith(f"Vancomycin: {detail}; 750 mg every 12 h would fit")


def test_without_a_dose_an_order_beyond_usual_limits_is_a_warning() -> None:
    dangerous = without_weight().model_copy(update={"warnings": ("The order as written: above 3,000 mg.",)})

    assert _card(without_weight()).indicator == "info"
    assert _card(dangerous).indicator == "warning"


def test_an_order_at_the_edge_of_the_target_is_not_said_to_fit() -> None:
    edge = _agree(options=(option("as_ordered", ORDERED, 601, 0.35, 0.5),))

    assert "is at the edge of the target" in _card(edge, moment="select").summary
    assert "fits" in _card(_agree(), moment="select").summary


def test_an_assumption_that_changes_nothing_is_left_to_the_page() -> None:
    same = Assumption(
        text="The level of 28 mg/L is right.", otherwise="Without it", regimen_otherwise=ADVISED
    )
    other = same.model_copy(update={"regimen_otherwise": ORDERED})

    assert "**Assumed:**" not in (_card(change(assumptions=(same,))).detail or "")
    assert "Without it 1,000 mg every 12 h" in (_card(change(assumptions=(other,))).detail or "")


def test_the_plan_for_the_next_level_is_one_line() -> None:
    steps = (
        PlanStep(low=None, high=11, regimen=ORDERED, stay=False, chance=0.2),
        PlanStep(low=11, high=17, regimen=ADVISED, stay=True, chance=0.6),
        PlanStep(low=17, high=None, regimen=OTHER, stay=False, chance=0.2),
    )
    detail = _card(change(plan=steps)).detail or ""

    assert "(mg/L) below 11: 1,000 mg every 12 h; 11–17: stay; above 17: 1,000 mg every 24 h." in detail
    assert "If it shows" not in (_card(change()).detail or "")


def test_the_detail_is_a_table_and_the_basis() -> None:
    detail = _card(change()).detail or ""

    assert "| as ordered: 1,000 mg every 12 h | **recommended: 750 mg every 12 h** |" in detail
    assert "| AUC24, mg·h/L (90 %) | 652 (535–789) | **489 (401–592)** |" in detail
    assert "| AUC24 inside 400–600 | 27 % | **84 %** | 6 % |" in detail
    for part in (
        "**Why:**",
        "**Next level:**",
        "**Used:** ",
        "**Not known",
        "**Assumed:**",
        "**Model:** Goti 2018",
    ):
        assert part in detail
    assert "weight 81 kg (Fri 20 Nov, 20:00, 4 days ago)" in detail


def test_what_was_used_with_a_remark_is_not_said_to_be_unknown() -> None:
    """A level that was converted counts; the molar mass is named because it could be wrong."""
    converted = Finding(kind="note", about="levels", detail="11.6 µmol/L converted with 1,449.3 g/mol")
    detail = _card(change(missing=(converted,))).detail or ""

    assert "**Noted:** drug level: 11.6 µmol/L converted with 1,449.3 g/mol." in detail
    assert "**Not known" not in detail


def test_times_are_local_and_dated() -> None:
    """9:00 UTC on 24 November is 10:00 in Berlin; the next level is 36 h later."""
    assert "Wed 25 Nov, 22:00" in (_card(change()).detail or "")


def test_text_of_the_record_is_escaped_wherever_it_appears() -> None:
    hostile = "<img src=x onerror=alert(1)> [x](https://evil.example) | **b**"
    card = _card(
        change(
            outcome="insufficient",
            reason=f"No use of {hostile}",
            why=(hostile,),
            warnings=(hostile,),
            red_flags=(hostile,),
            used=(UsedFact(name="Level", value=hostile),),
            missing=(Finding(kind="excluded", about="levels", detail=hostile),),
            levels=(FLAGGED.model_copy(update={"note": f"not shown {hostile}"}),),
        )
    )
    rendered = MarkdownIt("commonmark", {"html": True}).enable("table").render(card.detail or "")

    for markup in ("<img", "<a ", "<strong>b"):
        assert markup not in rendered
    assert rendered.count("**b**") == 6
    assert "<img" not in card.summary


def test_each_card_names_its_order_where_there_are_several() -> None:
    detail = _card(change(), one_of_several=True).detail or ""

    assert detail.startswith("**Order:** vancomycin 1,000 mg intravenously every 12 h")


def test_reasons_are_readable_codes_of_the_standards_own_list() -> None:
    card = _card(change())

    assert card.override_reasons == OVERRIDE_REASONS
    assert len({reason.code for reason in OVERRIDE_REASONS}) == 6
    assert all(reason.system.startswith("http://terminology.hl7.org/") for reason in OVERRIDE_REASONS)


def test_the_link_says_nothing_of_the_patient() -> None:
    (link,) = _card(change()).links

    assert link.url == "https://cds.example.org/recommendations/0b8f7f3c-9f55-5b9e-8d29-7a1f0a3c2a11"
    assert link.type == "absolute"


def test_the_same_subject_gives_the_same_card() -> None:
    assert response([_card(change())]) == response([_card(change())])


def test_nothing_that_identifies_the_patient_is_in_words() -> None:
    card = _card(change(requests=()), patient_id="p-secret-17")

    assert "p-secret-17" not in json.dumps(response([card]))


def test_an_order_for_another_patient_gets_no_dose() -> None:
    card = other_patient_card("vancomycin", "sign", "k")

    assert card.indicator == "warning"
    assert card.suggestions == ()
    assert "AUC24" not in f"{card.summary}{card.detail}"


def test_a_failure_is_said_because_silence_means_agreement() -> None:
    card = failure_card("vancomycin", "k")

    assert card.indicator == "info"
    assert "not checked" in (card.detail or "")


def test_a_loading_dose_stands_in_label_table_and_order() -> None:
    advised = option("recommended", ADVISED, 489, 0.84, 0.08)
    loaded = advised.model_copy(update={"loading_dose_mg": 2000.0, "loading_duration_h": 3.0})
    card = _card(change(options=(option("as_ordered", ORDERED, 652, 0.27, 0.71), loaded), requests=()))
    update = card.suggestions[0].actions[0].resource or {}

    assert card.suggestions[0].label == (
        "Load 2,000 mg over 3 h, then 750 mg intravenously every 12 h, each over 90 min"
    )
    assert "| loading dose | none | **2,000 mg over 3 h** |" in (card.detail or "")
    assert "2000" in json.dumps(update["dosageInstruction"])

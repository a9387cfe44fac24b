"""Cards and pages where a published rule speaks: which rule, how sure, no chance that nobody knows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from hook_call import Service, hook_call, named

from fhir_adapters.order import read_order


def asked(slug: str, directory: Path, order: dict[str, Any] | None = None) -> tuple[dict[str, Any], str]:
    """The card of a scenario's question, and its page as text."""
    scenario = named(slug)
    service = Service(directory, scenario.now)
    body = hook_call(scenario)
    if order is not None:
        body["context"]["draftOrders"]["entry"][0]["resource"] |= order
    (card,) = service.ask(body)["cards"]
    page = service.client.get(urlsplit(card["links"][0]["url"]).path)
    assert page.status_code == 200
    return card, re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.get_data(as_text=True)))


RULES = ["50", "51", "52", "53", "54", "56"]


@pytest.mark.parametrize("slug", RULES)
def test_card_and_page_name_the_rule_and_its_confidence_and_claim_no_chance(
    slug: str, tmp_path: Path
) -> None:
    card, page = asked(slug, tmp_path)

    assert re.search(r"\*\*Rule:\*\* .+ confidence (high|medium)", card["detail"])
    assert "Published rules" in page
    assert "followed here" in page
    for text in (card["summary"], card["detail"], page):
        assert not re.search(r"\d % (chance|on target)|inside the target|Expected loss", text)
    assert len(card["summary"]) < 140


def test_the_first_line_says_by_which_rule_and_for_what_exposure(tmp_path: Path) -> None:
    (written,) = named("50").question.order["dosageInstruction"]
    low = {**written, "doseAndRate": [{"doseQuantity": {"value": 500, "unit": "mg"}}]}
    card, _ = asked("50", tmp_path, {"dosageInstruction": [low]})

    assert "by Calvert 1989" in card["summary"]
    assert "5.0 mg·min/mL" in card["summary"]
    assert "counted as 125 mL/min" in card["detail"]


def test_a_single_dose_is_written_back_as_a_single_dose(tmp_path: Path) -> None:
    card, _ = asked("50", tmp_path)

    (suggestion,) = card["suggestions"]
    (action,) = suggestion["actions"]
    read = read_order(action["resource"], patient_id="carboplatin-fast-kidneys").order
    assert read.kind == "single"
    assert read.regimen is not None
    assert (read.regimen.dose_mg, read.regimen.once, read.regimen.duration_h) == (750, True, 1)


def test_three_times_a_week_is_written_back_as_people_order_it(tmp_path: Path) -> None:
    card, _ = asked("52", tmp_path)

    (suggestion,) = card["suggestions"]
    (instruction,) = suggestion["actions"][0]["resource"]["dosageInstruction"]
    repeat = instruction["timing"]["repeat"]
    assert (repeat["frequency"], repeat["period"], repeat["periodUnit"]) == (3, 1, "wk")
    assert "three times a week" in instruction["text"]


def test_micrograms_are_written_back_as_micrograms(tmp_path: Path) -> None:
    card, _ = asked("51", tmp_path)

    quantity = card["suggestions"][0]["actions"][0]["resource"]["dosageInstruction"][0]["doseAndRate"][0]
    assert quantity["doseQuantity"]["code"] == "ug"
    assert quantity["doseQuantity"]["value"] == pytest.approx(8.67, abs=0.01)


@pytest.mark.parametrize("slug", ["54", "55"])  # of 55 the guideline on genes speaks before the rule
def test_what_must_not_be_given_is_critical_and_offers_no_dose(slug: str, tmp_path: Path) -> None:
    card, page = asked(slug, tmp_path)

    assert card["indicator"] == "critical"
    assert not card.get("suggestions")
    assert "Avoid" in page


def test_each_result_of_a_missing_test_is_told_with_its_dose(tmp_path: Path) -> None:
    card, page = asked("53", tmp_path)

    for text in ("Normal Metabolizer", "150 mg", "50 mg", "no thiopurine"):
        assert text in card["detail"]
        assert text in page

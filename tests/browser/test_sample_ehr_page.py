"""The sample EHR's page is a plain CDS Hooks client, whoever the service is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from browser.chromium import chromium, serving
from browser.stub_service import HOSTILE, SUMMARY, stub_service
from flask import Flask
from playwright.sync_api import Browser, Page, expect
from scenario import FIXTURES

from cds_hooks.sample_ehr import create_sample_ehr

pytestmark = pytest.mark.browser

PATIENT = "vancomycin-two-levels"
TOKEN = "lent-for-a-test"  # noqa: S105 - not a secret


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture
def service() -> Flask:
    return stub_service()


@pytest.fixture
def page(browser: Browser, service: Flask) -> Iterator[Page]:
    with serving(service) as service_url:
        ehr = create_sample_ehr(FIXTURES, service_url, token=TOKEN)
        with serving(ehr) as ehr_url:
            opened = browser.new_page(viewport={"width": 1280, "height": 900})
            opened.set_default_timeout(10_000)
            errors: list[str] = []
            opened.on("pageerror", lambda error: errors.append(str(error)))
            opened.goto(ehr_url)
            expect(opened.locator("#connection")).to_contain_text("Connected")
            opened.click(f'[data-patient="{PATIENT}"]')
            expect(opened.get_by_role("heading", name="Petrov, Stoyan")).to_be_visible()
            yield opened
            opened.close()
            assert errors == []


def _write_order(page: Page, dose: str = "1000") -> None:
    page.get_by_text("Vancomycin infusion", exact=True).click()
    page.get_by_label("Dose", exact=True).fill(dose)
    page.get_by_role("combobox", name="Every").select_option("12")
    page.get_by_label("Infused over, h").fill("2")


def _last_call(service: Flask) -> dict[str, Any]:
    call: dict[str, Any] = service.config["CALLS"][-1]
    return call


def test_a_card_shows_gravity_words_table_and_nothing_harmful(page: Page) -> None:
    _write_order(page)
    card = page.get_by_role("article", name=SUMMARY)

    expect(card.locator(".gravity")).to_contain_text("Warning")
    expect(card.get_by_role("rowheader", name="AUC24, mg·h/L (90 %)")).to_be_visible()
    expect(card.locator("td strong").first).to_have_text("489 (405–592)")
    expect(card.locator(".detail")).to_contain_text(f"CYP3A5 *1/*3 <b> and {HOSTILE}")
    expect(card.locator(".detail")).to_contain_text("[not this](javascript:alert)")
    assert page.locator(".detail img").count() == 0
    assert page.evaluate("document.body.dataset.harmed") is None
    assert [a.get_attribute("href") for a in card.locator(".detail a").all()] == ["https://example.org/guide"]


def test_what_is_sent_is_what_was_written_with_what_was_asked_for(page: Page, service: Flask) -> None:
    _write_order(page)
    expect(page.locator(".card")).to_be_visible()
    call = _last_call(service)
    order = call["context"]["draftOrders"]["entry"][0]["resource"]

    assert call["hook"] == "order-select"
    assert call["context"]["selections"] == [f"MedicationRequest/{order['id']}"]
    assert call["context"]["patientId"] == PATIENT
    assert call["context"]["encounterId"] == f"{PATIENT}-encounter"
    assert call["fhirAuthorization"]["access_token"] == TOKEN
    assert order["dosageInstruction"][0]["timing"]["repeat"] == {
        "frequency": 1,
        "period": 12,
        "periodUnit": "h",
        "duration": 2,
        "durationUnit": "h",
    }
    assert call["prefetch"]["patient"]["id"] == PATIENT
    assert len(call["prefetch"]["labs"]["entry"]) == 2
    assert "unfillable" not in call["prefetch"]


@pytest.mark.parametrize(
    ("choice", "has_prefetch", "has_server"), [("prefetch", True, False), ("server", False, True)]
)
def test_the_visitor_chooses_what_is_sent_along(
    page: Page, service: Flask, choice: str, has_prefetch: bool, has_server: bool
) -> None:
    page.get_by_role("combobox", name="Send along").select_option(choice)
    _write_order(page)
    expect(page.locator(".card")).to_be_visible()
    call = _last_call(service)

    assert ("prefetch" in call, "fhirServer" in call) == (has_prefetch, has_server)


def test_accepting_changes_the_order_and_is_reported(page: Page, service: Flask) -> None:
    _write_order(page)
    page.get_by_role("button", name="Change to 750 mg every 12 h").click()
    expect(page.locator("#journal")).to_contain_text(
        "Accepted: Change to 750 mg every 12 h (recorded by the service)"
    )
    page.get_by_role("button", name="Order a level").click()
    expect(page.locator("#journal li")).to_have_count(2)

    expect(page.get_by_label("Dose", exact=True)).to_have_value("750")
    expect(page.get_by_role("combobox", name="Every")).to_have_value("12")
    expect(page.locator("#written")).to_contain_text("First 1,750 mg once, over 3 h, then:")
    expect(page.locator("#written")).to_contain_text("Also: Vancomycin level")
    said = service.config["FEEDBACK"][0]
    assert (said["card"], said["outcome"]) == ("card-stub-order-select", "accepted")
    assert said["acceptedSuggestions"] == [{"id": "dose"}]
    assert said["outcomeTimestamp"].endswith("Z")


def test_overriding_takes_a_reason_and_is_reported(page: Page, service: Flask) -> None:
    _write_order(page)
    page.get_by_text("Do not follow this advice").click()
    page.get_by_role("combobox", name="Reason").select_option(label="Already considered")
    page.get_by_label("Comment").fill("dialysis tonight")
    page.get_by_role("button", name="Override").click()

    expect(page.locator("#journal")).to_contain_text("Overridden: Already considered, “dialysis tonight”")
    expect(page.get_by_label("Dose", exact=True)).to_have_value("1000")
    assert service.config["FEEDBACK"][0]["overrideReason"] == {
        "reason": {"code": "known", "system": "urn:example:reasons", "display": "Already considered"},
        "userComment": "dialysis tonight",
    }


def test_silence_says_so_and_signing_goes_through(page: Page, service: Flask) -> None:
    _write_order(page, dose="750")
    expect(page.locator("#cards")).to_have_text("No advice: nothing to change.")
    page.get_by_role("button", name="Sign the order").click()

    expect(page.locator("#journal")).to_contain_text("Signed: vancomycin 750 mg intravenously every 12 h")
    assert _last_call(service)["hook"] == "order-sign"
    expect(page.get_by_role("region", name="Active orders")).to_contain_text("750 mg")
    expect(page.get_by_role("region", name="Active orders")).not_to_contain_text("1,000 mg")


def test_advice_on_signing_holds_the_order_until_the_prescriber_decides(page: Page) -> None:
    _write_order(page)
    page.get_by_role("button", name="Sign the order").click()
    gate = page.get_by_text("The order is not signed yet")
    expect(gate).to_be_visible()
    expect(page.locator("#journal li")).to_have_count(0)
    page.get_by_role("button", name="Sign as written").click()

    expect(page.locator("#journal")).to_contain_text("Signed: vancomycin 1,000 mg")


def test_a_refusal_is_shown_and_the_order_can_still_be_signed(page: Page) -> None:
    _write_order(page, dose="13")
    expect(page.locator("#cards")).to_contain_text("No advice: the service answered 412: no luck.")
    page.get_by_role("button", name="Sign the order").click()

    expect(page.locator("#journal")).to_contain_text("Signed: vancomycin 13 mg")


def test_without_the_service_the_order_can_be_signed(browser: Browser) -> None:
    with serving(Flask("nobody")) as gone:
        pass
    with serving(create_sample_ehr(FIXTURES, gone, token=TOKEN)) as url:
        page = browser.new_page()
        page.goto(f"{url}/#{PATIENT}")
        expect(page.locator("#connection")).to_contain_text("does not answer")
        _write_order(page)
        expect(page.locator("#cards")).to_contain_text("the decision support service does not answer")
        page.get_by_role("button", name="Sign the order").click()

        expect(page.locator("#journal")).to_contain_text("Signed: vancomycin 1,000 mg")
        page.close()


def test_advice_on_an_older_draft_cannot_be_accepted_into_a_newer_one(page: Page) -> None:
    _write_order(page)
    expect(page.locator(".card")).to_be_visible()
    page.get_by_label("Dose", exact=True).fill("1250")

    assert page.evaluate("document.getElementById('cards').inert")
    expect(page.locator("#cards")).to_have_text("No advice: nothing to change.")


def test_the_exchange_is_shown_without_the_token(page: Page) -> None:
    _write_order(page)
    page.get_by_text("For integrators").click()

    expect(page.locator("#request")).to_contain_text('"hook": "order-select"')
    expect(page.locator("#response")).to_contain_text(SUMMARY)
    assert TOKEN not in page.locator("#request").inner_text()


def test_everything_can_be_reached_by_keyboard(page: Page) -> None:
    """From the drug on, Tab leads through the form to the signature and on to the card."""
    page.get_by_label("Vancomycin infusion").focus()
    page.keyboard.press("Space")
    reached = []
    for _ in range(24):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.name || document.activeElement.id"))

    for name in ("dose", "unit", "interval", "duration", "start", "sign", "discard", "sends"):
        assert name in reached

"""A visitor's way through the demo, in a real browser with the real service: order, card, decision, basis."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser.chromium import chromium
from browser.demo import Demo, demo
from playwright.sync_api import Browser, Page, expect

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with demo(tmp_path_factory.mktemp("demo")) as started:
        yield started


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=20_000)  # the first order of all may wait for a kernel to be read
    with chromium() as opened:
        yield opened
    expect.set_options(timeout=5_000)


@pytest.fixture
def page(browser: Browser, running: Demo) -> Iterator[Page]:
    opened = browser.new_page(viewport={"width": 1280, "height": 1000})
    opened.set_default_timeout(20_000)
    complaints: list[str] = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.context.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    opened.goto(running.url)
    yield opened
    opened.close()
    assert complaints == []


def _choose(page: Page, patient: str) -> None:
    page.click(f'[data-patient="{patient}"]')
    expect(page.locator("#order")).to_be_visible()


def _write_vancomycin(page: Page, dose: str) -> None:
    page.get_by_text("Vancomycin infusion", exact=True).click()
    page.get_by_label("Dose", exact=True).fill(dose)
    page.get_by_role("combobox", name="Every").select_option("12")
    page.get_by_label("Infused over, h").fill("2")


def test_an_order_is_written_advised_changed_and_the_basis_read(
    page: Page, running: Demo, tmp_path: Path
) -> None:
    """Two levels say that clearance is slow: less than 2 g a day is advised, whatever the exact dose."""
    _choose(page, "vancomycin-two-levels")
    _write_vancomycin(page, "1000")
    page.get_by_role("button", name="Sign the order").click()
    expect(page.get_by_text("The order is not signed yet")).to_be_visible()
    card = page.get_by_role("article").first
    expect(card.locator(".gravity")).to_contain_text("Warning")
    expect(card.get_by_role("heading", level=3)).to_contain_text("Vancomycin 1,000 mg every 12 h →")
    page.screenshot(path=tmp_path / "card.png", full_page=True)

    with page.expect_popup() as opened:
        card.locator(".links a").first.click()
    basis = opened.value
    expect(basis.get_by_role("heading", level=1)).to_contain_text("Vancomycin: 1,000 mg every 12 h →")
    expect(basis.get_by_role("img", name=re.compile("Predicted concentration")).first).to_be_visible()
    expect(basis.locator("body")).not_to_contain_text("Petrov")
    basis.screenshot(path=tmp_path / "page.png", full_page=True)

    accepted = card.locator(".suggestions button").first
    label = accepted.inner_text()
    accepted.click()
    expect(page.locator("#journal")).to_contain_text("(recorded by the service)")
    dose = float(page.get_by_label("Dose", exact=True).input_value())
    interval = float(page.get_by_role("combobox", name="Every").input_value())
    assert dose * 24 / interval < 2000
    assert f"{dose:,.0f} mg" in label

    identifier = basis.url.rpartition("/")[2]
    assert [said.outcome for said in running.ledger.feedback_for(identifier)] == ["accepted"]
    basis.reload()
    expect(basis.get_by_text("Accepted", exact=True)).to_be_visible()


def test_advice_is_overridden_with_a_reason_that_the_ledger_keeps(page: Page, running: Demo) -> None:
    _choose(page, "vancomycin-failing-kidneys")
    _write_vancomycin(page, "1000")
    card = page.get_by_role("article").first
    address = card.locator(".links a").first.get_attribute("href") or ""
    card.get_by_text("Do not follow this advice").click()
    card.get_by_role("combobox", name="Reason").select_option(index=1)
    card.get_by_label("Comment").fill("dialysis starts tonight")
    card.get_by_role("button", name="Override").click()
    expect(page.locator("#journal")).to_contain_text("(recorded by the service)")
    expect(page.get_by_label("Dose", exact=True)).to_have_value("1000")

    kept = running.ledger.feedback_for(address.rpartition("/")[2])
    assert [(said.outcome, said.comment) for said in kept] == [("overridden", "dialysis starts tonight")]
    assert kept[0].reason_code


@pytest.mark.parametrize("sends", ["both", "prefetch", "server"])
def test_the_answer_is_the_same_however_the_record_is_read(page: Page, sends: str) -> None:
    """A well-dosed patient: signing meets silence, prefetched or read with the lent token."""
    _choose(page, "vancomycin-well-dosed")
    page.get_by_role("combobox", name="Send along").select_option(sends)
    _write_vancomycin(page, "750")
    expect(page.get_by_role("article").first).to_contain_text("750 mg every 12 h fits")
    page.get_by_role("button", name="Sign the order").click()

    expect(page.locator("#journal")).to_contain_text("(no advice: nothing to change)")


def test_without_a_weight_there_is_no_dose_to_accept(page: Page) -> None:
    _choose(page, "missing-weight")
    _write_vancomycin(page, "1000")
    card = page.get_by_role("article").first

    expect(card).to_contain_text("no weight on record")
    expect(card.locator(".suggestions")).not_to_contain_text(" mg")


def test_an_unknown_drug_meets_silence(page: Page) -> None:
    _choose(page, "vancomycin-normal-kidneys")
    page.get_by_text("Amoxicillin by mouth", exact=True).click()

    expect(page.locator("#cards")).to_have_text("No advice: nothing to change.")

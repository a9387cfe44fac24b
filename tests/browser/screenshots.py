"""``python -m tests.browser.screenshots DIRECTORY``: the README's pictures, ``card.png`` and ``page.png``."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent))  # where tests find what they share

from browser.chromium import chromium
from browser.demo import demo
from playwright.sync_api import Locator, Page, expect

PATIENT = "vancomycin-two-levels"
WIDTH, HEIGHT = 1180, 2600
"""High enough that nothing scrolls."""


def main(directory: Path) -> None:
    """Write both pictures. Needs Chromium."""
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, demo(Path(scratch)) as running, chromium() as browser:
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, device_scale_factor=1.25)
        page.goto(running.url)
        page.click(f'[data-patient="{PATIENT}"]')
        page.locator("#stories button").first.click()
        expect(page.get_by_role("article").first).to_be_visible(timeout=30_000)
        page.get_by_role("button", name="Sign the order").click()
        expect(page.get_by_text("The order is not signed yet")).to_be_visible()
        address = page.locator(".links a").first.get_attribute("href") or ""
        _part(page, page.locator("#order"), page.locator(".card .detail p").nth(1), directory / "card.png")

        page.goto(address)
        _part(page, page.locator("header"), page.locator("main section").nth(2), directory / "page.png")


def _part(page: Page, first: Locator, last: Locator, path: Path) -> None:
    """The page from the top of one element to the bottom of another."""
    top, end = first.bounding_box(), last.bounding_box()
    assert top is not None
    assert end is not None
    margin = 12
    x = max(0.0, top["x"] - margin)
    y = max(0.0, top["y"] - margin)
    width = min(WIDTH - x, top["width"] + 2 * margin)
    height = end["y"] + end["height"] + margin - y
    page.screenshot(path=path, full_page=True, clip={"x": x, "y": y, "width": width, "height": height})


if __name__ == "__main__":
    main(Path(sys.argv[1]))

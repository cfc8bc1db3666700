"""Files that the app hands out, as a reader gets them."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import Download, Page, expect

from tests.browser.conftest import OpenPage, button, drawn

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LINK = "/?data=xor&depth=2&width=8&seeds=2&steps=40"


def downloaded(page: Page, label: str) -> Download:
    with page.expect_download() as found:
        page.get_by_role("button", name=label, exact=True).click()
    return found.value


def text_of(download: Download) -> str:
    return Path(download.path()).read_text("utf-8")


def test_the_menu_hands_out_the_run_that_is_shown(open_page: OpenPage):
    page = drawn(open_page(LINK))
    button(page, "Train").click()
    page.wait_for_function("() => window.bnLabStep === 40")
    button(page, "Export").click()
    numbers = downloaded(page, "Numbers (CSV)")
    assert numbers.suggested_filename == "batch_norm_lab_run.csv"
    assert text_of(numbers).splitlines()[-1].startswith("40,")
    code = text_of(downloaded(page, "PyTorch script"))
    assert "Link: http://127.0.0.1:" in code and "data=xor" in code
    cells = json.loads(text_of(downloaded(page, "Notebook")))["cells"]
    assert "in_the_lab" in "".join(cells[-1]["source"])


def test_a_report_draws_its_charts_without_a_network_and_they_zoom(open_page: OpenPage):
    page = drawn(open_page(LINK))
    button(page, "Step").click()
    button(page, "Export").click()
    report = downloaded(page, "Report (HTML)")
    held = Path(report.path()).with_suffix(".html")
    Path(report.path()).rename(held)
    page.set_viewport_size({"width": 390, "height": 844})
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(held.as_uri())
    page.wait_for_function("() => document.documentElement.dataset.drawn === '6'")
    expect(page.locator(".plot .main-svg").first).to_be_visible()
    before = page.evaluate("() => document.getElementById('plot-0').layout.xaxis.range")
    page.locator("#plot-0").scroll_into_view_if_needed()
    box = page.locator("#plot-0 .nsewdrag").first.bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 0.3 * box["width"], middle)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.7 * box["width"], middle, steps=4)
    page.mouse.up()
    page.wait_for_function(
        "(before) => { const now = document.getElementById('plot-0').layout.xaxis.range;"
        " return now[1] - now[0] < 0.6 * (before[1] - before[0]); }",
        arg=before,
    )
    wide = page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth")
    assert wide <= 0
    assert [url for url in asked if not url.startswith(("file:", "blob:", "data:"))] == []


def test_an_experiment_hands_out_its_report(open_page: OpenPage):
    page = open_page("/experiment?experiment=lag&seeds=2&quick=on")
    button(page, "Run").click()
    expect(page.get_by_text("What was found before.")).to_be_visible(timeout=90_000)
    report = downloaded(page, "Report (HTML)")
    assert report.suggested_filename == "batch_norm_lab_lag.html"
    text = text_of(report)
    assert "/experiment?experiment=lag" in text and "a quick look" in text

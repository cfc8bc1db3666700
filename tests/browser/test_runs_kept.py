"""Runs that are kept, as a reader meets them: after a click, a reload, in another tab."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import button, drawn

pytestmark = pytest.mark.browser

SMALL = "depth=2&width=16&seeds=1&steps=8"

STORED = """() => Object.keys(localStorage).filter((key) => key.startsWith("bn-lab.run."))
  .map((key) => JSON.parse(localStorage.getItem(key)))"""
GHOSTS = """() => (document.querySelector(".bn-loss .bn-plot")?._fullData ?? [])
  .filter((trace) => trace.name?.startsWith("earlier")).length"""
PRESS_TRAIN_WHILE_STORAGE_TELLS = """() => {
  const key = "bn-lab.run.0123456789abcdef";
  window.dispatchEvent(new StorageEvent("storage", { key, newValue: null }));
  setTimeout(() => document.querySelector(".st-key-lab_toolbar button").click(), 150);
}"""


def stored(page: Page, count: int) -> list[dict]:
    """Return what the browser stores once it stores so many runs."""
    page.wait_for_function(f"() => ({STORED})().length === {count}")
    return page.evaluate(STORED)


def rows(page: Page):
    return page.locator(".bn-runs tbody")


@pytest.mark.slow
def test_a_run_stays_as_a_faint_curve_and_on_its_page_after_a_reload(open_page):
    page = drawn(open_page("/?" + SMALL))
    with page.expect_response("**/lab-files/kept/*", timeout=60_000) as confirmed:
        button(page, "Train").click()
    assert confirmed.value.status == 204
    page.wait_for_function("() => window.bnLabStep === 8")
    (first,) = stored(page, 1)
    assert first["steps"] == 8 and "steps=8" in first["link"]
    button(page, "New seeds").click()
    page.wait_for_function(f"() => window.bnLabStep === 0 && ({GHOSTS})() === 2")
    expect(page.get_by_text("Faint curves: the run before this one")).to_be_visible()

    page.reload()
    page.wait_for_function(f"() => window.bnLabStep === 0 && ({GHOSTS})() === 2")
    page.evaluate(PRESS_TRAIN_WHILE_STORAGE_TELLS)
    page.wait_for_function("() => window.bnLabStep === 8")
    stored(page, 2)

    page.goto(page.url.split("?")[0] + "runs")
    expect(rows(page)).to_have_count(2)
    expect(page.locator(".bn-panel")).to_have_count(2)
    field = rows(page).first.get_by_label("Note on")
    field.fill("<b>not bold</b>")
    field.press("Enter")
    page.wait_for_function(f'() => ({STORED})().some((run) => run.note === "<b>not bold</b>")')
    expect(rows(page).first.locator("td b")).to_have_text("A")

    rows(page).first.get_by_role("button", name="Delete").focus()
    page.keyboard.press("Enter")
    expect(rows(page)).to_have_count(1)
    assert stored(page, 1)[0]["link"] == first["link"]
    button(page, "Undo").click()
    expect(rows(page)).to_have_count(2)
    assert {run["note"] for run in stored(page, 2)} == {"", "<b>not bold</b>"}

    rows(page).first.get_by_role("checkbox").uncheck()
    page.wait_for_url("**show=*")
    button(page, "Steps").click()
    page.wait_for_url("**sort=*")
    page.reload()
    expect(rows(page)).to_have_count(2)
    expect(rows(page).get_by_role("checkbox", checked=True)).to_have_count(1)
    other_tab_brings_a_run(page, first)


def other_tab_brings_a_run(page: Page, first: dict) -> None:
    """Have another tab on the same storage train a run, and keep both tabs' runs."""
    other = page.context.new_page()
    other.goto(page.url.split("runs")[0] + f"?{SMALL}&batch=8")
    drawn(other)
    button(other, "Train").click()
    expect(rows(page)).to_have_count(3, timeout=60_000)
    assert first["link"] in [run["link"] for run in stored(page, 3)]
    other.close()
    rows(page).last.get_by_role("link", name="Open").click()
    page.wait_for_url("**/?*depth=2*")
    drawn(page)


@pytest.mark.slow
def test_a_browser_without_storage_says_so(open_page):
    page = open_page("/runs")
    expect(page.get_by_text("No run is kept yet")).to_be_visible()
    page.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new Error('closed'); } })"
    )
    page.reload()
    expect(page.get_by_text("stores nothing for this site")).to_be_visible()

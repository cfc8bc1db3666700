"""Links are copied, lead back step by step, and fit a page into another one."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import button, drawn

pytestmark = pytest.mark.browser

SMALL = "depth=3&width=32&seeds=2"
RESTS = "[data-testid=stApp][data-test-script-state=notRunning]"


def arrive(page: Page, title: str) -> None:
    """Wait until a page is shown and rests."""
    expect(page.locator("h1")).to_have_text(title)
    page.wait_for_selector(RESTS)


@pytest.mark.slow
def test_each_way_to_a_page_is_one_step_back(open_page):
    page = drawn(open_page("/?" + SMALL))
    page.get_by_test_id("stTopNavLink").filter(has_text="Claims").click()
    arrive(page, "Claims")
    page.locator("a[href*='experiment=']").first.click()
    arrive(page, "Experiment")
    page.wait_for_url(re.compile(r"/experiment\?experiment="))
    page.go_back()
    arrive(page, "Claims")
    page.go_back()
    arrive(page, "The Lab")
    assert "depth=3" in page.url


def test_the_link_is_copied_or_where_that_is_refused_shown_to_copy(open_page):
    page = drawn(open_page("/?" + SMALL))
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    button(page, "Copy link").click()
    expect(page.locator(".bn-copy [role=status]")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == page.url
    page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    button(page, "Copy link").click()
    link = page.get_by_role("textbox", name="The link of this page")
    expect(link).to_be_focused()
    expect(link).to_have_value(page.url)
    assert page.evaluate("getSelection().toString()") == page.url


@pytest.mark.slow
def test_an_embedded_lab_has_no_navigation_and_leads_to_the_whole_page(open_page):
    page = drawn(open_page("/?embed=lab&" + SMALL))
    expect(page.get_by_role("link", name="Open in Batch Norm Lab")).to_be_visible()
    expect(page.get_by_test_id("stHeader")).to_be_hidden()
    expect(button(page, "Copy link")).to_be_hidden()
    expect(button(page, "Examples")).to_have_count(0)
    page.get_by_role("slider", name="Hidden layers").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_url(re.compile("depth=4"))
    assert "embed=true" in page.url
    link = page.get_by_role("link", name="Open in Batch Norm Lab")
    link.focus()
    expect(link).to_have_attribute("href", page.url.replace("embed=true&", ""))


@pytest.mark.slow
def test_paper_gets_charts_of_its_width_and_no_buttons(open_page):
    page = drawn(open_page("/?" + SMALL, dark=True))
    page.wait_for_selector(RESTS)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    for name in ("Train", "Copy link", "All settings", "Add a net"):
        expect(button(page, name)).to_be_hidden()
    cut = page.evaluate(
        "[...document.querySelectorAll('.bn-plot')].map(plot => "
        "plot.querySelector('.main-svg').getBoundingClientRect().right"
        " - plot.getBoundingClientRect().right)"
    )
    assert len(cut) == 6 and max(cut) <= 1
    edges = page.locator(".bn-panel").evaluate_all(
        "panels => panels.map(panel => panel.getBoundingClientRect().right)"
    )
    assert max(edges) <= 720
    page.emulate_media(media="screen")
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    expect(button(page, "Train")).to_be_visible()


@pytest.mark.slow
def test_one_press_of_back_leaves_a_page_that_writes_its_own_address(open_page):
    page = drawn(open_page("/?" + SMALL))
    for name in ("Inside the layer", "Internal covariate shift"):
        page.get_by_role("link", name=name).click()
        page.wait_for_url(re.compile("chapter=1"))
        page.go_back()
        page.wait_for_url(re.compile(re.escape(f"/?{SMALL}") + "$"))
        page.wait_for_selector(RESTS)

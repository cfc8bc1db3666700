"""A stability map in a browser: run by key, a rectangle dragged, a cell clicked into the Lab."""

import re
from urllib.parse import parse_qsl, urlsplit

import pytest
from playwright.sync_api import Page, expect

from bn_core.comparison import comparison_from_query
from bn_core.sweeps.link import sweep_from_query
from bn_core.sweeps.sweep import Sweep
from tests.browser.conftest import OpenPage, button

pytestmark = pytest.mark.browser

LINK = "/stability_map?data=moons&points=60&width=4&steps=20&batch=8&y=depth&yr=1.0:2.0&size=8"


def query_of(page: Page) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(page.url).query))


def sweep_of(page: Page) -> Sweep:
    sweep, complaints = sweep_from_query(query_of(page))
    assert not complaints
    return sweep


def place_in(page: Page, arm: int, x: float, y: float) -> tuple[float, float]:
    """Return the pixel at shares of a map's width and height, counted from below."""
    plot = page.locator(f".bn-map_{arm} .nsewdrag").first
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    assert box is not None
    return box["x"] + x * box["width"], box["y"] + (1 - y) * box["height"]


@pytest.mark.slow
def test_a_map_is_run_zoomed_and_left_for_the_lab(open_page: OpenPage):
    page = open_page(LINK)
    expect(button(page, "Run")).to_be_enabled()
    whole = sweep_of(page)
    page.keyboard.press("t")
    conclusion = page.locator(".bn-conclusion")
    expect(conclusion).to_contain_text("So: ")

    page.mouse.move(*place_in(page, 0, 0.3, 0.9))
    page.mouse.down()
    page.mouse.move(*place_in(page, 0, 0.5, 0.5))
    page.mouse.move(*place_in(page, 0, 0.7, 0.1))
    page.mouse.up()
    page.wait_for_url(re.compile("xr="))
    part = sweep_of(page)
    assert whole.x.low < part.x.low < part.x.high < whole.x.high and part.y == whole.y
    expect(button(page, "Run")).to_be_enabled()
    expect(page.locator(".bn-map_0 .bn-reset")).to_be_hidden()
    expect(conclusion).to_contain_text("So: ")
    page.go_back()
    page.wait_for_url(lambda url: "xr=" not in url)
    expect(page.get_by_text("The map below is of other settings")).to_have_count(0)

    page.mouse.click(*place_in(page, 1, 3.5 / 8, 0.75))
    train = button(page, "Train")
    expect(train).to_be_enabled()
    comparison, warnings = comparison_from_query(query_of(page))
    assert not warnings and comparison == whole.comparison((3, 1))
    train.click()
    page.wait_for_function("() => window.bnLabStep >= 20")

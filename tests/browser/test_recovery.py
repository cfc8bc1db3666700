"""Connections that are lost and servers that restart: the page comes back by itself."""

import re
from contextlib import ExitStack
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import app_started, button, drawn, free_port, wait_for_step
from tests.browser.proxy import Proxy

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LINK = "/?steps=9000&depth=3&width=32&seeds=2&act=tanh"
SECONDS_AWAY = 26
"""Longer than the server keeps a run whose page has gone."""
RECOVERS = 60_000
"""Milliseconds; most of it is Streamlit's own waiting before it connects again."""

NOTE_STEPS = """() => {
  window.steps = [];
  const note = () => window.steps.push(window.bnLabStep);
  new MutationObserver(note).observe(document.body, {childList: true, subtree: true});
}"""

RECORDED_SOME = "() => Number(document.querySelector('.bn-time input').max) >= 3"


def train(page: Page, step: int = 5) -> None:
    """Train until the charts show a step."""
    button(page, "Train").click()
    expect(button(page, "Pause")).to_be_visible()
    wait_for_step(page, step)


def stands_at_its_start(page: Page) -> None:
    page.wait_for_function("() => window.bnLabStep === 0", timeout=RECOVERS)
    expect(button(page, "Train")).to_be_visible()
    expect(button(page, "Pause")).to_have_count(0)


def test_a_server_that_restarts_while_nets_train_is_met_with_the_same_settings(open_page):
    port = free_port()
    with ExitStack() as first:
        first.enter_context(app_started(port))
        page = drawn(open_page(f"http://127.0.0.1:{port}{LINK}"))
        page.get_by_role("slider", name="Hidden layers").focus()
        page.keyboard.press("ArrowRight")
        page.wait_for_url(re.compile("depth=4"))
        train(page)
        link = page.url
    with app_started(port):
        stands_at_its_start(page)
        assert page.url == link
        assert page.get_by_role("slider", name="Hidden layers").input_value() == "4"
        train(page)


def recorded_steps(page: Page) -> int:
    """Return how many steps before the newest one the time slider goes back to."""
    return int(page.locator(".bn-time input").get_attribute("max") or 0)


@pytest.mark.long
def test_a_run_that_was_forgotten_meanwhile_goes_on_where_it_was_with_its_record(
    open_page, address
):
    with Proxy(urlsplit(address).port or 0) as way:
        page = drawn(open_page(way.address + LINK))
        train(page)
        page.wait_for_function(RECORDED_SOME)
        way.cut()
        expect(page.locator(".bn-notice")).to_contain_text("does not answer")
        step, recorded = page.evaluate("window.bnLabStep"), recorded_steps(page)
        page.evaluate(NOTE_STEPS)
        page.wait_for_timeout(1000 * SECONDS_AWAY)
        way.mend()
        page.wait_for_function(f"() => window.bnLabStep > {step}", timeout=RECOVERS)
        expect(button(page, "Pause")).to_be_visible()
        wait_for_step(page, page.evaluate("window.bnLabStep") + 5)
        assert min(page.evaluate("window.steps")) >= step, "the charts went back"
        assert recorded_steps(page) >= recorded
        page.locator(".bn-time input").focus()
        page.keyboard.press("Home")
        expect(page.locator(".bn-time output")).to_contain_text("back at step 0 of")


def test_a_short_loss_of_the_connection_keeps_the_run(open_page, address):
    with Proxy(urlsplit(address).port or 0) as way:
        page = drawn(open_page(way.address + LINK))
        train(page)
        way.cut()
        expect(page.locator(".bn-notice")).to_contain_text("does not answer")
        step = page.evaluate("window.bnLabStep")
        way.mend()
        wait_for_step(page, step + 5)
        expect(button(page, "Pause")).to_be_visible()


HEAVY = "/?depth=20&width=256&seeds=10&batch=16&arms=none-before-after-layer-group"
SECONDS_HELD = 5


@pytest.mark.long
def test_new_seeds_held_down_for_five_seconds_stop_nobodys_training(open_page):
    held = drawn(open_page(HEAVY))
    held.locator("h1").click()
    for _ in range(30 * SECONDS_HELD):  # as often as a keyboard repeats
        held.keyboard.down("n")
        held.wait_for_timeout(33)
    held.keyboard.up("n")
    other = drawn(open_page(LINK))
    train(other, step=20)
    button(held, "Train").click()
    wait_for_step(held, 1)

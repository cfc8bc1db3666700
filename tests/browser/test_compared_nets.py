"""Nets are added, changed and removed in the Lab's bar, by keyboard, and the link holds them."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import button, drawn

pytestmark = pytest.mark.browser

SMALL = "depth=3&width=32&seeds=2"
RESTS = "[data-testid=stApp][data-test-script-state=notRunning]"


def open_by_key(page: Page, name: str) -> None:
    """Open what a button of the bar holds, with Enter."""
    page.wait_for_selector(RESTS)
    button(page, name).focus()
    page.keyboard.press("Enter")


def chips(page: Page) -> list[str]:
    """Return the labels of the nets that are compared."""
    nets = page.locator(".st-key-lab_nets")
    removers = nets.get_by_role("button", name=re.compile(r"^Remove "))
    return [words.partition("Remove ")[2].strip() for words in removers.all_inner_texts()]


@pytest.mark.slow
def test_a_net_is_added_by_keyboard_and_the_link_brings_it_back(open_page):
    page = drawn(open_page("/?" + SMALL))
    open_by_key(page, "Add a net")
    slider = page.get_by_test_id("stPopoverBody").get_by_role("slider", name="Batch size")
    slider.focus()
    expect(button(page, "Add this net")).to_be_disabled()  # nothing differs yet
    page.keyboard.press("Home")
    expect(page.get_by_text(re.compile("It will be called BN before, batch 1"))).to_be_visible()
    page.wait_for_selector(RESTS)
    button(page, "Add this net").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("arms="))
    expect(page.get_by_test_id("stPopoverBody")).to_have_count(0)
    expect(page.locator(".bn-summary tbody tr")).to_have_count(3)
    assert chips(page) == ["No norm", "BN before", "BN before, batch 1"]

    other = drawn(open_page(page.url))
    expect(other.locator(".bn-summary tbody tr")).to_have_count(3)
    assert chips(other) == chips(page)

    other.locator(".st-key-lab_nets").get_by_role("button", name="Remove No norm").click()
    expect(other.locator(".bn-summary tbody tr")).to_have_count(2)
    other.go_back()
    expect(other.locator(".bn-summary tbody tr")).to_have_count(3)
    assert chips(other) == chips(page)


@pytest.mark.slow
def test_all_settings_say_how_many_differ_and_return_to_the_usual(open_page):
    page = drawn(open_page("/?" + SMALL))
    open_by_key(page, "All settings: 2 changed")
    page.get_by_role("combobox", name="Activation").focus()
    page.keyboard.type("tanh")
    page.keyboard.press("Enter")
    expect(button(page, "All settings: 3 changed")).to_be_visible()
    page.wait_for_url(re.compile("act="))
    button(page, "Back to the usual values").click()
    expect(page.get_by_text("All of these are at their usual values.")).to_be_visible()
    page.wait_for_url(re.compile(r"\?depth=3$"))

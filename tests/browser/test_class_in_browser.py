"""A class in real browsers: the page of a teacher, and a student without a mouse."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import button

pytestmark = [pytest.mark.browser, pytest.mark.slow]

DRAWN = ["ArrowUp"] * 3 + ["ArrowRight"] * 12 + ["ArrowDown"] * 4 + ["Enter"]


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def tab_to(page: Page, name: str) -> None:
    """Go on with Tab until the focus is on what has a name."""
    wanted = page.get_by_role("button", name=re.compile(f"^{name}\\b"))
    for _ in range(40):
        if wanted.evaluate("(one) => one === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not lead to {name}")


def test_a_class_answers_twice_draws_a_curve_and_sees_the_result(open_page) -> None:
    teacher = open_page("/?depth=2&width=16&seeds=1&steps=20")
    expect(button(teacher, "Train")).to_be_enabled()
    teacher.get_by_text("Learn", exact=True).first.click()
    teacher.get_by_text("The class", exact=True).first.click()
    button(teacher, "Open a class").click()
    code = teacher.locator(".bn-code").inner_text()
    student = open_page("/join")
    student.locator("#given").focus()
    student.keyboard.type(code.lower())
    press(student, "Enter")
    expect(student.locator("#state")).to_contain_text("Wait")
    expect(teacher.locator(".bn-class-counts")).to_contain_text("1 here")

    button(teacher, "Ask the class").click()
    expect(student.locator("#question")).not_to_be_empty()
    tab_to(student, "B")
    press(student, "Enter")
    expect(student.locator("#said")).to_have_text("Your answer B is counted.")
    expect(teacher.locator(".bn-class-counts")).to_contain_text("1 answered")
    student.reload()
    pressed = student.locator("#choices button[aria-pressed=true]")
    expect(pressed).to_contain_text("B")
    teacher.locator("h1").first.click()
    press(teacher, "PageDown")
    expect(student.locator("#state")).to_contain_text("closed")
    press(teacher, "PageDown")
    expect(student.locator("#state")).to_contain_text("again")
    tab_to(student, "A")
    press(student, "Enter")
    expect(student.locator("#said")).to_have_text("Your answer A is counted.")
    press(teacher, "PageDown")
    for page, place in ((student, "#results"), (teacher, ".bn-class-results")):
        expect(page.locator(f"{place} th").nth(2)).to_have_text("Second vote (1)")
        width = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert width <= 0

    teacher.get_by_text("Ask a question").click()
    teacher.get_by_text("A curve of the Lab's run").click()
    expect(teacher.get_by_text("Curve", exact=True)).to_be_visible()
    button(teacher, "Ask the class").click()
    picture = student.locator("#drawing svg")
    picture.focus()
    press(student, *DRAWN)
    expect(student.locator("#said")).to_have_text("Your curve is counted.")
    button(teacher, "4 Show the answers").click()
    expect(student.locator("#results .bn-mine")).to_have_count(1)
    button(teacher, "End the class").click()
    button(teacher, "End it now").click()
    expect(student.locator("#state")).to_contain_text("ended")

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


CUT_OFF = """() => [...document.querySelectorAll('.bn-present *')].filter((one) => {
  const box = one.getBoundingClientRect();
  return box.width && box.height && (box.right > innerWidth + 1 || box.bottom > innerHeight + 1);
}).map((one) => one.outerHTML.slice(0, 80))"""


@pytest.mark.long
def test_a_class_measures_a_map_and_a_student_submits_from_the_lab_of_the_teacher(
    open_page,
) -> None:
    teacher = open_page("/?depth=2&width=16&seeds=1&steps=20")
    expect(button(teacher, "Train")).to_be_enabled()
    teacher.get_by_text("Learn", exact=True).first.click()
    teacher.get_by_text("The class", exact=True).first.click()
    button(teacher, "Open a class").click()
    student = open_page(f"/join?c={teacher.locator('.bn-code').inner_text()}")
    teacher.mouse.move(0, 0)  # no help stands over the buttons
    button(teacher, "Present large").click()
    expect(teacher.get_by_alt_text("QR code")).to_be_visible()
    teacher.keyboard.press("Escape")

    button(teacher, "Give it to everyone").click()
    given = student.locator("#open a")
    expect(given).to_be_visible()
    lab = open_page("/" + given.get_attribute("href").rpartition("/")[2])
    expect(button(lab, "Train")).to_be_enabled()
    button(teacher, "Train together").click()
    button(teacher, "Begin").click()
    expect(button(teacher, "Stop training together")).to_be_visible()
    button(lab, "Submit to class").click()
    expect(lab.locator(".bn-submit")).to_contain_text("Seed 0")
    expect(student.locator("#pool")).to_contain_text("1 of 1 seeds")
    student.get_by_text("Submit a run by its link").click()
    student.locator("#pool input").fill(lab.url.replace("depth=2", "depth=3"))
    button(student, "Submit").click()
    expect(student.locator("#said")).to_contain_text("“Hidden layers”")
    button(teacher, "Stop training together").click()

    button(teacher, "Train together").click()
    teacher.get_by_text("A line of a map").click()
    button(teacher, "Begin").click()
    button(student, "Train a part of the map").click()
    expect(student.locator("#pool")).to_contain_text("1 of 8 parts")
    expect(student.locator("#pool p").first).to_contain_text("of 8 cells")
    button(teacher, "Present large").click()
    expect(teacher.locator(".bn-present .bn-map")).to_have_count(2)
    for width, height in ((1280, 720), (1920, 1080)):
        teacher.set_viewport_size({"width": width, "height": height})
        teacher.wait_for_function(
            f"() => document.querySelector('.bn-present').clientWidth === {width}"
        )
        assert teacher.evaluate(CUT_OFF) == []

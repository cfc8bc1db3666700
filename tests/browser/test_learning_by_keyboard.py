"""A lesson's step, a drawn prediction, the quiz and a challenge, by keyboard alone."""

import re

import pytest
from playwright.sync_api import Page, expect

from bn_core import lessons
from bn_core.lessons.guided import Step
from bn_core.lessons.progress import parse
from tests.browser.conftest import OpenPage, button, drawn
from tests.browser.test_pages import PHONE, SIDEWAYS, go, rest

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LESSON = next(one for one in lessons.lessons() if one.slug == "depth-and-rate")
STEP = LESSON.steps[0]
NAME = f"{LESSON.slug}/{STEP.id}"
FOCUSED = """() => { const e = document.activeElement;
  return (e.getAttribute("aria-label") ?? e.innerText ?? "").trim() }"""
MOST_TABS = 80
WHOLE_RUN = 480_000
"""Milliseconds in which a machine with much else to do has trained the run to its end."""


def tab_to(page: Page, name: str) -> None:
    """Press Tab until what has the focus is called so."""
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        if page.evaluate(FOCUSED).startswith(name):
            return
    raise AssertionError(f"“{name}” is not reached by the keyboard")


def press_shortcut(page: Page, key: str) -> None:
    """Press the key that a button names, once the button is there."""
    expect(page.get_by_role("button", name=re.compile(f"Shortcut {key}$"))).to_be_enabled()
    rest(page).keyboard.press(key)


def stored(page: Page) -> str:
    return page.evaluate("() => localStorage.getItem('bn-lab.progress') ?? ''")


def address_of(step: Step) -> str:
    here = f"lesson={LESSON.slug}&step={step.id}"
    return f"{step.link.address}&{here}"


@pytest.mark.timeout(600)
def test_a_step_is_predicted_drawn_trained_and_explained(open_page: OpenPage):
    page = drawn(rest(open_page(address_of(STEP))))
    panel = page.locator(".st-key-lesson_panel")
    panel.locator("input[type=radio]").first.focus()
    page.keyboard.press("Space")
    rest(page)
    tab_to(page, "Drawing of the training loss")
    page.keyboard.press("PageUp")
    page.keyboard.press("Space")
    page.keyboard.press("End")
    for _ in range(2):
        page.keyboard.press("PageDown")
    page.keyboard.press("Space")
    expect(panel.locator("output")).to_contain_text("a point here, 2 in all")
    expect(panel.locator(".bn-draw-words")).to_contain_text("Now train")
    page.keyboard.press("t")
    expect(panel.locator(".bn-draw-words")).to_contain_text("of the axis apart", timeout=WHOLE_RUN)
    expect(panel.get_by_text("You predicted")).to_be_visible()
    assert panel.locator(".bn-draw-run").get_attribute("d")
    page.wait_for_function("() => localStorage.getItem('bn-lab.progress')?.includes('usual')")
    held = parse(stored(page))
    assert NAME in held.done and NAME in held.predictions
    tab_to(page, "Next step")
    page.keyboard.press("Enter")
    expect(panel.locator("summary")).to_contain_text("step 2 of 4")
    expect(page).to_have_url(re.compile("lr=1&.*step=large"))
    expect(panel.locator(".bn-step")).to_be_focused()
    expect(panel.locator(".bn-step")).to_have_text(LESSON.steps[1].question)


def test_a_question_is_answered_and_a_second_visit_knows_it(open_page: OpenPage):
    one, other = lessons.quiz()[:2]
    page = rest(open_page(f"/quiz?question={one.id}"))
    for answered, key in enumerate("cb", start=1):  # the second question of the pair follows
        answer = page.locator("[class*=st-key-quiz_question_] button")
        expect(answer).to_have_text([re.compile(f"^{letter} ") for letter in "ABC"])
        words = answer.nth("abc".index(key)).inner_text()
        rest(page).keyboard.press(key)
        expect(page.get_by_text("You answered")).to_have_count(answered)
        expect(
            page.get_by_text(re.compile(rf"{re.escape(words)}.*\(your answer\)"))
        ).to_be_visible()
    press_shortcut(page, "N")
    expect(page).to_have_url(re.compile(f"question={other.id}"))
    page.wait_for_function("() => localStorage.getItem('bn-lab.progress')?.includes('again')")
    held = parse(stored(page))
    assert set(held.answers) == set(held.again) == {one.id}
    later = rest(open_page(f"/quiz?question={one.id}"))
    expect(later.get_by_text("You answered")).to_have_count(2)


def test_a_challenge_is_reached_by_a_run_whose_link_proves_it(open_page: OpenPage):
    one = next(one for one in lessons.challenges() if one.id == "sprint")
    page = drawn(rest(open_page(f"{one.solution.address}&challenge={one.id}")))
    panel = page.locator(".st-key-lesson_panel")
    page.keyboard.press("t")
    expect(panel.get_by_text("Reached. This link proves it")).to_be_visible()
    page.wait_for_function("() => localStorage.getItem('bn-lab.progress')?.includes('sprint')")
    assert parse(stored(page)).proofs[one.id].comparison == one.solution.comparison


def test_on_a_phone_a_lesson_stands_below_the_page_and_folds(open_page: OpenPage):
    page = rest(open_page(address_of(STEP), size=PHONE))
    panel = page.locator(".st-key-lesson_panel")
    box = panel.bounding_box()
    assert box and box["y"] > PHONE["height"] / 2 - 20 and box["width"] <= PHONE["width"]
    panel.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(panel.get_by_role("button", name="Set this up")).to_be_hidden()
    expect(panel.locator("summary")).to_contain_text("step 1 of 4")
    assert page.evaluate(SIDEWAYS) <= 0


def test_the_first_visit_is_offered_the_start_and_a_second_one_is_not(open_page: OpenPage):
    page = rest(open_page("/lessons"))
    # The browser of these tests has been here before; now it knows nothing of that any more.
    page.add_init_script("localStorage.removeItem('bn-lab.visited')")
    page.goto(page.url.removesuffix("lessons"))
    expect(page.locator(".st-key-welcome")).to_be_visible()
    page.locator(".st-key-welcome").get_by_role("link", name="Start").focus()
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Start")
    expect(page.locator(".bn-nets")).to_be_visible()
    page.keyboard.press("t")
    expect(button(page, "Pause")).to_be_visible()
    page.keyboard.press("t")
    go(page, "The Lab")
    expect(page.locator(".st-key-welcome")).to_be_hidden()
    assert page.evaluate("() => localStorage.getItem('bn-lab.visited')") == "1"

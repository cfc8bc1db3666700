"""A teacher arranges a lesson in the Lab, and a student opens its link."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage, button, drawn
from tests.browser.test_pages import PHONE, SIDEWAYS, rest

pytestmark = [pytest.mark.browser, pytest.mark.slow]

STATE = "/?depth=4&steps=40&lr=0.5&speed=full"
QUESTION = "Which of these nets <b>learns</b> sooner?"


def choose(page: Page, label: str, option: str) -> None:
    """Choose an option of a list in the lesson's panel."""
    page.locator(".st-key-lesson_panel").get_by_role("combobox", name=label, exact=True).click()
    page.get_by_role("option", name=option, exact=True).click()
    rest(page)


def test_what_a_teacher_arranges_is_what_a_student_sees_predicts_and_trains(open_page: OpenPage):
    page = drawn(rest(open_page(STATE)))
    button(page, "Export").click()
    page.get_by_role("button", name="Make a lesson").click()
    view = page.get_by_role("button", name="View as student")
    expect(view).to_be_disabled()
    choose(page, "All of them", "Locked")
    choose(page, "Hidden layers", "Hidden")
    choose(page, "Students predict", "which net does best")
    question = page.get_by_label("Question", exact=True)
    question.fill("Which")
    question.blur()
    expect(view).to_be_enabled()
    question.fill(QUESTION)  # the press comes before the page knows of the last words
    with page.expect_popup() as opened:
        view.click()
    student = drawn(rest(opened.value))
    panel = student.locator(".st-key-lesson_panel")
    expect(panel.locator(".bn-step")).to_have_text(QUESTION)
    expect(panel.get_by_text("come from whoever made the link")).to_be_visible()
    bar = student.locator(".st-key-lab_bar")
    expect(bar.get_by_text("Locked by this lesson")).to_have_count(4)  # data, rate, batch, nets
    expect(bar.get_by_text("Hidden layers")).to_have_count(0)
    norms = student.locator(".bn-nets .bn-chip-fixed_norm")
    expect(norms).to_have_count(4)
    style = "one => getComputedStyle(one).backgroundColor"
    plain = student.locator(".bn-nets .bn-chip-activation").first.evaluate(style)
    assert norms.first.evaluate(style) != plain
    expect(student.locator(".bn-nets button.bn-chip")).to_have_count(0)
    expect(student.locator(".bn-lane-tools").first).to_be_hidden()
    expect(button(student, "Train")).to_be_disabled()
    panel.get_by_text("BN before", exact=True).click()
    expect(button(student, "Train")).to_be_enabled()
    rest(student).keyboard.press("t")
    expect(panel.get_by_text("You predicted “BN before”")).to_be_visible()
    rest(student)
    panel.get_by_role("button", name="Open without the lesson").click()
    expect(student.locator(".bn-nets button.bn-chip").first).to_be_visible()
    expect(bar.get_by_text("Locked by this lesson")).to_have_count(0)
    assert "ask=" not in rest(student).url and "depth=4" in student.url
    assert student.context.pages[-1] is student


def test_on_a_phone_a_lesson_by_link_does_not_make_the_page_wider(open_page: OpenPage):
    link = f"{STATE}&ask=Which+net%3F&lock=lr-batch-data-nets&predict=draw:training_loss:none"
    page = drawn(rest(open_page(link, size=PHONE)))
    expect(page.locator(".st-key-lesson_panel .bn-draw svg")).to_be_visible()
    assert page.evaluate(SIDEWAYS) <= 0

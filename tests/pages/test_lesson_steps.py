"""The steps of lessons on the app's own pages: links without a warning, checks that fire."""

from collections.abc import Iterator

import pytest

from bn_core import lessons
from bn_core.lessons.conditions import Clause, Measured
from bn_core.lessons.guided import Lesson, Step
from bn_core.lessons.links import CHAPTERS, LAB, Link
from pages.shared.lessons.evidence import evidence_of
from tests.pages.conftest import go

STEPS = [(lesson, step) for lesson in lessons.lessons() for step in lesson.steps]
PAGE_STEPS = [(lesson, step) for lesson, step in STEPS if CHAPTERS[step.link.page]]


def name_of(place: tuple[Lesson, Step]) -> str:
    return f"{place[0].slug}/{place[1].id}"


def all_links() -> Iterator[Link]:
    for _, step in STEPS:
        yield step.link
    for question in lessons.quiz():
        yield question.page
        if question.run:
            yield question.run
    for one in (*lessons.glossary(), *lessons.cases()):
        yield one.see
    for stop in lessons.path():
        yield stop.link


def test_every_page_of_the_app_can_be_linked_to_and_has_the_chapters_it_is_said_to_have(app):
    for page, count in CHAPTERS.items():
        go(app, page)
        assert not app.exception
        chosen = [one for one in app.button_group if str(one.key).endswith(".chapter")]
        assert [len(one.options) for one in chosen] == ([count] if count else []), page


@pytest.mark.slow
def test_every_link_is_taken_by_its_page_without_a_warning(app):
    for link in dict.fromkeys(all_links()):
        if link.page == LAB:
            continue  # read by the very parser of the Lab when the files are read
        go(app, link.page, **link.values)
        assert not app.exception and not app.warning, link.address
        assert evidence_of(app.session_state["session"]).page == link.page


def choices_asked(step: Step) -> dict[str, str]:
    """Return what the first alternative of a step's check asks of the page's controls."""
    return {
        str(one.left.terms[0].arguments[0]): _text(one)
        for one in step.check.alternatives[0]
        if isinstance(one.left.terms[0], Measured) and one.left.terms[0].quantity.name == "choice"
    }


def _text(clause: Clause) -> str:
    return f"{clause.goal:g}" if isinstance(clause.goal, float) else str(clause.goal)


@pytest.mark.parametrize("place", PAGE_STEPS, ids=map(name_of, PAGE_STEPS))
def test_a_steps_check_fires_once_the_controls_stand_as_it_asks(app, place):
    _, step = place
    go(app, step.link.page, **step.link.values)
    session = app.session_state["session"]
    assert step.checked(evidence_of(session)).holds is not True, "nothing is done yet"
    go(app, step.link.page, **{**step.link.values, **choices_asked(step)})
    assert not app.warning, "the page has no such control or value"
    assert step.checked(evidence_of(session)).holds is True


MEASURED = [place for place in PAGE_STEPS if place[1].prediction.is_measured]


@pytest.mark.slow
@pytest.mark.parametrize("place", MEASURED, ids=map(name_of, MEASURED))
def test_a_prediction_on_a_page_is_decided_by_what_the_page_computes(app, place):
    _, step = place
    go(app, step.link.page, **{**step.link.values, **choices_asked(step)})
    session = app.session_state["session"]
    for computation in session.computations.values():
        for task in computation.tasks():
            assert task.wait(120)
    right, words = step.prediction.measured(evidence_of(session))
    assert right == step.prediction.expected, words

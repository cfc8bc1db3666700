"""Lessons beside every page, in every order of two, and every step of every lesson to its end."""

import html

import pytest
from streamlit.testing.v1 import AppTest

from bn_core import lessons
from bn_core.lessons.conditions import Clause, Measured
from bn_core.lessons.guided import Lesson, Step
from bn_core.results import Verdict
from tests.pages.conftest import go
from tests.pages.ended_runs import Held, finished
from tests.pages.test_walk import PAGES, every_ordered_pair

LESSON = lessons.lessons()[0]


def panel(app: AppTest) -> str:
    """Return the label of the panel that is shown beside the page."""
    return " ".join(html.unescape(fold.label) for fold in app.expander)


def visit(app: AppTest, page: str) -> None:
    go(app, page)
    assert not app.exception, f"{page}: {app.exception[0].message}"
    assert LESSON.title in panel(app), page


def test_a_lesson_stands_beside_every_page(app):
    learning = app.session_state["session"].learning
    learning.begin(LESSON.slug)
    for page in PAGES:
        visit(app, page)


@pytest.mark.slow
def test_a_lesson_stands_beside_every_page_after_every_other_one(app):
    app.session_state["session"].learning.begin(LESSON.slug)
    for index in every_ordered_pair(len(PAGES)):
        visit(app, PAGES[index])


def choices_asked(step: Step) -> dict[str, str]:
    """Return what a step's check asks of the page's controls, as a link writes it."""
    return {
        str(first.arguments[0]): _text(clause)
        for clause in step.check.alternatives[0]
        if isinstance(first := clause.left.terms[0], Measured) and first.quantity.name == "choice"
    }


def _text(clause: Clause) -> str:
    return f"{clause.goal:g}" if isinstance(clause.goal, float) else str(clause.goal)


def do(app: AppTest, lesson: Lesson, step: Step) -> None:
    """Do what a step asks for, and let the page look twice: the first look finds it done."""
    session, comparison = app.session_state["session"], step.link.comparison
    here = {"lesson": lesson.slug, "step": step.id}
    if comparison is not None:
        go(app, "claims", **here)
        real, session.run = session.run, Held(finished(comparison))
        app.run().run()
        session.run = real
    elif step.link.experiment:
        session.experiments[step.link.experiment] = Held(verdict=Verdict("holds", "It holds."))
        go(app, "claims", **here)
        app.run()
        del session.experiments[step.link.experiment]
    else:
        go(app, step.link.page, **{**step.link.values, **choices_asked(step), **here})
        app.run()


@pytest.mark.parametrize("lesson", lessons.lessons(), ids=lambda one: one.slug)
def test_every_step_of_a_lesson_is_found_done_and_leads_on(app, lesson):
    learning = app.session_state["session"].learning
    for place, step in enumerate(lesson.steps, start=1):
        do(app, lesson, step)
        assert not app.exception, step.id
        assert f"{lesson.slug}/{step.id}" in learning.progress.done, step.id
        assert f"step {place} of {len(lesson.steps)}" in panel(app)
        onward = [button for button in app.button if button.label == "Next step"]
        assert len(onward) == (place < len(lesson.steps))
        if onward:
            onward[0].click().run()
            assert learning.step == lesson.steps[place].id and not app.exception
    assert learning.progress.share(lesson) == 1

"""The lessons: ways in, and every lesson with how much of it is done."""

from functools import partial

import streamlit as st

from bn_core import lessons
from bn_core.export.worksheet import teachers_notes, worksheet
from bn_core.lessons.guided import Lesson
from bn_core.lessons.progress import Progress
from bn_core.lessons.ways import Way
from pages.shared.classroom.invitation import address
from pages.shared.lessons.cards import in_columns
from pages.shared.plain_text import plain_text
from pages.shared.session import this_session

MOST_TITLES = 3
"""Lessons of a way that are named; of more only their number is said."""


def way(one: Way) -> None:
    """Show a way in: what it offers and the lessons it leads through."""
    titles = {lesson.slug: lesson.title for lesson in lessons.lessons()}
    named = [titles[slug] for slug in one.lessons[:MOST_TITLES]]
    more = len(one.lessons) - len(named)
    rest = f" and {more} more" if more else ""
    with st.container(border=True, height="stretch"):
        st.markdown(f"**{one.title}**")
        st.markdown(plain_text(one.words))
        st.caption(f"{one.minutes} minutes: {' · '.join(named)}{rest}")
        done, left = steps_of(one.lessons)
        begin(*(left or done)[0], "Begin" if not done else "Go on", key=f"way.{one.id}")


def steps_of(slugs: tuple[str, ...]) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Return which steps of some lessons are done, and which are left, in order."""
    held = this_session().learning.progress.done
    by_slug = {lesson.slug: lesson for lesson in lessons.lessons()}
    steps = [(slug, step.id) for slug in slugs for step in by_slug[slug].steps]
    done = [one for one in steps if "/".join(one) in held]
    return done, [one for one in steps if one not in done]


def begin(slug: str, step: str, label: str, *, key: str) -> None:
    """Show the button that opens a step of a lesson on the page it is about."""
    go_on = this_session().learning.go_on
    with st.container(key=f"opens_step.{key}", width="content"):
        st.button(label, key=key, on_click=go_on, args=(slug, step))


def entry(number: int, lesson: Lesson) -> None:
    """Show one lesson, and how much of it is done."""
    done, left = steps_of((lesson.slug,))
    with st.container(border=True, height="stretch"):
        st.markdown(f"**{number}. {lesson.title}**")
        st.markdown(plain_text(lesson.summary))
        st.caption(f"{lesson.minutes} minutes · {len(done)} of {len(lesson.steps)} steps done")
        label = "Begin" if not done else "Again" if not left else "Go on"
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            begin(*(left or done)[0], label, key=f"lesson.{lesson.slug}")
            with st.popover("More", type="tertiary"):
                st.markdown(plain_text(lesson.sources))
            with st.popover("Print", type="tertiary"):
                _to_print(lesson)


def _to_print(lesson: Lesson) -> None:
    """Offer a sheet for each student, and the answers in another file."""
    app = address("")
    for label, made, name in (
        ("Worksheet for students (HTML)", worksheet, "worksheet"),
        ("Teacher's notes, with the answers (HTML)", teachers_notes, "notes"),
    ):
        st.download_button(
            label,
            partial(made, lesson, app),
            f"batch_norm_lab_{lesson.slug}_{name}.html",
            "text/html",
            key=f"{name}.{lesson.slug}",
            on_click="ignore",
        )


st.html(
    "<h1 class='bn-title'>Lessons</h1><p class='bn-lead'>Predict, do, and let the app check what "
    "you did. A lesson stands beside the pages; you are free to leave it at any time.</p>"
)
learning = this_session().learning
if learning.notice:
    st.warning(learning.notice)
in_columns(4, lessons.ways(), way)
with st.container(border=True, horizontal=True, vertical_alignment="center", key="make_a_lesson"):
    st.markdown(
        "**Do you teach?** Set up the Lab, write a question, lock or hide controls, and give your "
        "students the link.",
        width="stretch",
    )
    st.button("Make a lesson", key="lessons.arrange", on_click=learning.go_arrange, width="content")
st.markdown("#### All lessons")
numbered = list(enumerate(lessons.lessons(), start=1))
in_columns(3, numbered, lambda place: entry(*place))
if learning.progress != Progress():
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.caption("What you have done is stored in this browser, and nowhere else.")
        st.button("Forget it", key="lessons.forget", type="tertiary", on_click=learning.forget)

"""Text from links on every page: whatever its parameters say, none of it arrives as markup."""

import pytest
from streamlit.testing.v1 import AppTest

from bn_core.comparison import ARMS_KEY
from bn_core.config import Config
from bn_core.figures.view import View
from bn_core.settings import settings_of
from pages.shared.lessons.state import CHALLENGE, LESSON, STEP
from tests.pages.conftest import go
from tests.pages.test_walk import PAGES, choose_lowest

PAYLOADS = [
    "![a](http://a.example/x.png)",
    "<b>a</b> <img src=x onerror=alert(1)>",
    "$x^2$ `c` **d** :red[e] :smile:",
]
OF_EVERY_PAGE = {LESSON, STEP, CHALLENGE}
LAB_KEYS = {s.key for cls in (Config, View) for s in settings_of(cls).values()} | {ARMS_KEY}
NAMED = {"experiment": {"experiment"}, "quiz": {"question"}, "classroom": {"class", "key"}}
"""Parameters of pages that no slider or switch changes."""
WITHOUT_CHOICES = {
    "claims",
    "runs",
    "lessons",
    "challenges",
    "start",
    "when_it_hurts",
    "glossary",
    "your_data",
}
"""Pages that have no parameters of their own."""


def shown_texts(app: AppTest) -> str:
    """Return every text that the page hands to the browser as Markdown or HTML."""
    kinds = ("markdown", "warning", "info", "error", "success", "title", "header", "caption")
    found = [str(getattr(element, "value", "")) for kind in kinds for element in app.get(kind)]
    found += [
        str(getattr(element, "label", ""))
        for kind in ("slider", "button")
        for element in app.get(kind)
    ]
    return "\n".join(found + [str(element.proto) for element in app.get("html")])


def parameters_of(app: AppTest, page: str) -> set[str]:
    """Return the parameters that a page reads, found by moving what can be moved on it."""
    if page == "lab":
        return LAB_KEYS | OF_EVERY_PAGE
    found = OF_EVERY_PAGE | NAMED.get(page, set())
    go(app, page)
    choose_lowest(app)
    found |= set(app.query_params)
    groups = [group for group in app.button_group if group.label == "Chapter"]
    for number in range(1, 1 + sum(len(group.options) for group in groups)):
        go(app, page, chapter=str(number))
        choose_lowest(app)
        found |= set(app.query_params)
    return found


@pytest.mark.parametrize("page", PAGES)
def test_no_parameter_of_a_page_becomes_markup(app, page):
    known = parameters_of(app, page)
    assert known > OF_EVERY_PAGE or page in WITHOUT_CHOICES
    for payload in PAYLOADS:
        chapters = {"chapter"} & known
        for hostile in ({*known, "evil", payload}, {*known - chapters, "evil"}):
            go(app, page, **dict.fromkeys(hostile, payload))
            assert not app.exception
            assert payload[:12] not in shown_texts(app)


def test_the_check_itself_finds_markup():
    fresh = AppTest.from_string(f"import streamlit as st; st.warning({PAYLOADS[0]!r})").run()
    assert PAYLOADS[0][:12] in shown_texts(fresh)

"""A reader who walks from every chapter to every other one, and finds things as they left them."""

import itertools
from collections.abc import Iterable

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages.conftest import ROOT, go

PAGES = sorted(path.stem for path in (ROOT / "pages").glob("*.py"))
Place = tuple[str, int]
"""A page and the number of its chapter; 0 for a page without chapters."""


def chapters(app: AppTest) -> list[str]:
    """Return the names of the chapters of the page that is shown."""
    return next((list(group.options) for group in app.button_group if group.label == "Chapter"), [])


def places(app: AppTest) -> list[Place]:
    """Return every chapter of every page, as the pages themselves offer them."""
    found: list[Place] = []
    for page in PAGES:
        count = len(chapters(go(app, page)))
        found += [(page, number + 1) for number in range(count)] or [(page, 0)]
    return found


def visit(app: AppTest, here: str, place: Place) -> str:
    """Go straight to a chapter: by a link from another page, else by choosing it; return its page.

    No page is shown between the two, so that each comes right after the other.
    """
    page, number = place
    if page == here and number:
        app.button_group(key=f"{page}.chapter").set_value(number).run()
        return page
    app.query_params.clear()
    if number:
        app.query_params["chapter"] = str(number)
    app.switch_page(f"pages/{page}.py").run()
    return page


def every_ordered_pair(count: int) -> list[int]:
    """Return a walk over 0 .. count-1 that goes from each number directly to each other one."""
    walk = [0]
    for start in range(count):
        for other in range(start + 1, count):
            walk += [other, start]
        if start + 1 < count:
            walk.append(start + 1)
    return walk


def test_the_walk_itself_leaves_no_pair_out():
    walk = every_ordered_pair(7)
    assert len(set(itertools.pairwise(walk))) == 7 * 6


def walk(app: AppTest, way: Iterable[Place]) -> None:
    """Go along a way that begins at the last page; each chapter on it is shown without an error."""
    here = PAGES[-1]
    came_from: Place | None = None
    for place in way:
        here = visit(app, here, place)
        assert not app.exception, f"{place} after {came_from}: {app.exception[0].message}"
        if place[1]:
            assert app.button_group(key=f"{place[0]}.chapter").value == place[1]
        came_from = place


def test_every_chapter_is_shown(app):
    known = places(app)
    assert len(known) >= 18 and {page for page, _ in known} == set(PAGES)
    walk(app, known)


@pytest.mark.slow
def test_every_chapter_is_shown_after_every_other_one(app):
    known = places(app)
    walk(app, (known[index] for index in every_ordered_pair(len(known))))


def shown(app: AppTest) -> dict[str, object]:
    values = [*app.select_slider, *app.toggle]
    return {str(widget.key): widget.value for widget in values if widget.key}


def choose_lowest(app: AppTest) -> dict[str, object]:
    """Move every slider to its end and every switch to its other side; return what they show."""
    for slider in app.select_slider:
        slider.set_value(float(slider.options[0]))
    for switch in app.toggle:
        switch.set_value(not switch.value)
    return shown(app.run())


@pytest.mark.parametrize(
    "place", [("inside_the_layer", 1), ("inside_the_layer", 2), ("training_and_inference", 5)]
)
def test_a_chapter_keeps_its_choices_while_the_reader_is_away(app, place):
    page, number = place
    go(app, page, chapter=str(number))
    usual = shown(app)
    chosen = choose_lowest(app)
    assert chosen != usual
    other = 3 if number != 3 else 4
    app.button_group(key=f"{page}.chapter").set_value(other).run()
    app.button_group(key=f"{page}.chapter").set_value(number).run()
    assert shown(app) == chosen
    for away in ("claims", "lab", "training_and_inference", "inside_the_layer"):
        go(app, away)
    go(app, page)
    assert app.button_group(key=f"{page}.chapter").value == number
    assert shown(app) == chosen

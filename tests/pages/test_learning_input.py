"""What browsers send of progress and drawings: hostile until it is read."""

import json

import pytest

from bn_core import lessons
from bn_core.lessons.progress import Progress, serialize
from bn_core.lessons.sketches import MOST_POINTS
from pages.shared.lessons.state import Learning
from pages.shared.lessons.stored_progress import StoredProgress

STEP = lessons.lessons()[0].steps[0].id
DONE = Progress().with_step(lessons.lessons()[0].slug, STEP)
ANSWERED = Progress().with_answer(lessons.quiz()[0].id, 1)


def test_nothing_is_stored_before_anything_is_done():
    stored = StoredProgress()
    assert (stored.text_of(Progress()), stored.number) == ("", 0)


def test_each_change_is_stored_once_and_forgetting_removes_it():
    stored = StoredProgress()
    first = stored.text_of(DONE)
    assert first == serialize(DONE) == stored.text_of(DONE) and stored.number == 1
    both = DONE.merged(ANSWERED)
    assert stored.text_of(both) == serialize(both) and stored.number == 2
    assert (stored.text_of(Progress()), stored.number) == ("", 3)


def test_what_the_browser_holds_joins_what_is_known():
    stored = StoredProgress()
    message = {"token": stored.token, "text": serialize(ANSWERED)}
    assert stored.take(message, DONE) == (DONE.merged(ANSWERED), "")


def test_where_both_have_an_answer_the_one_of_this_visit_counts():
    other = Progress().with_answer(lessons.quiz()[0].id, 0)
    assert ANSWERED.merged(other).answers == ANSWERED.answers


@pytest.mark.parametrize(
    "message",
    [None, "text", 5, [], {}, {"token": "another", "text": serialize(ANSWERED)}, {"token": None}],
)
def test_a_message_without_the_token_changes_nothing(message):
    assert StoredProgress().take(message, DONE) == (DONE, "")


@pytest.mark.parametrize("text", [None, 7, {}, "", "[" * 50_000, "x" * 70_000, json.dumps([1])])
def test_a_stored_text_that_is_no_progress_is_said_in_a_sentence(text):
    stored = StoredProgress()
    kept, words = stored.take({"token": stored.token, "text": text}, DONE)
    assert kept == DONE and "cannot be read" in words


def drawn(points: object, id: str = "a") -> Learning:
    learning = Learning()
    learning.take_sketch({"id": id, "points": points}, "a", 300, 2.0)
    return learning


def test_a_drawing_is_held_within_its_axes():
    held = drawn([[-5, 9.0], [100, 1.0], [1e9, -3.0]]).sketches["a"]
    assert held == [(0.0, 2.0), (100.0, 1.0), (300.0, 0.0)]


@pytest.mark.parametrize(
    "points",
    [
        None,
        "many",
        [],
        [[1, 1]],
        [[0, 1], [1, float("nan")]],
        [[0, 1], [True, 1]],
        [[0, 1], ["<b>", 1]],
        [[i, 1] for i in range(MOST_POINTS + 1)],
    ],
)
def test_what_is_no_drawing_leaves_none(points):
    assert drawn(points).sketches == {}


def test_a_drawing_that_is_cleared_is_gone():
    learning = drawn([[0, 1], [300, 0]])
    learning.take_sketch({"id": "a", "points": []}, "a", 300, 2.0)
    assert learning.sketches == {}


def test_a_drawing_for_something_else_is_left_out():
    assert drawn([[0, 1], [300, 0]], id="b").sketches == {}
    learning = Learning()
    learning.take_sketch(["no", "mapping"], "a", 300, 2.0)
    assert learning.sketches == {}

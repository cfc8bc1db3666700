"""Progress comes back from the browser, hostile text does not; the path covers every chapter."""

import json

import pytest

from bn_core import lessons
from bn_core.lessons.links import CHAPTERS
from bn_core.lessons.path import next_stop, read_path
from bn_core.lessons.progress import Progress, ProgressError, parse, serialize
from bn_core.lessons.ways import read_ways

LESSON = lessons.lessons()[0]
STEP = LESSON.steps[0]
QUESTION = lessons.quiz()[0]
CHALLENGE = lessons.challenges()[0]


def some() -> Progress:
    return (
        Progress()
        .with_prediction(LESSON.slug, STEP.id, 1)
        .with_step(LESSON.slug, STEP.id)
        .with_answer(QUESTION.id, 0)
        .with_answer(QUESTION.id, 2, again=True)
        .with_proof(CHALLENGE.id, CHALLENGE.solution)
    )


def test_progress_comes_back_as_it_was():
    assert parse(serialize(some())) == some()
    assert parse(serialize(Progress())) == Progress()
    assert some().share(LESSON) == pytest.approx(1 / len(LESSON.steps))


def test_a_prediction_can_be_changed_until_the_step_is_done():
    before = Progress().with_prediction(LESSON.slug, STEP.id, 1)
    changed = before.with_prediction(LESSON.slug, STEP.id, 2)
    assert changed.predictions[f"{LESSON.slug}/{STEP.id}"] == 2
    again = some().with_prediction(LESSON.slug, STEP.id, 0)
    assert again.predictions[f"{LESSON.slug}/{STEP.id}"] == 1


def test_all_progress_there_can_be_fits():
    progress = Progress()
    for lesson in lessons.lessons():
        for step in lesson.steps:
            progress = progress.with_prediction(lesson.slug, step.id, 0)
            progress = progress.with_step(lesson.slug, step.id)
    for question in lessons.quiz():
        progress = progress.with_answer(question.id, 0).with_answer(question.id, 0, again=True)
    for challenge in lessons.challenges():
        progress = progress.with_proof(challenge.id, challenge.solution)
    assert parse(serialize(progress)) == progress


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("done", ["no/step", 3, None, "<script>"]),
        ("predictions", {f"{LESSON.slug}/{STEP.id}": 99, "x": 0}),
        ("predictions", {f"{LESSON.slug}/{STEP.id}": True}),
        ("answers", {QUESTION.id: -1, "none": 0}),
        ("again", {QUESTION.id: "1"}),
        ("proofs", {CHALLENGE.id: "javascript:alert(1)", "x": "/?depth=3"}),
        ("proofs", {CHALLENGE.id: "/?depth=999"}),
        ("proofs", {CHALLENGE.id: "//evil.example/?depth=3"}),
        ("proofs", {CHALLENGE.id: 7}),
    ],
)
def test_what_is_not_there_is_left_out(name, value):
    body = json.loads(serialize(Progress())) | {name: value}
    assert parse(json.dumps(body)) == Progress()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "{}",
        '{"format": "other"}',
        "[" * 50_000,
        "x" * 100_000,
        json.dumps(json.loads(serialize(Progress())) | {"version": 2}),
        json.dumps(json.loads(serialize(Progress())) | {"done": {}}),
        json.dumps(json.loads(serialize(Progress())) | {"answers": []}),
        json.dumps(json.loads(serialize(Progress())) | {"proofs": "x"}),
        None,
    ],
)
def test_what_is_no_progress_is_refused_in_a_sentence(text):
    with pytest.raises(ProgressError, match=r"\.$"):
        parse(text)


def test_the_path_leads_through_every_chapter_once_and_ends():
    path, seen = lessons.path(), []
    stop = path[0]
    while stop is not None:
        seen.append(stop.place)
        page, chapter = stop.place
        stop = next_stop(path, page, int(chapter or 0))
    chapters = {
        (page, str(number)) for page, count in CHAPTERS.items() for number in range(1, count + 1)
    }
    assert len(seen) == len(set(seen)) == len(path) and chapters <= set(seen)
    assert next_stop(path, "runs") is None


def test_a_chapter_that_is_not_on_the_path_is_an_error():
    text = "[stop lab]\ntitle: The Lab\nlink: lab\nbecause: So.\n"
    with pytest.raises(lessons.LessonError, match="not on the path"):
        read_path("path.txt", text)


def test_each_case_in_which_batch_norm_hurts_names_a_source_and_a_place():
    cases = lessons.cases()
    assert len(cases) >= 8
    for case in cases:
        assert any(sign.isdigit() for sign in case.source), "a year or a number of a paper"
        assert case.see.page in CHAPTERS and len(case.instead) > 20


def test_ways_lead_to_lessons_within_their_minutes():
    minutes = {lesson.slug: lesson.minutes for lesson in lessons.lessons()}
    assert {way.minutes for way in lessons.ways()} >= {10, 40}
    for way in lessons.ways():
        assert way.lessons and sum(minutes[slug] for slug in way.lessons) <= way.minutes
    too_long = "[way a]\ntitle: A\nwords: B\nminutes: 1\nlessons: why-normalize\n"
    with pytest.raises(lessons.LessonError, match="choose fewer"):
        read_ways("ways.txt", too_long, lessons.lessons())
    with pytest.raises(lessons.LessonError, match="no lesson “x”"):
        read_ways("ways.txt", too_long.replace("why-normalize", "x"), lessons.lessons())

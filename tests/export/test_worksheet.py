"""A lesson on paper: every question before the notes, every answer in them, nothing active."""

import dataclasses
import html
import re

import pytest

from bn_core import lessons
from bn_core.export.worksheet import worksheet


def halves(sheet: bytes) -> tuple[str, str]:
    """Return the text for students and the text for teachers."""
    text = html.unescape(re.sub(r"<[^>]+>", " ", sheet.decode()))
    students, _, teachers = text.partition("teacher's notes")
    return students, teachers


@pytest.mark.parametrize("lesson", lessons.lessons(), ids=lambda lesson: lesson.slug)
def test_students_see_the_questions_and_teachers_the_answers(lesson) -> None:
    students, teachers = halves(worksheet(lesson))
    for step in lesson.steps:
        assert step.question in students and step.do in students
        assert step.explanation not in students and step.explanation in teachers
        for choice in step.prediction.choices:
            assert choice.words in students
    assert len(re.findall(r"\bexpected\b", teachers)) >= len(lesson.steps)


def test_notes_name_the_letter_that_stands_on_the_sheet() -> None:
    (lesson, *_) = lessons.lessons()
    sheet = worksheet(lesson, "class 3").decode()
    rows = re.findall(r'<th scope="row">([A-H])</th><td>(.*?)</td>', sheet)
    assert len(rows) == sum(len(step.prediction.choices) for step in lesson.steps)
    for letter, words in rows:
        assert f"<b>{letter}</b> {words}</li>" in sheet


def test_words_are_never_markup() -> None:
    (first, *_) = lessons.lessons()
    evil = dataclasses.replace(first, title="<script>alert(1)</script>")
    assert b"<script>alert" not in worksheet(evil)

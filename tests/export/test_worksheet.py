"""A lesson on paper: every question on the sheet, every answer in the notes, nothing active."""

import dataclasses
import html
import re

import pytest

from bn_core import lessons
from bn_core.export.worksheet import teachers_notes, worksheet


def words_of(sheet: bytes) -> str:
    """Return the text of a sheet."""
    return html.unescape(re.sub(r"<[^>]+>", " ", sheet.decode()))


@pytest.mark.parametrize("lesson", lessons.lessons(), ids=lambda lesson: lesson.slug)
def test_students_see_the_questions_and_teachers_the_answers(lesson) -> None:
    app = "https://lab.example"
    students, teachers = words_of(worksheet(lesson, app)), words_of(teachers_notes(lesson, app))
    assert "expected" not in students
    for step in lesson.steps:
        assert step.question in students and step.do in students
        assert app + lesson.address(step) in students and app + lesson.address(step) in teachers
        assert step.explanation not in students and step.explanation in teachers
        for choice in step.prediction.choices:
            assert choice.words in students
    assert len(re.findall(r"\bexpected\b", teachers)) >= len(lesson.steps)


def test_notes_name_the_letter_that_stands_on_the_sheet() -> None:
    (lesson, *_) = lessons.lessons()
    sheet = worksheet(lesson, seed="class 3").decode()
    notes = teachers_notes(lesson, seed="class 3").decode()
    rows = re.findall(r'<th scope="row">([A-H])</th><td>(.*?)</td>', notes)
    assert len(rows) == sum(len(step.prediction.choices) for step in lesson.steps)
    for letter, words in rows:
        assert f"<b>{letter}</b> {words}</li>" in sheet


def test_words_are_never_markup() -> None:
    (first, *_) = lessons.lessons()
    evil = dataclasses.replace(first, title="<script>alert(1)</script>")
    assert b"<script>alert" not in worksheet(evil) + teachers_notes(evil)

"""Guided lessons, quiz, challenges and glossary: texts in a folder, read and checked here.

A new lesson is one file in ``texts/lessons``; its name begins with the number of its place.
"""

import functools
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from bn_core.lessons.advice import Case, read_cases
from bn_core.lessons.challenges import Challenge, read_challenges
from bn_core.lessons.conditions import Condition
from bn_core.lessons.glossary import Term, read_glossary
from bn_core.lessons.guided import Lesson, read_lesson
from bn_core.lessons.links import Link, experiment_problem
from bn_core.lessons.path import Stop, read_path
from bn_core.lessons.predictions import read_predictions
from bn_core.lessons.questions import Question
from bn_core.lessons.quiz import QuizQuestion, read_quiz
from bn_core.lessons.text_format import LARGEST_FILE, LessonError
from bn_core.lessons.ways import Way, read_ways

TEXTS = Path(__file__).parent / "texts"
MOST_LESSONS = 60

__all__ = [
    "Lesson",
    "LessonError",
    "cases",
    "challenges",
    "glossary",
    "lessons",
    "path",
    "problems",
    "quiz",
    "read_folder",
    "ways",
]


def read_folder(folder: Path) -> tuple[Lesson, ...]:
    """Return the lessons of a folder in the order of their numbers. Errors: ``LessonError``."""
    files = sorted(folder.glob("*.txt"))
    if len(files) > MOST_LESSONS:
        raise LessonError(str(folder), 0, f"there is room for {MOST_LESSONS} lessons.")
    found: dict[str, Lesson] = {}
    for path in files:
        named = re.fullmatch(r"\d\d-([a-z0-9][a-z0-9-]{0,40})", path.stem)
        if named is None:
            raise LessonError(path.name, 1, "the file's name must read like 03-small-batches.txt.")
        if named[1] in found:
            raise LessonError(path.name, 1, f"there is a lesson “{named[1]}” already; rename one.")
        found[named[1]] = read_lesson(path.name, named[1], _text(path))
    return tuple(found.values())


@functools.cache
def lessons() -> tuple[Lesson, ...]:
    """Return all lessons in order. Errors: ``LessonError`` names file and line."""
    return read_folder(TEXTS / "lessons")


@functools.cache
def quiz() -> tuple[QuizQuestion, ...]:
    """Return all questions of the quiz. Errors: ``LessonError``."""
    return read_quiz("quiz.txt", _text(TEXTS / "quiz.txt"))


@functools.cache
def challenges() -> tuple[Challenge, ...]:
    """Return all challenges. Errors: ``LessonError``."""
    return read_challenges("challenges.txt", _text(TEXTS / "challenges.txt"))


@functools.cache
def glossary() -> tuple[Term, ...]:
    """Return all terms, by name. Errors: ``LessonError``."""
    return read_glossary("glossary.txt", _text(TEXTS / "glossary.txt"))


@functools.cache
def cases() -> tuple[Case, ...]:
    """Return when batch norm hurts, case by case. Errors: ``LessonError``."""
    return read_cases("when_it_hurts.txt", _text(TEXTS / "when_it_hurts.txt"))


@functools.cache
def path() -> tuple[Stop, ...]:
    """Return the path through all chapters. Errors: ``LessonError``."""
    return read_path("path.txt", _text(TEXTS / "path.txt"))


@functools.cache
def ways() -> tuple[Way, ...]:
    """Return the ways into the app. Errors: ``LessonError``."""
    return read_ways("ways.txt", _text(TEXTS / "ways.txt"), lessons())


@functools.cache
def predictions() -> Mapping[str, Question]:
    """Return what experiments ask before they run, by their slugs. Errors: ``LessonError``."""
    return read_predictions("predictions.txt", _text(TEXTS / "predictions.txt"))


def problems(experiments: Collection[str]) -> list[str]:
    """Return what is wrong with the files, one sentence each; ``experiments`` are their slugs.

    Of each file only the first error is found; where links and conditions name experiments, all.
    """
    found = []
    for read in (lessons, quiz, challenges, glossary, cases, path, ways, predictions):
        try:
            read()
        except LessonError as error:
            found.append(str(error))
    if found:
        return found
    for where, link in _links():
        problem = experiment_problem(link, experiments)
        found += [f"{where}: {problem}"] if problem else []
    for where, condition in _conditions():
        found += [
            f"{where}: the condition names no experiment there is: “{measured.arguments[0]}”."
            for measured in condition.measured()
            if measured.quantity.name == "verdict" and measured.arguments[0] not in experiments
        ]
    return found


def _links() -> Iterator[tuple[str, Link]]:
    for lesson in lessons():
        yield from ((f"{lesson.file}, step {step.id}", step.link) for step in lesson.steps)
    for question in quiz():
        where = f"quiz.txt, question {question.id}"
        yield where, question.page
        if question.run is not None:
            yield where, question.run
    for challenge in challenges():
        yield f"challenges.txt, {challenge.id}", challenge.start
    for term in glossary():
        yield f"glossary.txt, {term.name}", term.see
    for case in cases():
        yield f"when_it_hurts.txt, {case.id}", case.see


def _conditions() -> Iterator[tuple[str, Condition]]:
    for lesson in lessons():
        for step in lesson.steps:
            where = f"{lesson.file}, step {step.id}"
            yield where, step.check
            for choice in step.prediction.choices:
                if choice.condition:
                    yield where, choice.condition
    for question in quiz():
        for choice in question.question.choices:
            if choice.condition:
                yield f"quiz.txt, question {question.id}", choice.condition


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(LARGEST_FILE + 1).decode("utf-8")
    except OSError as error:
        raise LessonError(path.name, 0, f"cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError:
        raise LessonError(path.name, 0, "is no UTF-8 text; save it as UTF-8.") from None

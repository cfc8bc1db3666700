"""A lesson on paper: a sheet for each student, and the teacher's notes in a file of their own."""

from bn_core.export.page import escaped, page, paragraph, section, table
from bn_core.export.quiz_sheet import letter
from bn_core.lessons.guided import Lesson, Step
from bn_core.lessons.questions import Question
from bn_core.lessons.shuffling import shuffled

_BOX = "☐"
_LINE = '<div style="border-bottom: 1px solid; height: 1.9rem"></div>'
_DISCUSSION = 4
"""Minutes that a class takes for a step besides working through it: both votes and the talk."""


def worksheet(lesson: Lesson, app: str = "", seed: str = "") -> bytes:
    """Return what students get of a lesson, as HTML for printing, without any answer.

    ``app`` is the address of the app, ``seed`` shuffles the answers, as in the quiz.
    """
    parts = [
        f"<h1>{escaped(lesson.title)}</h1>",
        paragraph(lesson.summary),
        paragraph("Name: ______________________________   Date: ______________"),
        *(_for_students(lesson, place, app, seed) for place in range(len(lesson.steps))),
    ]
    return page(f"{lesson.title}: worksheet", parts, ())


def teachers_notes(lesson: Lesson, app: str = "", seed: str = "") -> bytes:
    """Return the answers to a worksheet, with what explains them; arguments as there."""
    count = len(lesson.steps)
    minutes = lesson.minutes + _DISCUSSION * count
    parts = [
        f"<h1>{escaped(lesson.title)}: teacher's notes</h1>",
        paragraph(
            f"{count} steps: {lesson.minutes} minutes for a reader alone, about {minutes} with a "
            f"class that votes, discusses and votes again ({_DISCUSSION} minutes more for a step)."
        ),
        *(_for_teachers(lesson, place, app, seed) for place in range(count)),
        section("Sources", paragraph(lesson.sources)),
    ]
    return page(f"{lesson.title}: teacher's notes", parts, ())


def _for_students(lesson: Lesson, place: int, app: str, seed: str) -> str:
    step = lesson.steps[place]
    choices = "".join(
        f"<li>{_BOX} {_BOX} <b>{letter}</b> {escaped(words)}</li>"
        for letter, words in _lettered(lesson, step, seed)
    )
    return section(
        f"{place + 1}. {step.question}",
        f'<div style="break-inside: avoid">{paragraph(step.prediction.words)}'
        "<p>Mark the first box before you discuss it, the second one after.</p>"
        f'<ul style="list-style: none; padding-left: 1rem">{choices}</ul></div>',
        _address(lesson, step, app),
        f"<p><b>Do:</b> {escaped(step.do)}</p>",
        f"<p><b>What did you see, in numbers?</b></p>{_LINE}{_LINE}",
        f"<p><b>Why is it so?</b></p>{_LINE}{_LINE}",
    )


def _for_teachers(lesson: Lesson, place: int, app: str, seed: str) -> str:
    step = lesson.steps[place]
    question = step.prediction
    letters = {words: letter for letter, words in _lettered(lesson, step, seed)}
    rows = [
        (letters[choice.words], choice.words, "expected" if choice.expected else "a misconception")
        for choice in question.choices
    ]
    return section(
        f"{place + 1}. {step.question}",
        table(("Answer", "Words", "What it is"), sorted(rows)),
        paragraph("The run decides which answer is right." if question.is_measured else ""),
        f"<p><b>Why:</b> {escaped(step.explanation)}</p>",
        f"<p><b>If they are stuck:</b> {escaped(step.hint)}</p>",
        _address(lesson, step, app),
    )


def _address(lesson: Lesson, step: Step, app: str) -> str:
    return f"<p><b>Open:</b> <code>{escaped(app + lesson.address(step))}</code></p>"


def _lettered(lesson: Lesson, step: Step, seed: str) -> list[tuple[str, str]]:
    """Return the answers as they stand on the sheet, each with its letter."""
    question: Question = step.prediction
    order = shuffled(f"{lesson.slug}/{step.id}", len(question.choices), seed)
    return [(letter(at), question.choices[i].words) for at, i in enumerate(order)]

"""The quiz on paper: questions with room to mark, and the answers on pages of their own."""

from collections.abc import Sequence

from bn_core.export.page import answers, escaped, page, paragraph, section, table
from bn_core.lessons.questions import Question
from bn_core.lessons.quiz import QuizQuestion
from bn_core.lessons.shuffling import shuffled

_NEW_PAGE = '<div style="break-before: page"></div>'
_BOX = "☐"


def quiz_sheet(
    questions: Sequence[QuizQuestion], title: str, *, seed: str = "", again: bool = False
) -> bytes:
    """Return the questions as HTML for printing, the answer sheet behind them.

    ``seed`` shuffles the choices: another one for each class. ``again`` takes the second question
    of each pair.
    """
    asked = [one.again if again else one.question for one in questions]
    orders = [
        shuffled(one.id, len(question.choices), seed)
        for one, question in zip(questions, asked, strict=True)
    ]
    numbered = list(zip(questions, asked, orders, strict=True))
    parts = [
        f"<h1>{escaped(title)}</h1>",
        paragraph(f"{len(asked)} questions, one right answer each."),
        answers(),
        *(
            section(
                topic,
                *(
                    _question(number, question, order)
                    for number, (one, question, order) in enumerate(numbered, start=1)
                    if one.topic == topic
                ),
            )
            for topic in dict.fromkeys(one.topic for one in questions)
        ),
        _NEW_PAGE,
        section("Answers", table(("Question", "Answer", "Why"), _answers(numbered, again))),
    ]
    return page(title, parts, ())


def _question(number: int, question: Question, order: Sequence[int]) -> str:
    choices = "".join(
        f"<li>{_BOX} <b>{letter(place)}</b> {escaped(question.choices[index].words)}</li>"
        for place, index in enumerate(order)
    )
    return (
        f'<div style="break-inside: avoid"><p><b>{number}.</b> {escaped(question.words)}</p>'
        f'<ul style="list-style: none; padding-left: 1rem">{choices}</ul></div>'
    )


def _answers(
    numbered: Sequence[tuple[QuizQuestion, Question, Sequence[int]]], again: bool
) -> list[tuple[str, str, str]]:
    rows = []
    for number, (one, question, order) in enumerate(numbered, start=1):
        right = question.expected
        words = question.choices[right].words
        why = one.again_explanation if again else one.explanation
        rows.append((str(number), f"{letter(order.index(right))}: {words}", why))
    return rows


def letter(place: int) -> str:
    """Return A for the first choice, B for the second, and so on."""
    return chr(ord("A") + place)

"""The quiz on paper: questions with room to mark, and the answers on pages of their own."""

from collections.abc import Sequence

from bn_core.export.page import escaped, page, paragraph, section, table
from bn_core.lessons.questions import Question
from bn_core.lessons.quiz import QuizQuestion, answer_order, by_topic

_NEW_PAGE = '<div style="break-before: page"></div>'
_BOX = "☐"


def quiz_sheet(
    questions: Sequence[QuizQuestion], title: str, *, seed: str = "", again: bool = False
) -> bytes:
    """Return the questions as HTML for printing, numbered by topic, the answer sheet behind them.

    ``seed`` shuffles the choices as on the page: another one for each class. ``again`` takes the
    second question of each pair.
    """
    printed = by_topic(questions)
    numbered = [
        (number, one, answer_order(one, seed, again=again))
        for number, one in enumerate(printed, start=1)
    ]
    parts = [
        f"<h1>{escaped(title)}</h1>",
        paragraph(f"{len(printed)} questions, one right answer each. Mark its box."),
        paragraph("Name: ______________________________   Date: ______________"),
        *(
            section(
                topic,
                *(
                    _question(number, _asked(one, again), order)
                    for number, one, order in numbered
                    if one.topic == topic
                ),
            )
            for topic in dict.fromkeys(one.topic for one in printed)
        ),
        _NEW_PAGE,
        section("Answers", table(("Question", "Answer", "Why"), _answers(numbered, again))),
    ]
    return page(title, parts, ())


def _asked(one: QuizQuestion, again: bool) -> Question:
    return one.again if again else one.question


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
    numbered: Sequence[tuple[int, QuizQuestion, Sequence[int]]], again: bool
) -> list[tuple[str, str, str]]:
    rows = []
    for number, one, order in numbered:
        question = _asked(one, again)
        right = question.expected
        words = question.choices[right].words
        why = one.again_explanation if again else one.explanation
        rows.append((str(number), f"{letter(order.index(right))}: {words}", why))
    return rows


def letter(place: int) -> str:
    """Return A for the first choice, B for the second, and so on."""
    return chr(ord("A") + place)

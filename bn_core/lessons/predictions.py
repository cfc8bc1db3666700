"""Which answer an experiment's numbers give to the question that it asks before the run."""

from collections.abc import Mapping

from bn_core.lessons.evidence import Evidence
from bn_core.lessons.questions import Question, read_question
from bn_core.lessons.text_format import read_blocks
from bn_core.results import Result

MOST_NUMBERS = 2
"""Metrics that are named beside a prediction; the others stand in the table."""


def read_predictions(file: str, text: str) -> Mapping[str, Question]:
    """Return a question by each experiment's slug. Errors: ``LessonError`` names file and line."""
    head, blocks = read_blocks(file, text)
    head.check_fields((), ())
    found: dict[str, Question] = {}
    for block in blocks:
        if block.kind != "prediction":
            raise block.error("this file is made of blocks [prediction slug].")
        block.check_fields(("ask",), ())
        found[block.id] = read_question(block, "ask")
        if not found[block.id].is_measured:
            raise block.error("the answers need conditions in braces: numbers decide.", "ask")
    return found


def prediction_words(question: Question, chosen: int, slug: str, result: Result) -> str:
    """Return "You predicted “…”: right, because …" or what the numbers of a result give instead."""
    right, _ = question.measured(Evidence(results={slug: result}))
    begin = f"You predicted “{question.choices[chosen].words}”"
    if right is None:
        return f"{begin}. The numbers of this run do not decide it."
    numbers = "; ".join(_numbers(question, result)[:MOST_NUMBERS])
    if right == chosen:
        return f"{begin}: right, because of {numbers}."
    return f"{begin}: not this time. It is “{question.choices[right].words}”, by {numbers}."


def _numbers(question: Question, result: Result) -> list[str]:
    """Return the metrics that decide a question, each with its label, in the order named."""
    held = {metric.key: metric for metric in result.metrics}
    keys = dict.fromkeys(
        str(measured.arguments[1])
        for choice in question.choices
        if choice.condition is not None
        for measured in choice.condition.measured()
    )
    return [f"{held[key].label}: {held[key].words()}" for key in keys if key in held]

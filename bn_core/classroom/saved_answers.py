"""The answers of a class as rows of a table, which tells nothing of who gave them."""

from collections.abc import Mapping, Sequence

from bn_core.classroom.questions import Answer, ClassQuestion

HEADINGS = [
    "number",
    "question",
    "first letter",
    "first answer",
    "second letter",
    "second answer",
    "right letter",
    "right answer",
]


def answer_rows(
    number: int, question: ClassQuestion, rounds: Sequence[Mapping[str, Answer]]
) -> list[list[int | str]]:
    """Return a row for each student who answered a question, as ``HEADINGS`` names its cells.

    Rows are sorted by the answers, so that their order tells nothing of who gave them.
    """
    students = set[str]().union(*rounds)
    right: Answer | None = question.truth or question.answer
    pairs = sorted(
        tuple(cell for ballots in rounds for cell in _cells(question, ballots.get(student)))
        for student in students
    )
    return [[number, question.text, *pair, *_cells(question, right)] for pair in pairs]


def _cells(question: ClassQuestion, answer: Answer | None) -> tuple[str, str]:
    """Return the letter and the words of an answer, the heights of a curve; empty without one."""
    if answer is None:
        return "", ""
    if isinstance(answer, int):
        return chr(ord("A") + answer), question.choices[answer]
    top = question.axes.top if question.axes else 1.0
    return "", " ".join(f"{height * top:.3g}" for height in answer)

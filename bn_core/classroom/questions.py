"""What a class is asked: one of several answers, or a curve to draw."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

LONGEST_TEXT = 600
LONGEST_CHOICE = 200
MOST_CHOICES = 8
Answer = int | tuple[float, ...]
"""The place of a choice, or the heights of a curve as shares of the top value."""
CURVE_POINTS = 25
"""Numbers of a drawn curve: its heights at as many equally spaced places, ends included."""


class QuestionError(ValueError):
    """A question or an answer that cannot be used; the message says what to change."""


@dataclass(frozen=True)
class Axes:
    """The axes over which a curve is drawn: from zero to the last step and to the top value."""

    horizontal: str
    vertical: str
    last: float
    top: float

    def __post_init__(self) -> None:
        """Errors: ``QuestionError`` for an axis that cannot be drawn."""
        if not all(math.isfinite(end) and end > 0 for end in (self.last, self.top)):
            raise QuestionError("An axis ends at a number above zero.")
        if max(len(self.horizontal), len(self.vertical)) > LONGEST_CHOICE:
            raise QuestionError(f"The title of an axis has at most {LONGEST_CHOICE} characters.")


@dataclass(frozen=True)
class ClassQuestion:
    """A question to a class. It has either choices or the axes of a curve.

    ``answer`` is the index of the right choice; None if a run has still to decide. ``truth`` is
    the beginning of the curve, as far as it was measured, in shares of the top value. ``source`` is
    the name of what the question was taken from; empty for a teacher's own.
    """

    text: str
    choices: tuple[str, ...] = ()
    axes: Axes | None = None
    answer: int | None = None
    truth: tuple[float, ...] = ()
    explanation: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        """Errors: ``QuestionError``."""
        if not self.text.strip() or len(self.text) > LONGEST_TEXT:
            raise QuestionError(f"A question has 1 to {LONGEST_TEXT} characters.")
        if self.axes is None:
            self._check_choices()
        elif self.choices:
            raise QuestionError("A question has either choices or a curve to draw.")
        if self.truth:
            read_curve((*self.truth, *(0.0,) * (CURVE_POINTS - len(self.truth))))

    def _check_choices(self) -> None:
        if not 2 <= len(self.choices) <= MOST_CHOICES:
            raise QuestionError(f"A question has 2 to {MOST_CHOICES} choices.")
        if not all(choice.strip() and len(choice) <= LONGEST_CHOICE for choice in self.choices):
            raise QuestionError(f"A choice has 1 to {LONGEST_CHOICE} characters.")
        if len(set(self.choices)) < len(self.choices):
            raise QuestionError("Two choices are the same.")
        if self.answer is not None and not 0 <= self.answer < len(self.choices):
            raise QuestionError("The right answer is one of the choices.")

    def read_answer(self, given: object) -> Answer:
        """Return an answer that a device sent, checked. Errors: ``QuestionError``."""
        if self.axes is not None:
            return read_curve(given)
        if not isinstance(given, int) or isinstance(given, bool):
            raise QuestionError("An answer is the number of a choice.")
        if not 0 <= given < len(self.choices):
            raise QuestionError("There is no such choice.")
        return given


def read_curve(given: object) -> tuple[float, ...]:
    """Return the heights of a drawn curve, held to 0 to 1. Errors: ``QuestionError``."""
    if not isinstance(given, Sequence) or len(given) != CURVE_POINTS:
        raise QuestionError(f"A curve is {CURVE_POINTS} heights.")
    if not all(isinstance(height, int | float) and math.isfinite(height) for height in given):
        raise QuestionError("A curve is made of finite numbers.")
    return tuple(min(max(float(height), 0.0), 1.0) for height in given)

"""A lesson while its author arranges it: parts of it may still be missing."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from bn_core.comparison import Comparison
from bn_core.lessons.arranged import LONGEST_QUESTION, Access, ArrangedLesson
from bn_core.lessons.asked_predictions import (
    BEST_BY,
    AskedPrediction,
    BestNet,
    OwnAnswers,
    Ranges,
    checked_answers,
    checked_best,
    checked_drawing,
    checked_ranges,
    is_share,
)
from bn_core.lessons.guided import Drawing
from bn_core.visible_text import visible_text

Kind = Literal["nothing", "best", "range", "draw", "own"]


@dataclass
class Draft:
    """What the author has chosen so far, as the controls show it."""

    question: str = ""
    access: dict[str, Access] = field(default_factory=dict)
    """The controls that are not free."""
    kind: Kind = "nothing"
    quantity: str = "accuracy"
    net: str = ""
    bounds: str = "50"
    """Numbers as they were typed, shares in percent."""
    curve: str = "training_loss"
    answers: str = ""
    """One in each line."""

    @classmethod
    def of(cls, lesson: ArrangedLesson | None) -> "Draft":
        """Return the draft of a lesson; an empty one without it."""
        if lesson is None:
            return cls()
        access: dict[str, Access] = dict.fromkeys(lesson.locked, "locked")
        access.update(dict.fromkeys(lesson.hidden, "hidden"))
        made = cls(lesson.question, access)
        match lesson.prediction:
            case BestNet(quantity):
                made.kind, made.quantity = "best", quantity
            case Ranges(quantity, net, bounds):
                made.kind, made.quantity, made.net = "range", quantity, net
                factor = 100 if is_share(quantity) else 1
                made.bounds = ", ".join(f"{factor * bound:.6g}" for bound in bounds)
            case Drawing(curve, net):
                made.kind, made.curve, made.net = "draw", curve, net
            case OwnAnswers(answers):
                made.kind, made.answers = "own", "\n".join(answers)
        return made

    def access_of(self, controls: Iterable[str]) -> Access | None:
        """Return what several controls have in common; None if they differ."""
        found: set[Access] = {self.access.get(control, "free") for control in controls}
        return found.pop() if len(found) == 1 else None

    def give(self, controls: Iterable[str], access: Access) -> None:
        """Make controls free, locked or hidden."""
        self.access |= dict.fromkeys(controls, access)

    def lesson(self, comparison: Comparison) -> tuple[ArrangedLesson, str]:
        """Return the lesson so far, and what is missing, in a sentence; nothing if it is whole."""
        question = visible_text(self.question)[:LONGEST_QUESTION]
        problem = "" if question else "Write a question."
        prediction = None
        try:
            prediction = self._prediction(comparison)
        except ValueError as wrong:
            problem = problem or f"What students predict {wrong}"
        locked, hidden = (
            frozenset(control for control, held in self.access.items() if held == access)
            for access in ("locked", "hidden")
        )
        return ArrangedLesson(question, locked, hidden, prediction), problem

    def _prediction(self, comparison: Comparison) -> AskedPrediction | None:
        # A list shows its first entry until another is chosen, or where that is gone.
        names = [arm.name for arm in comparison.arms]
        net = self.net if self.net in names else names[0]
        match self.kind:
            case "best":
                ranked = self.quantity if self.quantity in BEST_BY else "accuracy"
                return checked_best(ranked, comparison)
            case "range":
                return checked_ranges(self.quantity, net, self._numbers(), comparison)
            case "draw":
                return checked_drawing(self.curve, net, comparison)
            case "own":
                return checked_answers(self.answers.splitlines())
            case _:
                return None

    def _numbers(self) -> list[float]:
        """Return the bounds. Errors: ``ValueError``."""
        factor = 100.0 if is_share(self.quantity) else 1.0
        parts = [part for part in re.split(r"[,;\s]+", self.bounds.replace("%", " ")) if part]
        try:
            return [float(part) / factor for part in parts]
        except ValueError:
            raise ValueError("needs numbers such as 50, 90.") from None

"""What the author of a lesson's link has its reader predict of the run, as the link holds it.

Which net does best, within which bounds a number lies, or a curve to draw: a run decides these.
Answers in the author's own words are compared with what the run shows by the reader.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from bn_core.comparison import Comparison
from bn_core.lessons.conditions import Clause, Condition, Measured, Sum
from bn_core.lessons.evidence import Evidence
from bn_core.lessons.guided import DRAWN, Drawing
from bn_core.lessons.quantities import QUANTITIES
from bn_core.lessons.questions import Choice, Question
from bn_core.visible_text import visible_text

LEAD = 0.01
"""By how much a net's accuracy must be higher than each other's to be called the highest."""
LOWER = 0.9
"""The share of each other net's loss below which a loss is called the lowest."""

MOST_BOUNDS = 4
MOST_ANSWERS = 6
LONGEST_ANSWER = 120
LARGEST_BOUND = 1e6
_LONGEST = 1000
"""Characters of a prediction in a link that are read at all."""

BEST_BY: Mapping[str, str] = {
    "accuracy": "the highest validation accuracy, by more than 1 percentage point",
    "training loss": "the lowest training loss, by more than a tenth",
    "validation loss": "the lowest validation loss, by more than a tenth",
}
"""The quantities by which nets can be ranked, with what is asked."""

RANGED = (
    "accuracy",
    "training loss",
    "validation loss",
    "diverged",
    "dead",
    "saturated",
    "gradient ratio",
)
"""The quantities of one net whose size can be predicted."""

_BETWEEN = "~"
"""Stands between answers in a link; an answer holds none."""


@dataclass(frozen=True)
class BestNet:
    """Which net of the comparison is best by a quantity of ``BEST_BY``."""

    quantity: str


@dataclass(frozen=True)
class Ranges:
    """Between which bounds, which rise, a quantity of ``RANGED`` of a net lies after the run."""

    quantity: str
    net: str
    bounds: tuple[float, ...]


@dataclass(frozen=True)
class OwnAnswers:
    """Answers in the author's words."""

    answers: tuple[str, ...]


AskedPrediction = BestNet | Ranges | Drawing | OwnAnswers


def write_prediction(asked: AskedPrediction) -> str:
    """Return a prediction as a link holds it; ``read_prediction`` undoes it."""
    match asked:
        case BestNet(quantity):
            return f"best:{_key(quantity)}"
        case Ranges(quantity, net, bounds):
            return f"range:{_key(quantity)}:{'_'.join(map(_number, bounds))}:{net}"
        case Drawing(curve, net):
            return f"draw:{curve}:{net}"
        case OwnAnswers(answers):
            return f"own:{_BETWEEN.join(answers)}"


def read_prediction(text: str, comparison: Comparison) -> AskedPrediction:
    """Return a prediction about a comparison. Errors: ``ValueError`` says what does not fit."""
    if len(text) > _LONGEST:
        raise ValueError("is too long to be read.")
    kind, _, rest = text.partition(":")
    match kind:
        case "best":
            return checked_best(_name(rest), comparison)
        case "range":
            quantity, bounds, net = _parts(rest, 3)
            numbers = [_float(number) for number in bounds.split("_")]
            return checked_ranges(_name(quantity), net, numbers, comparison)
        case "draw":
            curve, net = _parts(rest, 2)
            return checked_drawing(curve, net, comparison)
        case "own":
            return checked_answers(rest.split(_BETWEEN))
    raise ValueError("begins with one of: best, range, draw, own.")


def checked_best(quantity: str, comparison: Comparison) -> BestNet:
    """Return the question for the best net. Errors: ``ValueError``."""
    if quantity not in BEST_BY:
        raise ValueError(f"ranks nets by one of: {', '.join(BEST_BY)}.")
    if len(comparison.arms) < 2:
        raise ValueError("asks for the best of one net: it needs two nets or more.")
    return BestNet(quantity)


def checked_ranges(
    quantity: str, net: str, bounds: Sequence[float], comparison: Comparison
) -> Ranges:
    """Return the question for a number's size. Errors: ``ValueError``."""
    if quantity not in RANGED:
        raise ValueError(f"is about one of: {', '.join(RANGED)}.")
    rise = all(low < high for low, high in pairwise(bounds))
    fit = all(0 < bound <= LARGEST_BOUND for bound in bounds)  # which NaN does not
    if not 1 <= len(bounds) <= MOST_BOUNDS or not rise or not fit:
        raise ValueError(f"needs 1 to {MOST_BOUNDS} numbers above zero that rise.")
    if is_share(quantity) and bounds[-1] > 1:
        raise ValueError("is about a share: its numbers go up to 100 %.")
    return Ranges(quantity, _checked_net(net, comparison), tuple(map(float, bounds)))


def checked_drawing(curve: str, net: str, comparison: Comparison) -> Drawing:
    """Return the curve to draw. Errors: ``ValueError``."""
    if curve not in DRAWN:
        raise ValueError(f"draws one of: {', '.join(DRAWN)}.")
    return Drawing(curve, _checked_net(net, comparison))


def checked_answers(answers: Sequence[str]) -> OwnAnswers:
    """Return answers in the author's words, cleaned. Errors: ``ValueError``."""
    if len(answers) > MOST_ANSWERS:
        raise ValueError(f"has at most {MOST_ANSWERS} answers.")
    cleaned = tuple(filter(None, (visible_text(one.replace(_BETWEEN, "-")) for one in answers)))
    if any(len(answer) > LONGEST_ANSWER for answer in cleaned):
        raise ValueError(f"has answers of at most {LONGEST_ANSWER} characters.")
    if len(cleaned) < 2 or len(set(cleaned)) < len(cleaned):
        raise ValueError("needs two answers or more that differ.")
    return OwnAnswers(cleaned)


def is_share(quantity: str) -> bool:
    """Return whether a quantity is a share from 0 to 1, written in percent."""
    return QUANTITIES[quantity].form.endswith("%")


def question_of(asked: AskedPrediction, comparison: Comparison) -> Question | None:
    """Return the question with its answers; None for a curve. No answer counts as expected."""
    match asked:
        case BestNet(quantity):
            return _best_question(quantity, comparison)
        case Ranges():
            return _range_question(asked, comparison)
        case OwnAnswers(answers):
            return Question("Your answer:", tuple(Choice(words, False) for words in answers))
        case _:
            return None


def outcome_words(question: Question, chosen: int, evidence: Evidence, conclusion: str) -> str:
    """Return what was predicted and what the run measured; ``conclusion`` says what it shows."""
    begin = f"You predicted “{question.choices[chosen].words}”"
    if not question.is_measured:
        return f"{begin}. Compare it with what the run shows: {conclusion}"
    right, _ = question.measured(evidence)
    if right is None:
        return f"{begin}. The numbers of this run do not decide it."
    outcomes = [one.condition.evaluate(evidence) for one in question.choices if one.condition]
    numbers = dict.fromkeys(number for outcome in outcomes for number in outcome.numbers)
    measured = f"Measured: {'; '.join(numbers)}."
    if right == chosen:
        return f"{begin}: right. {measured}"
    answer = question.choices[right].words
    return f"{begin}: not this time. It is “{answer}”. {measured}"


def _best_question(quantity: str, comparison: Comparison) -> Question:
    nets = [Measured(QUANTITIES[quantity], (arm.name,)) for arm in comparison.arms]
    choices = []
    for net, arm in zip(nets, comparison.arms, strict=True):
        others = [other for other in nets if other is not net]
        clauses = tuple(_ahead(quantity, net, other) for other in others)
        choices.append(Choice(arm.label, False, Condition("", (clauses,))))
    none = Choice("None of them: the best two lie closer together", False, is_otherwise=True)
    return Question(f"Which net has {BEST_BY[quantity]}, {_after(comparison)}?", (*choices, none))


def _ahead(quantity: str, net: Measured, other: Measured) -> Clause:
    if quantity == "accuracy":
        return Clause(Sum((net,)), ">", Sum((other, LEAD), ("+",)))
    return Clause(Sum((net,)), "<", Sum((LOWER, other), ("*",)))


def _range_question(asked: Ranges, comparison: Comparison) -> Question:
    labels = {arm.name: arm.label for arm in comparison.arms}
    quantity = QUANTITIES[asked.quantity]
    measured = Sum((Measured(quantity, (asked.net,)),))
    edges = [None, *asked.bounds, None]
    choices = []
    for low, high in pairwise(edges):
        above = [] if low is None else [Clause(measured, ">=", Sum((low,)))]
        below = [] if high is None else [Clause(measured, "<", Sum((high,)))]
        condition = Condition("", ((*above, *below),))
        choices.append(Choice(_range_words(asked.quantity, low, high), False, condition))
    what = quantity.words.format(f"“{labels.get(asked.net, asked.net)}”")
    return Question(f"{what[0].upper()}{what[1:]}, {_after(comparison)}:", tuple(choices))


def _range_words(quantity: str, low: float | None, high: float | None) -> str:
    first, last = (None if one is None else bound_text(quantity, one) for one in (low, high))
    if first is None:
        return f"less than {last}"
    return f"{first} or more" if last is None else f"{first} to less than {last}"


def bound_text(quantity: str, bound: float) -> str:
    """Return a bound as it is shown: a share in percent."""
    return f"{100 * bound:.6g} %" if is_share(quantity) else f"{bound:,.6g}"


def _after(comparison: Comparison) -> str:
    return f"after {comparison.base.steps:,} steps"


def _checked_net(net: str, comparison: Comparison) -> str:
    if net not in [arm.name for arm in comparison.arms]:
        raise ValueError("is about a net that the link does not have.")
    return net


def _parts(text: str, count: int) -> list[str]:
    parts = text.split(":", maxsplit=count - 1)
    if len(parts) < count:
        raise ValueError("is not complete.")
    return parts


def _float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _number(value: float) -> str:
    return repr(float(value)).removesuffix(".0")


def _key(quantity: str) -> str:
    return quantity.replace(" ", "_")


def _name(key: str) -> str:
    return key.replace("_", " ")

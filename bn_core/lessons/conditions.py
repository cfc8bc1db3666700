"""Conditions over measured quantities, and what the evidence says of them.

A condition holds, does not hold, or cannot be told yet because something is not measured.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bn_core.config import SETTINGS
from bn_core.lessons.controls import LABELS, PAGE_TITLES
from bn_core.lessons.evidence import Evidence
from bn_core.lessons.measures import divergence_words
from bn_core.lessons.quantities import Quantity, Value, net_label
from bn_core.results import VERDICT_WORDS, Metric

_EXACT = ",.6g"
"""How a number that somebody wrote is shown."""
_READABLE = 1e9

_ROUNDING = 1e-6
"""Relative difference below which numbers are equal: measured ones have single precision."""


def _equal(a: float, b: float) -> bool:
    return math.isclose(a, b, rel_tol=_ROUNDING)


COMPARISONS: Mapping[str, tuple[str, Callable[[float, float], bool]]] = {
    ">=": ("at least", lambda a, b: a >= b or _equal(a, b)),
    "<=": ("at most", lambda a, b: a <= b or _equal(a, b)),
    ">": ("more than", lambda a, b: a > b and not _equal(a, b)),
    "<": ("less than", lambda a, b: a < b and not _equal(a, b)),
    "=": ("", _equal),
    "!=": ("anything but", lambda a, b: not _equal(a, b)),
}


@dataclass(frozen=True)
class Outcome:
    """Whether a condition holds, None while it cannot be told, with the numbers in words.

    ``numbers`` are those that were measured, without what was asked for.
    """

    holds: bool | None
    words: str
    numbers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Measured:
    """A quantity with its arguments."""

    quantity: Quantity
    arguments: tuple[Value, ...] = ()

    def value(self, evidence: Evidence) -> Value | None:
        """Return what is measured, None if it is not there yet."""
        return self.quantity.measure(evidence, *self.arguments)

    def words(self, evidence: Evidence | None = None) -> str:
        """Return what it is; a metric that is in the evidence goes by its label."""
        if self.quantity.name == "metric":
            found = self.metric(evidence)
            return f"“{found.label if found else str(self.arguments[1]).replace('_', ' ')}”"
        if self.quantity.name == "setting":
            label = SETTINGS[str(self.arguments[0])].label
            return label + "".join(f" of {net_label(str(n))}" for n in self.arguments[1:])
        if self.quantity.name == "choice":
            return LABELS[str(self.arguments[0])]
        kinds = self.quantity.arguments
        said = [_said(kind, one) for kind, one in zip(kinds, self.arguments, strict=False)]
        return self.quantity.words.format(*said)

    def metric(self, evidence: Evidence | None) -> Metric | None:
        """Return the metric that it names, if the evidence has it."""
        if evidence is None or self.quantity.name != "metric":
            return None
        source, key = map(str, self.arguments)
        result = evidence.results.get(source)
        return next((one for one in result.metrics if one.key == key), None) if result else None


@dataclass(frozen=True)
class Sum:
    """Numbers and measured quantities joined by signs, products before sums."""

    terms: tuple[float | Measured, ...]
    signs: tuple[str, ...] = ()

    def value(self, evidence: Evidence) -> float | None:
        """Return the number, None if a part of it is not measured."""
        numbers = []
        for term in self.terms:
            found = term.value(evidence) if isinstance(term, Measured) else term
            if found is None or isinstance(found, str):
                return None
            numbers.append(found)
        return _total(numbers, self.signs)

    def words(self, evidence: Evidence | None = None) -> str:
        """Return what is added up."""
        said = [
            t.words(evidence) if isinstance(t, Measured) else _number(t, _EXACT) for t in self.terms
        ]
        names = {"-": "minus", "+": "plus", "*": "times", "/": "over"}
        rest = zip(self.signs, said[1:], strict=True)
        return said[0] + "".join(f" {names[sign]} {word}" for sign, word in rest)

    def written(self, value: float, evidence: Evidence) -> str:
        """Return its value in words; seeds that diverged have none, and are named."""
        form = self.form(evidence)
        said = _number(value, form)
        nets = [
            divergence_words(
                evidence, t.quantity.name, str(t.arguments[0]), lambda one: _number(one, form)
            )
            for t in self.terms
            if isinstance(t, Measured) and t.quantity.arguments == ("net",)
        ]
        if not any(nets):
            return said
        if len(self.terms) == 1:
            return nets[0]
        if not math.isfinite(value):
            return "no number, since seeds diverged"
        return f"{said} (a seed that diverged counts as the worst)"

    def form(self, evidence: Evidence) -> str:
        """Return how its value is written; a metric that stands alone has a form of its own."""
        (first, *more) = self.terms
        alone = first.metric(evidence) if isinstance(first, Measured) and not more else None
        if alone is not None:
            return alone.form
        forms = [t.quantity.form for t in self.terms if isinstance(t, Measured)]
        return ".3g" if {"*", "/"} & set(self.signs) or not forms else forms[0]


@dataclass(frozen=True)
class Clause:
    """One comparison. ``goal`` is a sum, or the value that a setting or a state must have."""

    left: Sum
    sign: str
    goal: Sum | Value

    def evaluate(self, evidence: Evidence) -> Outcome:
        """Return whether it holds, with the number measured."""
        found: Value | None
        if isinstance(self.goal, Sum):
            found, goal = self.left.value(evidence), self.goal.value(evidence)
        else:
            measured = self.left.terms[0]
            assert isinstance(measured, Measured), "only a quantity has a value in words"
            found, goal = measured.value(evidence), self.goal
        words = (COMPARISONS[self.sign][0], self._goal_words(evidence))
        asked = f"asked for: {' '.join(filter(None, words))}"
        name = self.left.words(evidence)
        if found is None or goal is None:
            return Outcome(None, self._unknown(asked, evidence, is_found=found is not None))
        is_word = isinstance(found, str)
        said = self._word(found) if is_word else self.left.written(found, evidence)
        number, holds = f"{name}: {said}", _compare(found, self.sign, goal)
        all_said = f"{number} ({asked})"
        if self._named == "trained steps" and self.sign == ">=" and not holds:
            all_said = f"{said} of {' '.join(words)} steps are trained"
        elif self._named == "verdict" and self.sign == "!=":
            all_said = number
        return Outcome(holds, all_said, (number,))

    @property
    def _named(self) -> str:
        """The quantity on the left if it stands alone."""
        (first, *more) = self.left.terms
        return first.quantity.name if isinstance(first, Measured) and not more else ""

    def _unknown(self, asked: str, evidence: Evidence, *, is_found: bool) -> str:
        """Return what is still to be measured: the left side, or what it is compared with."""
        if is_found and isinstance(self.goal, Sum):
            return f"{self.goal.words(evidence)}: not measured yet"
        match self._named:
            case "trained steps":
                return f"no step is trained yet ({asked})"
            case "verdict":
                return "the experiment has no verdict yet"
        return f"{self.left.words(evidence)}: not measured yet ({asked})"

    def _word(self, value: str) -> str:
        """Return how a value that is no number is called on the page."""
        first = self.left.terms[0]
        if not isinstance(first, Measured):
            return value
        if first.quantity.name == "verdict":
            return VERDICT_WORDS.get(value, value)
        if first.quantity.name == "page":
            return PAGE_TITLES.get(value, value)
        name = str(first.arguments[0]) if first.quantity.name == "setting" else ""
        return SETTINGS[name].options.get(value, value) if name else value

    def _goal_words(self, evidence: Evidence) -> str:
        if not isinstance(self.goal, Sum):
            return self._word(self.goal) if isinstance(self.goal, str) else _number(self.goal)
        (*_, only) = self.goal.terms
        if len(self.goal.terms) == 1 and isinstance(only, float):
            form = self.left.form(evidence)
            return _number(only, form if form.endswith("%") else _EXACT)
        return self.goal.words(evidence)


@dataclass(frozen=True)
class Condition:
    """Alternatives, each of clauses that must all hold; ``text`` is what was written."""

    text: str
    alternatives: tuple[tuple[Clause, ...], ...]

    def evaluate(self, evidence: Evidence) -> Outcome:
        """Return whether any alternative holds; the words are those of the one that is nearest."""
        outcomes = [_all_of(clauses, evidence) for clauses in self.alternatives]
        for wanted in (True, None):
            for outcome in outcomes:
                if outcome.holds is wanted:
                    return outcome
        return outcomes[0]

    def measured(self) -> tuple[Measured, ...]:
        """Return every quantity that it names."""
        sums = [
            one
            for clauses in self.alternatives
            for clause in clauses
            for one in (clause.left, clause.goal)
            if isinstance(one, Sum)
        ]
        return tuple(t for one in sums for t in one.terms if isinstance(t, Measured))


def _compare(found: Value, sign: str, goal: Value) -> bool:
    if isinstance(found, float) and isinstance(goal, float):
        return COMPARISONS[sign][1](found, goal)
    return (found == goal) if sign == "=" else sign == "!=" and found != goal


def _all_of(clauses: tuple[Clause, ...], evidence: Evidence) -> Outcome:
    outcomes = [clause.evaluate(evidence) for clause in clauses]
    words = "; ".join(outcome.words for outcome in outcomes)
    numbers = tuple(number for outcome in outcomes for number in outcome.numbers)
    if any(outcome.holds is False for outcome in outcomes):
        return Outcome(False, words, numbers)
    unknown = any(outcome.holds is None for outcome in outcomes)
    return Outcome(None if unknown else True, words, numbers)


def _total(numbers: list[float], signs: tuple[str, ...]) -> float | None:
    """Return the sum of products; None for a division by zero."""
    sums = [numbers[0]]
    for sign, number in zip(signs, numbers[1:], strict=True):
        if sign == "/" and number == 0:
            return None
        match sign:
            case "*":
                sums[-1] *= number
            case "/":
                sums[-1] /= number
            case _:
                sums.append(number if sign == "+" else -number)
    total = sum(sums)
    return None if math.isnan(total) else total


def _number(value: float, form: str = _EXACT) -> str:
    """Return a number with its thousands set apart, as a power of ten only beyond a billion."""
    if not math.isfinite(value):
        return "never"
    said = f"{value:{form}}".replace("%", " %")
    return f"{float(said):,.0f}" if "e+0" in said and abs(value) < _READABLE else said


def _said(kind: str, argument: Value) -> str:
    if kind == "net":
        return net_label(str(argument))
    if kind == "share":
        return f"{argument:.0%}".replace("%", " %")
    return f"{argument:g}" if isinstance(argument, float) else str(argument)

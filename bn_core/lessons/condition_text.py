"""Conditions over measured quantities: a small grammar of our own, read once, never executed.

::

    condition := all ("or" all)*
    all       := clause ("and" clause)*
    clause    := sum (">=" | "<=" | ">" | "<" | "=" | "!=") sum      numbers
               | word-quantity ("=" | "!=" | ">=" | ...) value        "setting depth = 10"
    sum       := product (("+" | "-") product)*
    product   := term (("*" | "/") term)*
    term      := ["-"] number | quantity
    quantity  := name ["(" argument ["," argument] ")"]               "accuracy(before)"
"""

import re

from bn_core.config import SETTINGS
from bn_core.lessons.conditions import COMPARISONS, Clause, Condition, Measured, Sum
from bn_core.lessons.quantities import QUANTITIES, Value, checked_argument
from bn_core.settings import SettingError

LONGEST_CONDITION = 400
MOST_PARTS = 60
"""Words, numbers and signs of one condition."""

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?(?:e-?\d+)?)|(?P<word>[A-Za-z_][\w-]*)"
    r"|(?P<arguments>\([^()]*\))|(?P<sign>>=|<=|!=|[><=+*/-]))"
)
_VERDICTS = ("holds", "fails", "depends", "untested")
_STATES = (
    "untrained", "learning", "stuck", "dead", "saturated", "vanishing", "exploding", "diverged",
    "finished",
)  # fmt: skip
_ENDINGS = ("finished", "stopped", "diverged", "cancelled", "failed")


class ConditionError(ValueError):
    """A condition that cannot be read; the message says what could stand there."""


def read_condition(text: str) -> Condition:
    """Return a condition from its text. Errors: ``ConditionError`` says what could stand there."""
    if len(text) > LONGEST_CONDITION:
        raise ConditionError(f"a condition has at most {LONGEST_CONDITION} characters.")
    parser = _Parser(_tokens(text))
    alternatives = [parser.all_of()]
    while parser.take_word("or"):
        alternatives.append(parser.all_of())
    if parser.rest:
        raise ConditionError(f"“{parser.rest[0][1]}” cannot stand there; join clauses by “and”.")
    return Condition(text, tuple(alternatives))


def _tokens(text: str) -> list[tuple[str, str]]:
    found, at = [], 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None:
            raise ConditionError(f"“{text[at:].strip()[:20]}” cannot be read in a condition.")
        found.append((match.lastgroup or "", match[match.lastgroup or 0]))
        at = match.end()
    if len(found) > MOST_PARTS:
        raise ConditionError(f"a condition has at most {MOST_PARTS} words, numbers and signs.")
    return found


class _Parser:
    """Takes a condition apart from left to right."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self.rest = tokens

    def take(self, *kinds: str) -> str:
        """Return the next part if it is of one of these kinds, else an empty text."""
        if self.rest and self.rest[0][0] in kinds:
            return self.rest.pop(0)[1]
        return ""

    def take_word(self, word: str) -> bool:
        """Take this very word if it is next."""
        if self.rest and self.rest[0] == ("word", word):
            self.rest.pop(0)
            return True
        return False

    def all_of(self) -> tuple[Clause, ...]:
        clauses = [self.clause()]
        while self.take_word("and"):
            clauses.append(self.clause())
        return tuple(clauses)

    def clause(self) -> Clause:
        left = self.sum()
        sign = self.take("sign")
        if sign not in COMPARISONS:
            raise ConditionError(f"after “{left.words()}” a comparison is missing, such as >=.")
        first = left.terms[0]
        if isinstance(first, Measured) and first.quantity.is_word:
            goal = _checked_goal(first, sign, self.minus() + self.take("number", "word"))
            return Clause(left, sign, goal)
        return Clause(left, sign, self.sum())

    def sum(self) -> Sum:
        terms, signs = [self.term()], []
        while self.rest and self.rest[0][0] == "sign" and self.rest[0][1] in "+-*/":
            signs.append(self.take("sign"))
            terms.append(self.term())
        words = [t for t in terms if isinstance(t, Measured) and t.quantity.is_word]
        if words and len(terms) > 1:
            raise ConditionError(f"“{words[0].quantity.name}” is no number to calculate with.")
        return Sum(tuple(terms), tuple(signs))

    def minus(self) -> str:
        """Take a minus if it is next."""
        return self.take("sign") if self.rest[:1] == [("sign", "-")] else ""

    def term(self) -> float | Measured:
        minus = self.minus()
        if number := self.take("number"):
            return float(minus + number)
        if minus:
            raise ConditionError("a minus stands in front of a number or between two quantities.")
        words = []
        while self.rest and self.rest[0][0] == "word" and self.rest[0][1] not in ("and", "or"):
            words.append(self.take("word"))
        if not words:
            raise ConditionError("a number or a quantity such as accuracy(before) is missing.")
        arguments = self.take("arguments")[1:-1]
        if words[0] == "setting" and len(words) == 2:
            arguments = ", ".join(filter(None, (words.pop(), arguments)))
        return _measured(" ".join(words), arguments)


def _measured(name: str, text: str) -> Measured:
    """Return a quantity with its arguments; the last one may hold commas itself."""
    quantity = QUANTITIES.get(name)
    if quantity is None:
        raise ConditionError(f"“{name}” cannot be measured; there are: {', '.join(QUANTITIES)}.")
    parts = text.split(",", maxsplit=max(len(quantity.arguments) - 1, 0))
    arguments = [part.strip() for part in parts if part.strip()]
    most, least = len(quantity.arguments), len(quantity.arguments) - quantity.optional
    if not least <= len(arguments) <= most:
        takes = ", ".join(quantity.arguments) or "nothing"
        raise ConditionError(f"“{name}” takes in parentheses: {takes}.")
    try:
        checked = [
            checked_argument(k, a) for k, a in zip(quantity.arguments, arguments, strict=False)
        ]
    except ValueError as error:
        raise ConditionError(f"{name}: {error}") from None
    return Measured(quantity, tuple(checked))


def _checked_goal(measured: Measured, sign: str, text: str) -> Value:
    """Return the value that a word-valued quantity is compared with."""
    name = measured.quantity.name
    if not text:
        raise ConditionError(f"what “{measured.words()}” is compared with is missing.")
    if name == "setting":
        return _checked_setting(str(measured.arguments[0]), sign, text)
    known = {"verdict": _VERDICTS, "state": _STATES, "ending": _ENDINGS}.get(name)
    if known and text not in known:
        raise ConditionError(f"“{name}” is one of: {', '.join(known)}; not “{text}”.")
    if name == "choice" and re.fullmatch(r"-?\d[\d.e-]*", text):
        return float(text)
    if sign not in ("=", "!="):
        raise ConditionError(f"“{name}” has no order: compare it by = or !=.")
    return text


def _checked_setting(name: str, sign: str, text: str) -> Value:
    setting = SETTINGS[name]
    try:
        value = setting.read(text)
    except SettingError as error:
        raise ConditionError(str(error)) from None
    if setting.kind in ("whole", "number", "log"):
        return float(value)
    if sign not in ("=", "!="):
        raise ConditionError(f"{setting.label} has no order: compare it by = or !=.")
    return text

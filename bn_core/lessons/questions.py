"""Questions with answers to choose from; what a run measures may decide which one is right."""

from dataclasses import dataclass

from bn_core.lessons.condition_text import ConditionError, read_condition
from bn_core.lessons.conditions import Condition, Outcome
from bn_core.lessons.evidence import Evidence
from bn_core.lessons.text_format import Block, LessonError

OTHERWISE = "otherwise"
"""The condition of the last answer: right if no other is."""


@dataclass(frozen=True)
class Choice:
    """One answer. ``expected`` marks the one that papers or past runs give."""

    words: str
    expected: bool
    condition: Condition | None = None
    is_otherwise: bool = False


@dataclass(frozen=True)
class Question:
    """A question and its answers; exactly one is expected."""

    words: str
    choices: tuple[Choice, ...]

    @property
    def expected(self) -> int:
        """The index of the answer that is expected."""
        return next(i for i, choice in enumerate(self.choices) if choice.expected)

    @property
    def is_measured(self) -> bool:
        """Whether the numbers of a run decide which answer is right."""
        return any(choice.condition for choice in self.choices)

    def measured(self, evidence: Evidence) -> tuple[int | None, str]:
        """Return the index of the answer that the numbers give, if they do yet, and the numbers.

        The first answer whose condition holds, with what it asks for; "otherwise" once all others
        are known not to, with all that was measured.
        """
        outcomes = [self._outcome(choice, evidence) for choice in self.choices]
        for index, outcome in enumerate(outcomes):
            if outcome is not None and outcome.holds:
                return index, outcome.words
        known = [outcome for outcome in outcomes if outcome is not None]
        if not known or any(outcome.holds is None for outcome in known):
            return None, ""
        rest = [i for i, choice in enumerate(self.choices) if choice.is_otherwise]
        numbers = dict.fromkeys(number for outcome in known for number in outcome.numbers)
        return (rest[0] if rest else None), "; ".join(numbers)

    @staticmethod
    def _outcome(choice: Choice, evidence: Evidence) -> Outcome | None:
        return choice.condition.evaluate(evidence) if choice.condition else None


def reply(
    question: Question,
    chosen: int,
    evidence: Evidence | None = None,
    *,
    because: str = "",
    said: str = "predicted",
) -> str:
    """Return "You predicted “…”: right." or what the answer is instead; never a guess.

    With ``evidence`` a measured question is answered by its numbers alone; without it, and where
    nothing is measured, by the answer that is expected.
    """
    begin = f"You {said} “{question.choices[chosen].words}”"
    right, numbers = question.expected, ""
    if question.is_measured and evidence is not None:
        measured, words = question.measured(evidence)
        if measured is None:
            return f"{begin}. The numbers of this run do not decide it."
        right, numbers = measured, f" Measured: {words}."
    more = f"{numbers} {because}".rstrip()
    more = f" {more.strip()}" if more.strip() else ""
    if right == chosen:
        return f"{begin}: right.{more}"
    answer = question.choices[right].words.rstrip(".")
    return f"{begin}: not this time. The answer is “{answer}”.{more}"


def read_question(block: Block, name: str) -> Question:
    """Return the question in a field of a block. Errors: ``LessonError``."""
    written = block.fields[name]
    if len(written.choices) < 2:
        raise block.error(f"“{name}” needs two answers or more, each on a line “- …”.", name)
    if sum(choice.marked for choice in written.choices) != 1:
        raise block.error(f"“{name}” needs exactly one answer marked by “*”.", name)
    words = [choice.words for choice in written.choices]
    if len(set(words)) != len(words):
        raise block.error(f"two answers of “{name}” are the same.", name)
    choices = tuple(
        Choice(
            choice.words,
            choice.marked,
            _condition(block.file, choice.line, choice.condition),
            choice.condition == OTHERWISE,
        )
        for choice in written.choices
    )
    made = Question(written.text, choices)
    if made.is_measured and not all(c.condition or c.is_otherwise for c in choices):
        raise block.error(
            f"if one answer of “{name}” has a condition in braces, each needs one; the last may be "
            f"{{{OTHERWISE}}}.",
            name,
        )
    return made


def condition_of(block: Block, name: str) -> Condition | None:
    """Return the condition in a field of a block; None without it. Errors: ``LessonError``."""
    written = block.fields.get(name)
    return None if written is None else _condition(block.file, written.line, written.text)


def _condition(file: str, line: int, text: str) -> Condition | None:
    if not text or text == OTHERWISE:
        return None
    try:
        return read_condition(text)
    except ConditionError as error:
        raise LessonError(file, line, str(error)) from None

"""One class: its students, the question it is asked, both rounds of answers, what is shown when.

Peer instruction: each answers alone, the class discusses, each answers again, and only then is
the distribution of the answers shown (Crouch and Mazur 2001; Porter, Bailey Lee and Simon 2013).
"""

import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

import numpy as np

from bn_core.classroom.questions import Answer, ClassQuestion
from bn_core.classroom.saved_answers import answer_rows

MOST_STUDENTS = 400
MOST_QUESTIONS = 60
ROUNDS = 2
FEWEST_FOR_TENTHS = 8
"""Curves of which the lowest and the highest tenth are shown."""

Ballots = dict[str, Answer]
"""Answers of one round by the student's token: whoever answers again replaces their answer."""


class Phase(StrEnum):
    """What the class does: answer, discuss, answer again, see the result."""

    WAIT = "wait"
    VOTE = "vote"
    DISCUSS = "discuss"
    VOTE_AGAIN = "vote again"
    REVEAL = "reveal"


_ORDER = [Phase.VOTE, Phase.DISCUSS, Phase.VOTE_AGAIN, Phase.REVEAL]
_ROUND_OF = {Phase.VOTE: 0, Phase.VOTE_AGAIN: 1}


class ClassError(ValueError):
    """What a device asked for and cannot have now; the message says why."""


@dataclass
class AskedQuestion:
    """A question that was put to the class, and its answers."""

    question: ClassQuestion
    rounds: tuple[Ballots, Ballots] = field(default_factory=lambda: ({}, {}))


@dataclass
class Classroom:
    """A class in memory; every method may be called from any thread.

    ``code`` is what students type, ``key`` what the teacher's browser keeps. ``version`` grows
    with everything that students see, and ``on_change`` is called after it has grown.
    """

    code: str
    key: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    phase: Phase = Phase.WAIT
    version: int = 1
    open_to_join: bool = True
    ended: bool = False
    asked: list[AskedQuestion] = field(default_factory=list)
    announcement: dict[str, Any] = field(default_factory=dict)
    """What students see beside the question: a run that is shown, a page to open."""
    lab: str = ""
    """The query of the Lab's link as the teacher's page had it last; students are not told."""
    on_change: list[Callable[[], None]] = field(default_factory=list)
    _students: dict[str, int] = field(default_factory=dict)
    """Connections of each student's devices, by the student's token."""
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def is_key(self, given: str) -> bool:
        """Return whether a text is the teacher's key, in a time that tells nothing of it."""
        return secrets.compare_digest(given.encode(), self.key.encode())

    # Students

    def join(self, token: str = "") -> str:
        """Return the token of a student: the one given if it is known, else a new one."""
        with self._lock:
            if token in self._students:
                return token
            if self.ended:
                raise ClassError("This class has ended.")
            if not self.open_to_join:
                raise ClassError("The teacher has closed this class to newcomers.")
            if len(self._students) >= MOST_STUDENTS and not self._drop_one_absent():
                raise ClassError(f"This class is full: {MOST_STUDENTS} students are the most.")
            token = secrets.token_urlsafe(12)
            self._students[token] = 0
            return token

    def _drop_one_absent(self) -> bool:
        """Make room: forget a student who is not connected and has answered nothing."""
        voters = {token for asked in self.asked for ballots in asked.rounds for token in ballots}
        for token, connections in self._students.items():
            if not connections and token not in voters:
                del self._students[token]
                return True
        return False

    @contextmanager
    def connected(self, token: str) -> Iterator[None]:
        """Count a student as present while one of their devices listens."""
        with self._lock:
            if token not in self._students:
                raise ClassError("This device has not joined the class.")
            self._students[token] += 1
        try:
            yield
        finally:
            with self._lock:
                if token in self._students:
                    self._students[token] -= 1

    def is_student(self, token: str) -> bool:
        """Return whether a token belongs to this class."""
        return token in self._students

    def vote(self, token: str, number: int, given: object) -> None:
        """Count an answer to the question of now; a student's last answer of a round counts.

        Errors: ``ClassError`` when nobody is asked that, ``QuestionError`` for no answer to it.
        """
        with self._lock:
            if token not in self._students:
                raise ClassError("This device has not joined the class.")
            if number != len(self.asked) or self.phase not in _ROUND_OF:
                raise ClassError("This question takes no answers now.")
            asked = self.asked[-1]
            asked.rounds[_ROUND_OF[self.phase]][token] = asked.question.read_answer(given)

    def answers_of(self, token: str) -> list[Answer | None]:
        """Return what a student answered in both rounds of the question of now."""
        with self._lock:
            return [ballots.get(token) for ballots in self._rounds()]

    # The teacher

    def ask(self, question: ClassQuestion) -> None:
        """Put a question to the class; its first round is open. Errors: ``ClassError``."""
        with self._lock:
            if len(self.asked) >= MOST_QUESTIONS:
                raise ClassError(f"A class is asked at most {MOST_QUESTIONS} questions.")
            self.asked.append(AskedQuestion(question))
            self._go_to(Phase.VOTE)

    def move(self, by: int) -> None:
        """Go to the next phase of the question (1) or back to the one before (-1)."""
        with self._lock:
            if self.phase in _ORDER:
                index = _ORDER.index(self.phase) + by
                self._go_to(_ORDER[min(max(index, 0), len(_ORDER) - 1)])

    def go_to(self, phase: Phase) -> None:
        """Go to a phase of the question: answers may be shown after the first round alone."""
        with self._lock:
            if self.asked and phase in _ORDER:
                self._go_to(phase)

    def decide(
        self, answer: int | None = None, truth: tuple[float, ...] = (), explanation: str = ""
    ) -> None:
        """Set what a run has shown to be right. Errors: ``QuestionError``, ``ClassError``."""
        with self._lock:
            if not self.asked:
                raise ClassError("No question has been asked.")
            asked = self.asked[-1]
            changes = {"answer": answer, "truth": truth, "explanation": explanation}
            found = {name: value for name, value in changes.items() if value not in (None, (), "")}
            asked.question = replace(asked.question, **found)
            self._changed()

    def announce(self, **what: Any) -> None:
        """Show something beside the question to all students; None takes it back."""
        with self._lock:
            shown = {**self.announcement, **what}
            self.announcement = {name: value for name, value in shown.items() if value is not None}
            self._changed()

    def close_to_newcomers(self, closed: bool) -> None:
        """Let nobody else in, or let newcomers in again."""
        with self._lock:
            self.open_to_join = not closed

    def end(self) -> None:
        """End the class: its devices are told, and nothing is taken any more."""
        with self._lock:
            self.ended = True
            self._go_to(Phase.WAIT)

    def _go_to(self, phase: Phase) -> None:
        self.phase = phase
        self._changed()

    def _changed(self) -> None:
        self.version += 1
        for tell in list(self.on_change):
            tell()

    # What is shown

    def _rounds(self) -> tuple[Ballots, ...]:
        return self.asked[-1].rounds if self.asked else ()

    def shown_to_students(self) -> dict[str, Any]:
        """Return what every student's device shows: no answers before they are revealed."""
        with self._lock:
            shown = {"version": self.version, "phase": self.phase, "ended": self.ended}
            shown |= self.announcement
            if self.asked and not self.ended:
                shown |= {"number": len(self.asked), "question": self._question()}
            return shown

    def _question(self) -> dict[str, Any]:
        question = self.asked[-1].question
        shown: dict[str, Any] = {"text": question.text, "choices": list(question.choices)}
        if question.axes is not None:
            axes = question.axes
            titles = {"horizontal": axes.horizontal, "vertical": axes.vertical}
            shown["axes"] = titles | {"last": axes.last, "top": axes.top}
        if self.phase is Phase.REVEAL:
            shown |= {"answer": question.answer, "explanation": question.explanation}
            shown |= {"truth": list(question.truth), "results": self._results()}
        return shown

    def _results(self) -> list[list[Any]]:
        """Return for each round the number of answers by choice, or quantiles of the curves."""
        question, rounds = self.asked[-1].question, self._rounds()
        if question.axes is not None:
            return [_quantiles(_curves(ballots)) for ballots in rounds]
        answers = [list(ballots.values()) for ballots in rounds]
        return [[given.count(i) for i in range(len(question.choices))] for given in answers]

    def curves(self) -> list[list[tuple[float, ...]]]:
        """Return all curves of each round, once they are revealed; else none."""
        with self._lock:
            revealed = self.phase is Phase.REVEAL
            return [_curves(ballots) for ballots in self._rounds()] if revealed else []

    def shown_to_teacher(self) -> dict[str, Any]:
        """Return what the students see, how many are there, and how many have answered."""
        with self._lock:
            present = sum(connections > 0 for connections in self._students.values())
            counts = {
                "joined": len(self._students),
                "present": present,
                "voted": [len(ballots) for ballots in self._rounds()],
            }
            more = {"open": self.open_to_join, "curves": self.curves()}
            return self.shown_to_students() | counts | more

    def votes(self) -> list[list[int | str]]:
        """Return the rows of all questions; nothing connects those of two questions."""
        with self._lock:
            asked = enumerate(self.asked, 1)
            rows = [answer_rows(number, one.question, one.rounds) for number, one in asked]
            return [row for of_one in rows for row in of_one]


def _curves(ballots: Ballots) -> list[tuple[float, ...]]:
    return sorted(curve for curve in ballots.values() if isinstance(curve, tuple))


def _quantiles(curves: list[tuple[float, ...]]) -> list[list[float]]:
    """Return the heights below which a tenth, half and nine tenths of the curves lie.

    The tenths of a few curves would be little else than their ends: then the half alone.
    """
    if not curves:
        return []
    if len(curves) < FEWEST_FOR_TENTHS:
        return np.median(np.array(curves), axis=0, keepdims=True).round(3).tolist()
    return np.quantile(np.array(curves), [0.1, 0.5, 0.9], axis=0).round(3).tolist()

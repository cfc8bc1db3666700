"""What a reader has done, as text for the browser's storage: the server keeps nothing.

The text may hold anything, so it is read strictly; what names a step, question or challenge that
there is no more is left out.
"""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bn_core import lessons
from bn_core.lessons.links import Link, read_link

VERSION = 1
LONGEST_PROGRESS = 60_000
_FORMAT = "batch-norm-lab-progress"


class ProgressError(ValueError):
    """A text that holds no progress; the message says what is wrong with it."""


@dataclass(frozen=True)
class Progress:
    """Steps done and predictions by "lesson/step", answers by question, proofs by challenge.

    ``predictions`` and ``answers`` hold the index of the choice taken.
    """

    done: frozenset[str] = frozenset()
    predictions: Mapping[str, int] = field(default_factory=dict)
    answers: Mapping[str, int] = field(default_factory=dict)
    again: Mapping[str, int] = field(default_factory=dict)
    """Answers to the second question of each pair."""
    proofs: Mapping[str, Link] = field(default_factory=dict)
    """The link of a run that reached a challenge's target; whoever doubts it trains it again."""

    def with_step(self, lesson: str, step: str) -> "Progress":
        """Return this with one more step done."""
        return dataclasses.replace(self, done=self.done | {f"{lesson}/{step}"})

    def with_prediction(self, lesson: str, step: str, choice: int) -> "Progress":
        """Return this with a prediction; once the step is done it stays as it was made."""
        name = f"{lesson}/{step}"
        if name in self.done:
            return self
        return dataclasses.replace(self, predictions={**self.predictions, name: choice})

    def with_answer(self, question: str, choice: int, *, again: bool = False) -> "Progress":
        """Return this with the answer to a question, or to the second one of its pair."""
        if again:
            return dataclasses.replace(self, again={**self.again, question: choice})
        return dataclasses.replace(self, answers={**self.answers, question: choice})

    def with_proof(self, challenge: str, proof: Link) -> "Progress":
        """Return this with a challenge reached."""
        return dataclasses.replace(self, proofs={**self.proofs, challenge: proof})

    def merged(self, other: "Progress") -> "Progress":
        """Return this with what another one has beside it; where both answer, this one counts."""
        return Progress(
            self.done | other.done,
            {**other.predictions, **self.predictions},
            {**other.answers, **self.answers},
            {**other.again, **self.again},
            {**other.proofs, **self.proofs},
        )

    def share(self, lesson: lessons.Lesson) -> float:
        """Return the share of a lesson's steps that is done."""
        ids = [f"{lesson.slug}/{step.id}" for step in lesson.steps]
        return sum(one in self.done for one in ids) / len(ids)


def serialize(progress: Progress) -> str:
    """Return progress as one line of JSON; ``parse`` undoes it."""
    body = {
        "format": _FORMAT,
        "version": VERSION,
        "done": sorted(progress.done),
        "predictions": dict(progress.predictions),
        "answers": dict(progress.answers),
        "again": dict(progress.again),
        "proofs": {name: link.address for name, link in progress.proofs.items()},
    }
    return json.dumps(body, ensure_ascii=True, separators=(",", ":"))


def parse(text: str) -> Progress:
    """Return the progress that a text holds. Errors: ``ProgressError`` for anything else."""
    if not isinstance(text, str) or len(text) > LONGEST_PROGRESS:
        raise ProgressError(f"Progress is a text of at most {LONGEST_PROGRESS:,} characters.")
    body = _loaded(text)
    steps = {f"{one.slug}/{step.id}": step for one in lessons.lessons() for step in one.steps}
    questions = {one.id: one for one in lessons.quiz()}
    choices = {name: len(step.prediction.choices) for name, step in steps.items()}
    first = {id: len(one.question.choices) for id, one in questions.items()}
    second = {id: len(one.again.choices) for id, one in questions.items()}
    done = body.get("done", [])
    if not isinstance(done, list):
        raise ProgressError("The steps done are no list.")
    return Progress(
        frozenset(one for one in done if isinstance(one, str) and one in steps),
        _choices(body, "predictions", choices),
        _choices(body, "answers", first),
        _choices(body, "again", second),
        _proofs(body),
    )


def _loaded(text: str) -> dict[str, Any]:
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        raise ProgressError("The text is no JSON.") from None
    if not isinstance(body, dict) or body.get("format") != _FORMAT:
        raise ProgressError("The text holds no progress of this app.")
    if body.get("version") != VERSION:
        raise ProgressError("The progress is of another version of this app.")
    return body


def _choices(body: dict[str, Any], name: str, counts: Mapping[str, int]) -> dict[str, int]:
    """Return the choices taken that there are, by what they answer."""
    found = body.get(name, {})
    if not isinstance(found, dict):
        raise ProgressError(f"“{name}” holds no choices.")
    return {
        key: choice
        for key, choice in found.items()
        if key in counts and type(choice) is int and 0 <= choice < counts[key]
    }


def _proofs(body: dict[str, Any]) -> dict[str, Link]:
    """Return the proofs that are links of the Lab within the challenge's locks."""
    found = body.get("proofs", {})
    if not isinstance(found, dict):
        raise ProgressError("“proofs” holds no links.")
    known = {one.id: one for one in lessons.challenges()}
    proofs = {}
    for id, address in found.items():
        link = _lab_link(address) if id in known else None
        if link is not None and link.comparison is not None:
            proofs[id] = link
    return proofs


def _lab_link(address: object) -> Link | None:
    if not isinstance(address, str) or not address.startswith("/?"):
        return None
    try:
        return read_link(f"lab{address[1:]}")
    except ValueError:
        return None

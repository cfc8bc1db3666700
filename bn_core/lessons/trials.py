"""What the texts expect of runs: each step, question and challenge beside the numbers of its run.

Running is left to the caller, so that this module needs numpy alone.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bn_core import lessons
from bn_core.lessons.challenges import Challenge, attempt
from bn_core.lessons.evidence import Evidence
from bn_core.lessons.guided import Lesson, Step
from bn_core.lessons.links import Link
from bn_core.lessons.questions import Question


@dataclass(frozen=True)
class Trial:
    """A run and what the texts expect of it; ``problem`` returns a sentence if it is not so."""

    name: str
    link: Link
    problem: Callable[[Evidence], str]

    @property
    def size(self) -> int:
        """Return steps times layers, summed over the nets; 0 for an experiment."""
        asked = self.link.comparison
        if asked is None:
            return 0
        configs = (arm.config(asked.base) for arm in asked.arms)
        return sum(config.steps * len(config.layer_widths) for config in configs)


def trials() -> Iterator[Trial]:
    """Return a trial for each text that a run of the Lab or of an experiment can contradict."""
    for lesson in lessons.lessons():
        yield from (_of_step(lesson, step) for step in lesson.steps if _is_run(step.link))
    for one in lessons.quiz():
        if one.run is not None:
            yield Trial(f"quiz {one.id}", one.run, _answer(one.question))
    for challenge in lessons.challenges():
        yield Trial(f"challenge {challenge.id}, start", challenge.start, _missed(challenge))
        yield Trial(f"challenge {challenge.id}, solution", challenge.solution, _reached(challenge))


def _is_run(link: Link) -> bool:
    return link.comparison is not None or bool(link.experiment)


def _of_step(lesson: Lesson, step: Step) -> Trial:
    def problem(evidence: Evidence) -> str:
        outcome = step.checked(evidence)
        if outcome.holds is not True:
            return f"after the run the check does not hold: {outcome.words}."
        return _answer(step.prediction)(evidence) if step.prediction.is_measured else ""

    return Trial(f"{lesson.slug}/{step.id}", step.link, problem)


def _answer(question: Question) -> Callable[[Evidence], str]:
    def problem(evidence: Evidence) -> str:
        right, words = question.measured(evidence)
        if right == question.expected:
            return ""
        expected = question.choices[question.expected].words
        answer = "no answer" if right is None else f"“{question.choices[right].words}”"
        return f"expected is “{expected}”, the run gives {answer}: {words}."

    return problem


def _missed(challenge: Challenge) -> Callable[[Evidence], str]:
    def problem(evidence: Evidence) -> str:
        assert evidence.record is not None
        reached = attempt(challenge, evidence.record).done
        return "the start reaches the target already." if reached else ""

    return problem


def _reached(challenge: Challenge) -> Callable[[Evidence], str]:
    def problem(evidence: Evidence) -> str:
        assert evidence.record is not None
        made = attempt(challenge, evidence.record)
        if not made.done:
            return f"the solution does not reach the target: {made.words}"
        assert made.proof is not None
        same = made.proof.comparison == challenge.solution.comparison
        return "" if same else "the proof is not the link of the run that reached the target."

    return problem

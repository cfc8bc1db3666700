"""What a visitor is learning: the lesson or challenge that is open, and their progress."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bn_core import lessons
from bn_core.lessons.challenges import Challenge
from bn_core.lessons.guided import Drawing, Lesson, Step
from bn_core.lessons.links import LAB, Link
from bn_core.lessons.progress import Progress
from bn_core.lessons.sketches import SketchError, read_sketch
from bn_core.settings import harmless
from pages.shared.lessons.arranged_state import Arranged
from pages.shared.lessons.stored_progress import StoredProgress

LESSON, STEP, CHALLENGE = "lesson", "step", "challenge"
"""What a link of any page may hold besides the page's own parameters."""


@dataclass
class Learning:
    """What is open beside the page: a step of a lesson, a challenge, or a lesson that a link holds.

    At most one of them is.
    """

    lesson: str = ""
    step: str = ""
    challenge: str = ""
    hints: set[str] = field(default_factory=set)
    """The steps and challenges whose hint was asked for."""
    shown_early: set[str] = field(default_factory=set)
    """The steps whose numbers the reader wanted to see before predicting them."""
    question: str = ""
    """The question of the quiz that is shown."""
    progress: Progress = field(default_factory=Progress)
    stored: StoredProgress = field(default_factory=StoredProgress)
    notice: str = ""
    """What was wrong with the stored progress, in a sentence."""
    greeted: bool = False
    """Whether the reader has seen the start or does not want to."""
    sketches: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    """The curves that the reader drew, by the step of a lesson that they belong to."""
    sketching: bool = False
    """Whether a curve is drawn for the run of the Lab, outside lessons."""
    arranged: Arranged = field(default_factory=Arranged)
    goes_to: Link | None = None
    """Where a press leads: the next run of the script goes there."""

    @property
    def is_open(self) -> bool:
        """Whether there is anything to show beside the page."""
        return bool(self.lesson or self.challenge or self.sketching or self.arranged.is_open)

    @property
    def awaits_prediction(self) -> bool:
        """Whether the lesson of the link asks for a prediction that the reader has not made yet."""
        lesson = self.arranged.lesson
        if lesson is None or lesson.prediction is None:
            return False
        if isinstance(lesson.prediction, Drawing):
            return lesson.id not in self.sketches
        return self.arranged.predicted is None

    def open_step(self) -> tuple[Lesson, Step] | None:
        """Return the open lesson and its step, if a lesson is open."""
        found = lesson_named(self.lesson)
        return (found, found.step(self.step)) if found else None

    def open_challenge(self) -> Challenge | None:
        """Return the open challenge, if one is."""
        if not self.challenge:
            return None  # nothing is read before it is needed
        return next((one for one in lessons.challenges() if one.id == self.challenge), None)

    def begin(self, lesson: str, step: str = "") -> None:
        """Open a lesson, at its first step unless one is named."""
        found = lesson_named(lesson)
        if found is not None:
            known = [one.id for one in found.steps]
            self.close()
            self.lesson = lesson
            self.step = step if step in known else known[0]

    def go_on(self, lesson: str, step: str = "") -> None:
        """Open a step of a lesson and lead to its page, set up as the step needs it."""
        self.begin(lesson, step)
        opened = self.open_step()
        self.goes_to = opened[1].link if opened is not None else None

    def take_up(self, challenge: str) -> None:
        """Open a challenge."""
        self.close()
        self.challenge = challenge

    def attempt(self, challenge: str) -> None:
        """Open a challenge and lead to the Lab, set up as the challenge starts."""
        self.take_up(challenge)
        opened = self.open_challenge()
        self.goes_to = opened.start if opened is not None else None

    def show_proof(self, challenge: str) -> None:
        """Open a challenge that was reached and lead to the run that reached it."""
        self.take_up(challenge)
        self.goes_to = self.progress.proofs.get(challenge)

    def follow(self, link: Link) -> None:
        """Have the next run of the script lead to a state of the app."""
        self.goes_to = link

    def close(self) -> None:
        """Show nothing beside the page any more."""
        self.lesson = self.step = self.challenge = ""
        self.sketching = False
        self.arranged.close()

    def arrange(self) -> None:
        """Open the place to arrange a lesson of the Lab; it begins with the one that is open."""
        arranged = self.arranged
        self.arranged = Arranged()
        self.close()
        self.arranged = arranged
        arranged.arrange()

    def go_arrange(self) -> None:
        """Open that place and lead to the Lab."""
        self.arrange()
        self.goes_to = Link(LAB)

    def sketch(self) -> None:
        """Open the place to draw a curve for the run of the Lab."""
        self.close()
        self.sketching = True

    def forget(self) -> None:
        """Begin anew: nothing is done, predicted or answered."""
        self.progress, self.notice = Progress(), ""
        self.hints.clear()
        self.shown_early.clear()

    def take_sketch(self, message: Any, id: str, last: int, top: float) -> None:
        """Take over a curve that a browser sent; anything but a curve leaves none.

        It may hold anything: steps are held to 0 to ``last``, values to 0 to ``top``.
        """
        if not isinstance(message, Mapping) or message.get("id") != id or "points" not in message:
            return
        try:
            sketch = read_sketch(message["points"], last, top)
        except SketchError:
            self.sketches.pop(id, None)  # cleared, or one point alone, which is no curve yet
        else:
            self.sketches[id] = list(
                zip(sketch.steps.tolist(), sketch.values.tolist(), strict=True)
            )

    def link_values(self) -> dict[str, str]:
        """Return what stands for it in the link of the page that is shown."""
        values = {LESSON: self.lesson, STEP: self.step, CHALLENGE: self.challenge}
        return {name: value for name, value in values.items() if value}

    def arrive(
        self, query: Mapping[str, str], *, by_link_of_lab: bool = False
    ) -> tuple[dict[str, str], list[str]]:
        """Take what a link says of lessons; return the rest, and a sentence for what is unknown.

        A link of the Lab may hold an arranged lesson; one without leaves the lesson that is open.
        """
        rest, complaints = dict(query), list[str]()
        if by_link_of_lab:
            rest, complaints = self.arranged.arrive(rest)
            if len(rest) < len(query):
                self.lesson = self.step = self.challenge = ""
                self.sketching = False
        lesson, step, challenge = (rest.pop(name, "") for name in (LESSON, STEP, CHALLENGE))
        if lesson:
            return rest, complaints + self._arrive_at(lesson, step)
        if challenge:
            if any(one.id == challenge for one in lessons.challenges()):
                self.take_up(challenge)
                return rest, complaints
            complaints.append(f"There is no challenge “{harmless(challenge)}”.")
        return rest, complaints

    def _arrive_at(self, lesson: str, step: str) -> list[str]:
        found = lesson_named(lesson)
        if found is None:
            return [f"There is no lesson “{harmless(lesson)}”."]
        self.begin(lesson, step)
        if step and self.step != step:
            return [f"This lesson has no step “{harmless(step)}”; it begins at the first."]
        return []


def lesson_named(slug: str) -> Lesson | None:
    """Return a lesson by its slug, if there is one."""
    return next((one for one in lessons.lessons() if one.slug == slug), None) if slug else None

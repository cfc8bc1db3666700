"""A guided lesson: a row of steps, each with a state of the app, a prediction and a check."""

from collections.abc import Sequence
from dataclasses import dataclass

from bn_core.lessons.conditions import Condition, Outcome
from bn_core.lessons.evidence import Evidence
from bn_core.lessons.links import Link, read_link
from bn_core.lessons.questions import Question, condition_of, read_question
from bn_core.lessons.text_format import Block, LessonError, read_blocks

MOST_STEPS = 12
DRAWN = ("training_loss", "validation_loss", "validation_accuracy")
"""The curves of a run that a reader may be asked to draw."""

_HEAD = ("title", "minutes", "summary", "sources")
_NEEDED = ("question", "link", "predict", "do", "check", "hint", "explain")
_ALLOWED = ("draw", "next")


@dataclass(frozen=True)
class Drawing:
    """A curve to be drawn before the run: which curve, and of which net."""

    curve: str
    net: str


@dataclass(frozen=True)
class Step:
    """One step: what is asked, predicted, done and checked, and why it came out as it did."""

    id: str
    question: str
    link: Link
    prediction: Question
    do: str
    check: Condition
    hint: str
    explanation: str
    drawing: Drawing | None
    next: str
    """The id of the step that follows; empty behind the last."""

    def checked(self, evidence: Evidence) -> Outcome:
        """Return whether what the step asks for has been done, with the numbers in words."""
        return self.check.evaluate(evidence)


@dataclass(frozen=True)
class Lesson:
    """A lesson: its steps in order; ``slug`` is its file's name without number and ending."""

    slug: str
    title: str
    minutes: int
    summary: str
    sources: str
    steps: tuple[Step, ...]
    file: str

    def step(self, id: str) -> Step:
        """Return a step by its id. Errors: ``KeyError``."""
        return {step.id: step for step in self.steps}[id]

    def address(self, step: Step) -> str:
        """Return the link of a step, below the app's own address."""
        return f"/lessons?lesson={self.slug}&step={step.id}"


def read_lesson(file: str, slug: str, text: str) -> Lesson:
    """Return the lesson in a file. Errors: ``LessonError`` names file and line."""
    head, blocks = read_blocks(file, text)
    head.check_fields(_HEAD, ())
    wrong = [block for block in blocks if block.kind != "step"]
    if wrong:
        raise wrong[0].error("a lesson is made of blocks [step id].")
    if not 1 <= len(blocks) <= MOST_STEPS:
        raise head.error(f"a lesson has 1 to {MOST_STEPS} blocks [step id], not {len(blocks)}.")
    ids = [block.id for block in blocks]
    steps = tuple(_step(block, ids, index) for index, block in enumerate(blocks))
    _check_all_reached(head, steps)
    minutes = whole_number(head, "minutes", 1, 60)
    fields = (head.text("title"), minutes, head.text("summary"), head.text("sources"))
    return Lesson(slug, *fields, steps, file)


def whole_number(block: Block, name: str, low: int, high: int) -> int:
    """Return a field's whole number. Errors: ``LessonError``."""
    text = block.text(name)
    if not text.isascii() or not text.isdigit() or not low <= int(text[:9]) <= high:
        raise block.error(f"“{name}” is a whole number from {low} to {high}.", name)
    return int(text)


def link_of(block: Block, name: str) -> Link:
    """Return a field's link. Errors: ``LessonError`` says what the app would not take."""
    try:
        return read_link(block.text(name))
    except ValueError as error:
        raise block.error(f"the link cannot be used: {error}", name) from None


def _step(block: Block, ids: Sequence[str], index: int) -> Step:
    block.check_fields(_NEEDED, _ALLOWED)
    link = link_of(block, "link")
    check = condition_of(block, "check")
    assert check is not None, "the field is needed and not empty"
    follows = ids[index + 1] if index + 1 < len(ids) else ""
    asked = block.text("next")
    if asked and asked not in (*ids, "end"):
        raise block.error(f"there is no step “{asked}”; there are: {', '.join(ids)}, end.", "next")
    return Step(
        block.id,
        block.text("question"),
        link,
        read_question(block, "predict"),
        block.text("do"),
        check,
        block.text("hint"),
        block.text("explain"),
        _drawing(block, link),
        "" if asked == "end" else asked or follows,
    )


def _drawing(block: Block, link: Link) -> Drawing | None:
    if "draw" not in block.fields:
        return None
    curve, _, net = block.text("draw").partition(" of ")
    comparison = link.comparison
    nets = [arm.name for arm in comparison.arms] if comparison else []
    if curve not in DRAWN or net not in nets:
        raise block.error(
            f"“draw” reads “CURVE of NET”, with one of {', '.join(DRAWN)} and a net of the step's "
            f"link: {', '.join(nets) or 'it must lead to the Lab'}.",
            "draw",
        )
    return Drawing(curve, net)


def _check_all_reached(head: Block, steps: tuple[Step, ...]) -> None:
    """Raise ``LessonError`` if the steps do not lead from the first to an end through all."""
    following = {step.id: step.next for step in steps}
    seen, at = list[str](), steps[0].id
    while at and at not in seen:
        seen.append(at)
        at = following[at]
    missed = [step.id for step in steps if step.id not in seen]
    if at or missed:
        what = f"come back to “{at}”" if at else f"never come to “{missed[0]}”"
        raise LessonError(head.file, 1, f"the steps {what}: mend their “next”.")

"""Challenges: a numeric target on the record of a run, and which settings must stay as they are."""

from dataclasses import dataclass

from bn_core.comparison import Comparison
from bn_core.config import LAYER_FIELDS, SETTINGS
from bn_core.lessons.conditions import Condition, Outcome
from bn_core.lessons.evidence import Evidence
from bn_core.lessons.guided import link_of
from bn_core.lessons.links import LAB, Link, lab_link
from bn_core.lessons.questions import condition_of
from bn_core.lessons.text_format import Block, read_blocks
from bn_core.records import Record

ARMS = "arms"
"""In a list of locked settings: which nets are compared, by their names."""

DATA_FIELDS = ("data", "noise", "points", "train_examples", "pooling", "normalize_inputs")
"""What "data" in such a list stands for: all that shapes the examples."""

_WHOLE = ("finished", "diverged")
"""The endings of a run that can be a proof: it was not cut off."""

_NEEDED = ("title", "task", "start", "target", "locked", "hint", "explain", "solution")


@dataclass(frozen=True)
class Challenge:
    """A target to be reached from a start; ``solution`` is a link that reaches it."""

    id: str
    title: str
    task: str
    start: Link
    target: Condition
    locked: tuple[str, ...]
    """Fields of a config that no net may have changed, and "arms"."""
    hint: str
    explanation: str
    solution: Link


@dataclass(frozen=True)
class Attempt:
    """What a run says about a challenge: whether it is done, in words, and the link that proves it.

    The link trains the same nets from the start: whoever opens it gets the same numbers.
    """

    done: bool
    words: str
    outcome: Outcome
    changed: tuple[str, ...]
    proof: Link | None


@dataclass(frozen=True)
class Check:
    """One condition of a proof: whether it holds, None while it cannot be told, in words."""

    holds: bool | None
    words: str


def read_challenges(file: str, text: str) -> tuple[Challenge, ...]:
    """Return the challenges of a file. Errors: ``LessonError`` names file and line."""
    head, blocks = read_blocks(file, text)
    head.check_fields((), ())
    return tuple(_challenge(block) for block in blocks)


def attempt(challenge: Challenge, record: Record) -> Attempt:
    """Return what a run says about a challenge; only a run to its end can be a proof."""
    outcome = challenge.target.evaluate(Evidence(record))
    changed = changed_locks(challenge, record.comparison)
    ended = record.ending is not None and record.ending.kind in _WHOLE
    done = bool(outcome.holds) and not changed and ended
    proof = lab_link(proving(record)) if done else None
    return Attempt(done, _words(outcome, changed, ended, done), outcome, changed, proof)


def checks(
    challenge: Challenge, comparison: Comparison, record: Record | None
) -> tuple[Check, ...]:
    """Return what makes a run a proof: settings that stay, a run to its end, the target.

    ``record`` is what has been trained of the comparison, None before the first step.
    """
    changed = changed_locks(challenge, comparison)
    kept = "What must stay is as in the challenge."
    broken = f"{', '.join(changed)}: must stay as in the challenge."
    steps = max(config.steps for config in comparison.configs)
    trained = f"{record.step if record else 0:,} of {steps:,} steps are trained."
    ended = record is not None and record.ending is not None
    whole = record.ending.kind in _WHOLE if record is not None and record.ending else None
    outcome = challenge.target.evaluate(Evidence(record))
    return (
        Check(not changed, broken if changed else kept),
        Check(whole if ended else None, f"The run is made to its end: {trained}"),
        Check(outcome.holds, f"{outcome.words}."),
    )


def proving(record: Record) -> Comparison:
    """Return what repeats a record: its comparison with the rates as they were changed."""
    base = record.comparison.base
    if base.rate_changes == record.rate_changes:
        return record.comparison
    changed = base.changed({"rate_changes": record.rate_changes})
    return Comparison(changed, record.comparison.arms)


def changed_locks(challenge: Challenge, comparison: Comparison) -> tuple[str, ...]:
    """Return the labels of locked settings that a comparison has not as the start has them.

    A setting counts as changed if any net has it otherwise, also a net added to the start's.
    """
    start = challenge.start.comparison
    assert start is not None, "a challenge starts in the Lab"
    found = []
    for name in challenge.locked:
        if name == ARMS:
            same = [arm.name for arm in comparison.arms] == [arm.name for arm in start.arms]
        else:
            held = {getattr(config, name) for config in start.configs}
            same = {getattr(config, name) for config in comparison.configs} <= held
        if not same:
            found.append("Nets compared" if name == ARMS else SETTINGS[name].label)
    return tuple(found)


def _words(outcome: Outcome, changed: tuple[str, ...], ended: bool, done: bool) -> str:
    if changed:
        return f"Not valid: {', '.join(changed)} must stay as in the challenge."
    if done:
        return f"Done. {outcome.words}."
    if outcome.holds and not ended:
        return f"Reached so far; let the run come to its end. {outcome.words}."
    return f"Not yet. {outcome.words}."


def _challenge(block: Block) -> Challenge:
    if block.kind != "challenge":
        raise block.error("a file of challenges is made of blocks [challenge id].")
    block.check_fields(_NEEDED, ())
    start, solution = link_of(block, "start"), link_of(block, "solution")
    for name, link in (("start", start), ("solution", solution)):
        if link.page != LAB:
            raise block.error(f"“{name}” must lead to the Lab.", name)
    target = condition_of(block, "target")
    assert target is not None, "the field is needed and not empty"
    made = Challenge(
        block.id,
        block.text("title"),
        block.text("task"),
        start,
        target,
        _locked(block),
        block.text("hint"),
        block.text("explain"),
        solution,
    )
    solved = solution.comparison
    broken = changed_locks(made, solved) if solved is not None else ()
    if broken:
        raise block.error(f"the solution changes what is locked: {', '.join(broken)}.", "solution")
    return made


def _locked(block: Block) -> tuple[str, ...]:
    """Return the locked fields; "all but a, b" locks every other setting that shapes a run."""
    text = block.text("locked")
    names = text.removeprefix("all but ").replace(",", " ").split()
    known = (*SETTINGS, ARMS)
    unknown = [name for name in names if name not in known]
    if unknown:
        raise block.error(f"“{unknown[0]}” is no setting; there are: {', '.join(known)}.", "locked")
    if not text.startswith("all but "):
        of_data = DATA_FIELDS if "data" in names else ()
        return tuple(dict.fromkeys((*names, *of_data)))
    # What arms hold by definition is locked by locking the arms.
    of_arms = {"normalization", "placement", *LAYER_FIELDS} if ARMS in names else set()
    return tuple(name for name in known if name not in {*names, *of_arms})

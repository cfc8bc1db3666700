"""The state of each net of a run in words: what a reader would see in its numbers.

Medians over the seeds that have not diverged. A state is known to a snapshot's step, no finer.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bn_core.records import SITES, DataSummary, NetStatistics, Record, Snapshot

Array = np.ndarray

Kind = Literal[
    "untrained",
    "learning",
    "stuck",
    "dead",
    "saturated",
    "vanishing",
    "exploding",
    "diverged",
    "finished",
]

ALL_DEAD = 0.99
"""Share of dead units from which a layer passes nothing on that depends on the example."""

SATURATED = 0.9
"""Share of outputs on the flat parts from which a layer passes back at most about a tenth."""

VANISHING = 1e-3
"""A gradient below this share of the output layer's moves its weights a thousand times slower."""

EXPLODING = 1e3
"""A gradient, or a spread of values, this large: weights of the usual size, about 0.1, would be
replaced as a whole by one step at rate 0.0001."""

EXPLODING_VALUES = "exploding values"
EXPLODING_GRADIENT = "exploding gradient"
VANISHING_GRADIENT = "vanishing gradient"
NOT_FINITE = "not finite"

LEARNED_LOSS = 0.9
"""A training loss below this share of ln(classes), the loss of a guess, is no more a guess."""

CHANCE_DEVIATIONS = 3.0
"""Standard deviations above chance, of so many guesses, that guessing hardly ever reaches."""

RECENT = 10
"""Training losses of so many last steps are averaged: one mini-batch alone says little."""


@dataclass(frozen=True)
class NetState:
    """How one net is: ``layer``, from 1, and ``step`` say where it began, if that is known.

    ``sick_layers`` holds each layer that is not well with what is wrong: "dead", "saturated", or
    one of the constants above.
    """

    kind: Kind
    layer: int | None
    step: int | None
    words: str
    sick_layers: tuple[tuple[int, str], ...] = ()


def diagnose(record: Record, cursor: int | None = None) -> list[NetState]:
    """Return the state of each arm at a snapshot; ``cursor`` is its index, None the newest."""
    last = len(record.snapshots) - 1
    position = last if cursor is None else min(max(cursor, 0), last)
    return [_state(record, arm, position) for arm in range(len(record.comparison.arms))]


def chance_limit(summary: DataSummary) -> float:
    """Return the accuracy that guessing hardly ever reaches on the validation data.

    p + 3 sqrt(p (1 - p) / N), with p = 1 / classes and N examples.
    """
    chance = 1 / max(len(summary.classes), 1)
    spread = math.sqrt(chance * (1 - chance) / max(summary.validation_size, 1))
    return chance + CHANCE_DEVIATIONS * spread


def middle(values: Array) -> Array:
    """Return the median over the first axis of the finite values; NaN where there are none."""
    finite = np.isfinite(values)
    known = finite.any(axis=0)
    ordered = np.sort(np.where(finite, values, np.inf), axis=0)
    count = np.maximum(finite.sum(axis=0, keepdims=True), 1)
    low = np.take_along_axis(ordered, (count - 1) // 2, 0)[0]
    high = np.take_along_axis(ordered, count // 2, 0)[0]
    return np.where(known, 0.5 * low + 0.5 * np.where(known, high, 0), np.nan)


def remaining(count: int, seeds: int) -> str:
    """Return what the seeds are called that have not diverged: "the third", "the other 2"."""
    names = {2: "the other", 3: "the third", 4: "the fourth", 5: "the fifth"}
    return names.get(seeds, "the other 1") if count == 1 else f"the other {count}"


def divergence_steps(record: Record, arm: int) -> str:
    """Return when seeds of an arm diverged: "step 61", or "steps 61 to 62" for several."""
    steps = [one.step for one in record.divergences if one.arm == arm]
    first, last = min(steps), max(steps)
    return f"step {first:,}" if first == last else f"steps {first:,} to {last:,}"


def alive(record: Record, arm: int, snapshot: Snapshot) -> Array:
    """Return which of an arm's seeds have not diverged at a snapshot, (K,)."""
    found = snapshot.arms[arm]
    going = np.ones(record.configs[arm].replicas, bool)
    if found is not None:
        going &= np.isfinite(found.validation_loss)
    for one in record.divergences:
        if one.arm == arm and one.step <= snapshot.step:
            going[one.replica] = False
    return going if found is not None else np.zeros_like(going)


def _state(record: Record, arm: int, position: int) -> NetState:
    if position < 0:
        return NetState("untrained", None, None, "not trained yet")
    snapshot = record.snapshots[position]
    going, seen = alive(record, arm, snapshot), snapshot.arms[arm]
    if seen is None or not going.any():
        return _diverged(record, arm, snapshot.step, seen)
    sick = _sick_layers(record, arm, seen, going)
    lost = int((~going).sum())
    more = f"; {lost} of {len(going)} seeds diverged" if lost else ""
    state = _of_living(record, arm, position, sick)
    return NetState(state.kind, state.layer, state.step, state.words + more, sick)


def _diverged(record: Record, arm: int, step: int, seen: NetStatistics | None) -> NetState:
    """Return where an arm lost its numbers: in training, or as far as it shows in validation."""
    sick = (
        () if seen is None else _sick_layers(record, arm, seen, np.ones_like(seen.dead[:, 0], bool))
    )
    found = [one for one in record.divergences if one.arm == arm]
    if not found:
        layer = next((layer for layer, word in sick if word == NOT_FINITE), None)
        where = "" if layer is None else f": layer {layer} first"
        return NetState("diverged", layer, step, f"diverged at step {step:,}{where}", sick)
    first = min(found, key=lambda one: one.step)
    output = first.layer > record.configs[arm].depth
    where = "output layer" if output else f"{record.configs[arm].layer_word} {first.layer}"
    words = f"diverged at {divergence_steps(record, arm)}: {where} first"
    return NetState("diverged", first.layer, first.step, words, sick)


def _of_living(
    record: Record, arm: int, position: int, sick: tuple[tuple[int, str], ...]
) -> NetState:
    """Return the state of a net that has finite numbers, the gravest that holds."""
    step, config = record.snapshots[position].step, record.configs[arm]
    layers = {word: [layer for layer, found in sick if found == word] for _, word in sick}
    if "dead" in layers and not config.has_shortcuts:  # which pass it by
        return _dead(record, arm, position)
    if step == 0:
        return NetState("untrained", None, None, "not trained yet")
    accurate, falling = _above_chance(record, arm, position), _loss_fell(record, arm, step)
    if not accurate and not falling:
        return _not_learning(record, arm, position, layers)
    shown = "" if accurate else "; validation still at chance"
    if _ended(record, position):
        return NetState("finished", None, step, f"finished{shown}")
    return NetState("learning", None, None, f"learning{shown}")


def _ended(record: Record, position: int) -> bool:
    finished = record.ending is not None and record.ending.kind == "finished"
    return finished and position == len(record.snapshots) - 1


def _not_learning(
    record: Record, arm: int, position: int, layers: dict[str, list[int]]
) -> NetState:
    step, called = record.snapshots[position].step, record.configs[arm].layer_word
    for word in (EXPLODING_VALUES, EXPLODING_GRADIENT):
        if word in layers:
            return NetState(
                "exploding", layers[word][0], step, f"{word}: {called} {layers[word][0]}"
            )
    if "saturated" in layers:
        layer = layers["saturated"][0]
        return NetState("saturated", layer, step, f"saturated: {called} {layer} first")
    if VANISHING_GRADIENT in layers:
        layer = layers[VANISHING_GRADIENT][-1]
        where = f"in {called} 1" if layer == 1 else f"up to {called} {layer}"
        return NetState("vanishing", layer, step, f"stuck: gradients vanish {where}")
    words = "still at chance"
    if _ended(record, position):
        words = f"had not learned by step {step:,}"
    return NetState("stuck", None, step, words)


def _dead(record: Record, arm: int, position: int) -> NetState:
    """Return since when a net has been dead without a break, and which layer was the first."""
    first = _first_dead_layers(record, arm, position)
    since = position
    while since > 0 and first[since - 1]:
        since -= 1
    layer, step = int(first[since]), record.snapshots[since].step
    if step == 0:
        return NetState("dead", layer, 0, f"dead from the start: layer {layer}")
    exactly = record.snapshots[since - 1].step == step - 1 if since else False
    words = f"dead {'since' if exactly else 'by'} step {step:,}: layer {layer} first"
    return NetState("dead", layer, step, words)


def _first_dead_layers(record: Record, arm: int, position: int) -> Array:
    """Return the first dead layer, from 1, at each snapshot up to a position, (S,); 0 is none.

    All snapshots at once: this is asked for with every update of the page.
    """
    newest = record.snapshots[position].arms[arm]
    assert newest is not None, "a net that has ended is not said to be dead"
    shares = np.full((position + 1, *newest.dead.shape), np.nan)
    for index, snapshot in enumerate(record.snapshots[: position + 1]):
        seen = snapshot.arms[arm]
        if seen is not None:
            going = alive(record, arm, snapshot)
            shares[index, going] = seen.dead[going]
    dead = middle(shares.swapaxes(0, 1)) >= ALL_DEAD  # (S, L)
    return np.where(dead.any(axis=1), dead.argmax(axis=1) + 1, 0)


def _sick_layers(
    record: Record, arm: int, seen: NetStatistics, going: Array
) -> tuple[tuple[int, str], ...]:
    """Return each layer that is not well, with the gravest word that holds of it."""
    gradients = middle(seen.gradient_norm[going])  # (L + 1,)
    dead, saturated = middle(seen.dead[going]), middle(seen.saturated[going])
    spread = middle(seen.std[going][:, SITES.index("pre_activation")])
    hidden, output = gradients[: len(dead)], gradients[-1]
    checks = (
        (NOT_FINITE, ~np.isfinite(spread)),
        ("dead", (dead >= ALL_DEAD) & (record.configs[arm].hidden_activation == "relu")),
        (EXPLODING_VALUES, spread >= EXPLODING),
        (EXPLODING_GRADIENT, hidden >= EXPLODING),
        ("saturated", saturated >= SATURATED),
        (VANISHING_GRADIENT, (hidden < VANISHING * output) & (output > 0)),
    )
    return tuple(
        (layer + 1, word)
        for layer in range(len(dead))
        for word in [next((word for word, found in checks if found[layer]), "")]
        if word
    )


def _above_chance(record: Record, arm: int, position: int) -> bool:
    snapshot = record.snapshots[position]
    seen = snapshot.arms[arm]
    if seen is None:
        return False
    accuracy = middle(seen.validation_accuracy[alive(record, arm, snapshot)])
    return bool(accuracy > chance_limit(record.summary))


def _loss_fell(record: Record, arm: int, step: int) -> bool:
    """Return whether the last training losses are below those of a guess."""
    recent = record.train_loss[max(step - RECENT, 0) : step, arm]  # (T, K)
    if not len(recent):
        return False
    guess = math.log(max(len(record.summary.classes), 2))
    return bool(middle(recent.mean(axis=0)) < LEARNED_LOSS * guess)

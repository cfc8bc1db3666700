"""Hand-made records whose outcome is known: what a run would say if its nets had ended so."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from bn_core.arms import arm_named
from bn_core.comparison import Comparison
from bn_core.config import Config
from bn_core.records import DataSummary, Divergence, Ending, NetStatistics, Record, Snapshot
from tests.figures.invented import make_statistics

Array = np.ndarray
SUMMARY = DataSummary(
    tuple("0123456789"),
    1437,
    360,
    np.zeros((0, 2), np.float32),
    np.zeros(0, int),
    0.0,
    np.zeros(30, int),
)


def healthy(config: Config, accuracy: Sequence[float], step: int) -> NetStatistics:
    """Return a snapshot of nets with these accuracies whose layers are all well."""
    found = make_statistics(config, np.random.default_rng(step), step)
    shares, layers = np.array(accuracy, np.float32), config.depth
    loss = np.where(np.isfinite(shares), 1.0, np.nan).astype(np.float32)
    return dataclasses.replace(
        found,
        validation_accuracy=shares,
        validation_loss=loss,
        gradient_norm=np.ones((len(shares), layers + 1), np.float32),
        std=np.ones_like(found.std),
        dead=np.zeros((len(shares), layers), np.float32),
        saturated=np.zeros((len(shares), layers), np.float32),
    )


def ended(
    outcomes: dict[str, Sequence[Sequence[float]]],
    *,
    every: int = 60,
    diverged: dict[str, tuple[int, int]] | None = None,
    ending: str | None = "finished",
    **settings: Any,
) -> Record:
    """Return a finished run: for each arm the seeds' accuracies at each snapshot behind step 0.

    ``diverged`` holds the step and the layer at which all seeds of an arm were lost; an accuracy
    that is not a number is a seed lost at that snapshot.
    """
    seeds = len(next(iter(outcomes.values()))[0])
    snapshots = len(next(iter(outcomes.values())))
    base = Config(depth=10, steps=every * snapshots, replicas=seeds).changed(settings)
    comparison = Comparison(base, tuple(arm_named(name) for name in outcomes))
    lost, events = diverged or {}, []
    held = [Snapshot(0, tuple(healthy(c, [0.1] * seeds, 0) for c in comparison.configs))]
    losses = np.ones((every * snapshots, len(outcomes), seeds), np.float32)
    for at in range(1, snapshots + 1):
        arms: list[NetStatistics | None] = []
        for arm, (name, config) in enumerate(zip(outcomes, comparison.configs, strict=True)):
            accuracy = outcomes[name][at - 1]
            if all(np.isfinite(accuracy)) and max(accuracy) < 0.12:
                losses[every * (at - 1) : every * at, arm] = 2.31
            gone = name in lost and lost[name][0] <= at * every
            arms.append(None if gone else healthy(config, accuracy, at))
            known = {(one.arm, one.replica) for one in events}
            for k in (k for k in range(seeds) if not np.isfinite(accuracy[k])):
                if (arm, k) not in known:
                    events.append(Divergence(arm, k, every * at, 4, "outputs"))
        held.append(Snapshot(at * every, tuple(arms)))
    for name, (step, layer) in lost.items():
        arm = list(outcomes).index(name)
        events += [Divergence(arm, k, step, layer, "outputs") for k in range(seeds)]
        losses[step - 1 :, arm] = np.nan
    last = Ending(ending, base.steps) if ending else None  # type: ignore[arg-type]
    return Record(
        comparison,
        SUMMARY,
        tuple(held),
        losses,
        np.ones(len(outcomes)),
        tuple(events),
        ending=last,
    )


def with_numbers(record: Record, arm: int, snapshots: Sequence[int], **numbers: Any) -> Record:
    """Return the record with some numbers of an arm's layers replaced in some snapshots.

    Each is a value for each layer, (L,) or (L + 1,), the same in every seed.
    """
    changed = list(record.snapshots)
    for at in snapshots:
        seen = changed[at].arms[arm]
        assert seen is not None
        new = {}
        for name, values in numbers.items():
            array = getattr(seen, name).copy()
            array[...] = np.asarray(values, np.float32)
            new[name] = array
        arms = list(changed[at].arms)
        arms[arm] = dataclasses.replace(seen, **new)
        changed[at] = Snapshot(changed[at].step, tuple(arms))
    return dataclasses.replace(record, snapshots=tuple(changed))

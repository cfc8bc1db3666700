"""Records made of invented numbers in the true shapes: fixtures of tests, never shown to anyone."""

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from bn_core.arms import arm_named
from bn_core.comparison import ARMS, Arm, Comparison
from bn_core.config import Config
from bn_core.records import (
    BINS,
    SITES,
    DataSummary,
    Divergence,
    Ending,
    NetStatistics,
    Record,
    Snapshot,
)

Array = np.ndarray
ROWS, GRID = 30, 40


def arms_named(names: Iterable[str]) -> tuple[Arm, ...]:
    """Return registered arms, derived ones, and arms that are batch norm by another name."""
    changes = (("normalization", "batch"),)
    return tuple(
        arm_named(name) if name.partition(";")[0] in ARMS else Arm(name, name.title(), changes)
        for name in names
    )


DIFFERENT = (
    "none;depth:2",
    "before;batch:4",
    "before;depth:8;normed:1-2",
    "after;act:tanh;moved:1",
    "layer;arch:residual;lr:0.5",
    "before;widths:8-16",
    "none;opt:adam;drop:0.5",
    "ghost",
)
"""Eight arms that differ in depth, widths, batch size, activation and more."""


def make_statistics(config: Config, random: np.random.Generator, step: int) -> NetStatistics:
    """Return one arm's statistics with plausible numbers; losses fall with the step."""
    replicas, layers, sites = config.replicas, config.depth, len(SITES)
    classes, grid = (2, GRID) if config.data_spec.kind == "plane" else (10, 0)

    def positive(*shape: int) -> Array:
        return random.uniform(0.1, 2, shape).astype(np.float32)

    mean, std = positive(replicas, sites, layers), positive(replicas, sites, layers)
    quantiles = np.sort(random.normal(size=(replicas, sites, layers, 3)).astype(np.float32), axis=3)
    histogram = random.integers(0, 65536, (sites, layers, BINS)).astype(np.uint16)
    plain = [layer for layer in range(layers) if not config.normalizes_values(layer)]
    for values in (mean, std, quantiles):
        values[:, 2, plain] = np.nan
    histogram[2, plain] = 0
    return NetStatistics(
        validation_loss=positive(replicas) * 2.3 / (1 + step / 10),
        validation_accuracy=random.uniform(0, 1, replicas).astype(np.float32),
        train_accuracy=random.uniform(0, 1, replicas).astype(np.float32),
        gradient_norm=positive(replicas, layers + 1),
        update_ratio=positive(replicas, layers + 1) * np.float32(np.nan if step == 0 else 1e-3),
        mean=mean,
        std=std,
        saturated=random.uniform(0, 1, (replicas, layers)).astype(np.float32),
        dead=random.uniform(0, 1, (replicas, layers)).astype(np.float32),
        zero=random.uniform(0, 1, (replicas, layers)).astype(np.float32),
        quantiles=quantiles,
        unit_quantiles=quantiles * np.float32(0.5),
        histogram=histogram,
        histogram_values=np.full((sites, layers), 1365, np.int32),
        quantile_values=np.full((sites, layers), 911, np.int32),
        labels=tuple(f"layer {number}" for number in range(1, layers + 1)),
        output_gradient=random.uniform(-1, 1, (ROWS, classes)).astype(np.float16),
        boundary=random.uniform(0, 1, (grid, grid)).astype(np.float16),
    )


def make_summary(config: Config, random: np.random.Generator) -> DataSummary:
    """Return a scene with sorted rows, and points for a plane."""
    classes = ("orange", "blue") if config.data_spec.kind == "plane" else tuple("0123456789")
    points = 200 if config.data_spec.kind == "plane" else 0
    return DataSummary(
        classes=classes,
        train_size=400,
        validation_size=200,
        points=random.normal(size=(points, 2)).astype(np.float32),
        labels=random.integers(0, 2, points),
        extent=3.0 if config.data_spec.kind == "plane" else 0.0,
        row_labels=np.sort(random.integers(0, len(classes), ROWS)),
    )


def make_record(
    names: Iterable[str] = ("none", "before", "after"),
    trained: int = 40,
    every: int = 4,
    **settings: Any,
) -> Record:
    """Return a record of so many steps, a snapshot every few; ``settings`` as in the config."""
    random = np.random.default_rng(7)
    comparison = Comparison(
        Config(steps=100, seed=10, depth=5).changed(settings), arms_named(names)
    )
    configs, replicas = comparison.configs, comparison.base.replicas
    snapshots = tuple(
        Snapshot(step, tuple(make_statistics(config, random, step) for config in configs))
        for step in range(0, trained + 1, every)
    )
    falling = 2.3 * np.exp(-np.arange(trained) / 20)[:, None, None]
    losses = falling * random.uniform(0.8, 1.2, (trained, len(configs), replicas))
    return Record(
        comparison,
        make_summary(comparison.base, random),
        snapshots,
        losses.astype(np.float32) if trained else np.zeros((0, 0, 0), np.float32),
        np.full(len(configs), 0.001 * trained) if trained else np.zeros(0),
    )


def with_divergence(record: Record, arm: int, replicas: Iterable[int], step: int) -> Record:
    """Return the record with some of an arm's replicas not finite from ``step`` on."""
    lost, losses = list(replicas), record.train_loss.copy()
    losses[step - 1 :, arm, lost] = np.nan
    all_lost = len(lost) == record.comparison.base.replicas

    def changed(snapshot: Snapshot) -> Snapshot:
        seen = snapshot.arms[arm]
        if snapshot.step < step or seen is None:
            return snapshot
        kept = None if all_lost else changed_fields(seen, lost, np.nan)
        return Snapshot(snapshot.step, (*snapshot.arms[:arm], kept, *snapshot.arms[arm + 1 :]))

    return dataclasses.replace(
        record,
        train_loss=losses,
        snapshots=tuple(changed(snapshot) for snapshot in record.snapshots),
        divergences=tuple(Divergence(arm, k, step, 4, "weights") for k in lost),
    )


def changed_fields(snapshot: NetStatistics, replicas: list[int], value: float) -> NetStatistics:
    """Return a snapshot in which every number of some replicas is ``value``."""
    changes = {}
    for name, array in snapshot.arrays().items():
        array = array.copy()
        if name in ("output_gradient", "boundary"):
            if 0 in replicas:
                array[:] = value if abs(value) < 6e4 else np.inf
        elif name not in ("histogram", "histogram_values", "quantile_values", "feature_maps"):
            array[replicas] = value
        changes[name] = array
    return dataclasses.replace(snapshot, **changes)


def flooded(record: Record, value: float) -> Record:
    """Return the record with every number of its first arm replaced by ``value``."""
    everyone = list(range(record.comparison.base.replicas))
    losses = record.train_loss.copy()
    losses[:, 0] = value
    snapshots = []
    for snapshot in record.snapshots:
        first = snapshot.arms[0]
        assert first is not None
        snapshots.append(
            Snapshot(snapshot.step, (changed_fields(first, everyone, value), *snapshot.arms[1:]))
        )
    return dataclasses.replace(record, train_loss=losses, snapshots=tuple(snapshots))


def with_shares(record: Record) -> Record:
    """Return a record whose accuracies are shares of 1, as those of a true one always are."""

    def clipped(seen: NetStatistics | None) -> NetStatistics | None:
        if seen is None:
            return None
        names = ("validation_accuracy", "train_accuracy")
        return dataclasses.replace(
            seen, **{name: np.nan_to_num(getattr(seen, name)).clip(0, 1) for name in names}
        )

    snapshots = tuple(Snapshot(one.step, tuple(map(clipped, one.arms))) for one in record.snapshots)
    return dataclasses.replace(record, snapshots=snapshots)


CASES: dict[str, Callable[[], Record]] = {
    "usual": make_record,
    "no snapshots": lambda: dataclasses.replace(make_record(trained=0), snapshots=()),
    "only the first snapshot": lambda: make_record(trained=0),
    "one arm": lambda: make_record(["before"]),
    "only no norm": lambda: make_record(["none"]),
    "one seed": lambda: make_record(replicas=1),
    "one layer": lambda: make_record(depth=1),
    "20 layers": lambda: make_record(depth=20),
    "one step": lambda: make_record(trained=1, every=1, steps=1),
    "plane": lambda: make_record(data="moons", activation="tanh"),
    "plane, one arm": lambda: make_record(["before"], data="xor", activation="gelu"),
    "six arms": lambda: make_record(["none", "before", "after", "layer", "new", "newer"]),
    "arm diverged": lambda: with_divergence(make_record(), 0, (0, 1, 2), 13),
    "diverged at once": lambda: with_divergence(make_record(replicas=1), 0, (0,), 1),
    "plane, arm diverged": lambda: with_divergence(make_record(data="moons"), 1, (0, 1, 2), 13),
    "seed diverged": lambda: with_divergence(make_record(data="moons"), 1, (0,), 13),
    "all diverged": lambda: dataclasses.replace(
        with_divergence(make_record(["none"]), 0, (0, 1, 2), 13), ending=Ending("diverged", 13)
    ),
    "all NaN": lambda: flooded(make_record(), np.nan),
    "huge": lambda: flooded(make_record(), 1e30),
    "huge negative": lambda: flooded(make_record(), -1e30),
    "infinite": lambda: flooded(make_record(data="moons"), np.inf),
    "zero": lambda: flooded(make_record(activation="sigmoid"), 0.0),
    "arms of any kind": lambda: make_record(DIFFERENT),
    "the deepest diverged": lambda: with_divergence(make_record(DIFFERENT[1:4]), 1, (0, 1, 2), 13),
    "rates changed": lambda: dataclasses.replace(
        make_record(), rate_changes=((5, 0.01), (6, 0.5), (30, 1e-4))
    ),
}

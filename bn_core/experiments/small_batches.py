"""Accuracy by batch size (Wu & He 2018, Ioffe 2017)."""

from collections.abc import Mapping

import numpy as np

from bn_core.config import Config
from bn_core.experiments.accuracy_grid import (
    Setting,
    accuracy_curves,
    accuracy_panel,
    train_each,
)
from bn_core.experiments.base import (
    Experiment,
    PartialResult,
    arm_config,
    arm_label,
    is_complete,
)
from bn_core.experiments.effects import Control, Effect
from bn_core.results import ExperimentSpec, Metric, Result, TaskGenerator

Array = np.ndarray
_SIZES = {"before": (2, 4, 8, 32), "group": (2, 32), "renorm": (2, 32)}
_ARMS = tuple(_SIZES)
_SMALL, _LARGE = _ENDS = (2, 32)
_EXAMPLES, _QUICK_EXAMPLES = 5600, 2800
_RATE_PER_EXAMPLE = 0.2 / 32
_LEAST_FALL = 0.106
_LEARNED = 0.8

SPEC = ExperimentSpec(
    slug="small",
    title="Small batches",
    claim="Batch norm fails with very small batches, where group norm does not.",
    source="Wu & He 2018 (1803.08494), section 4.1, figure 5; Ioffe 2017 (1702.03275), section 4.2",
    claims=(13, 7),
    question="What accuracy has a 5-layer net with batch norm after training on batches of two?",
    answers=("The same as with batches of 32", "Some points less", "Less than one half"),
    method=(
        "A 5-layer ReLU net learns from 5,600 digits, four rounds through the data, in batches of "
        "2, 4, 8 or 32. The rate is 0.2 for 32 and shrinks with the batch. Group norm, with 8 "
        "groups of 8 units, and renormalization learn from batches of 2 and 32 only."
    ),
    formula=r"m=2:\quad \hat x = \frac{x-\mu}{\sigma} = \pm 1 \text{ (the sign of } x_1-x_2)",
    paper_found=(
        "On ImageNet Wu & He found batch norm's error to rise steeply below 16 images a worker, "
        "to 34.7 % with 2, and group norm's to stay at 24.1 %. Ioffe's renormalization regained "
        "part of the loss."
    ),
    disagreement=(
        "A convolution has height times width values of each image to average over, so its batch "
        "norm suffers later. Here a unit has one value for each example. Depth matters too: each "
        "layer discards the size of the difference again."
    ),
    shards=_ARMS,
    link="depth=5&init=he&batch=2&lr=0.0125&steps=2800&arms=before-group-renorm",
)


def shard(name: str, seeds: int, first_seed: int, quick: bool) -> TaskGenerator:
    """Train one arm with every size of batch."""
    sizes = _ENDS if quick else _SIZES[name]
    examples = _QUICK_EXAMPLES if quick else _EXAMPLES
    base = Config(depth=5, initialization="he", replicas=seeds, seed=first_seed)
    settings = []
    for size in sizes:
        changes = {"batch_size": size, "learning_rate": _RATE_PER_EXAMPLE * size}
        config = arm_config(name, base.changed(changes))
        words = f"{arm_label(name)}, batches of {size}"
        settings.append(Setting(size, config, examples // size, words))
    return (yield from train_each(settings))


def summarize(partials: Mapping[str, PartialResult]) -> Result:
    """Return accuracy over the size of the batch, and what the smallest and largest give."""
    labels = {name: arm_label(name) for name in _ARMS}
    metrics: list[Metric] = []
    ends: dict[tuple[str, int], Array] = {}
    for name in (name for name in _ARMS if is_complete(partials, [name])):
        for at, size in ((0, _SMALL), (-1, _LARGE)):
            ends[name, size] = partials[name]["accuracy"][:, at]
            words = f"{labels[name]}, batches of {size}"
            metrics.append(Metric(f"{name}_{size}", words, ends[name, size], ".1%"))
    if is_complete(partials, _ARMS):
        falls = {name: ends[name, _LARGE] - ends[name, _SMALL] for name in ("before", "group")}
        metrics += [
            Metric(f"{name}_fall", f"{arm_label(name)}: accuracy lost by batches of 2", fall, ".3f")
            for name, fall in falls.items()
        ]
    panel = accuracy_panel(
        "Accuracy by size of the training batches",
        "examples in a batch",
        accuracy_curves(partials, labels),
        "Every net is trained on the same number of digits. Group norm takes its statistics "
        "from each example alone.",
    )
    return Result((panel,), tuple(metrics))


EXPERIMENT = Experiment(
    SPEC,
    shard,
    summarize,
    effects=(
        Effect(
            "before_fall",
            "Accuracy that batch norm loses from batches of 32 to batches of 2",
            matters_from=_LEAST_FALL,
            why="Between the two norms Wu & He found 10.6 points on ImageNet, with 2 images.",
            scale="difference",
            form=".3f",
        ),
        Effect(
            "group_fall",
            "Accuracy that group norm loses in the same way",
            matters_from=_LEAST_FALL / 2,
            why="Surely less than the fall that matters for batch norm, and at most half of it.",
            scale="difference",
            direction="below",
            reference=_LEAST_FALL,
            form=".3f",
        ),
    ),
    controls=(
        Control("before_32", "Accuracy of batch norm with batches of 32", _LEARNED, form=".1%"),
        Control("group_32", "Accuracy of group norm with batches of 32", _LEARNED, form=".1%"),
    ),
)

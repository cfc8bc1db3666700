"""The largest learning rate that still trains, with and without batch norm (Bjorck et al. 2018)."""

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
_ARMS = ("none", "before")
_FINE = 8
RATES = (0.003, 0.01, *(float(f"{10 ** (k / _FINE):.3g}") for k in range(-12, 9)))
"""Two small rates, then eight a decade from 0.03 to 10, where both nets come to their limit."""
_LEVEL = 0.9
_LEAST_RATIO = 5.0

SPEC = ExperimentSpec(
    slug="rate",
    title="The largest learning rate",
    claim="Batch norm allows much larger learning rates.",
    source="Ioffe & Szegedy 2015 (1502.03167), section 3.3; Bjorck et al. 2018 (1806.02375)",
    claims=(4, 7),
    question="How many times larger may the rate be with batch norm?",
    answers=("The same", "2 to 5 times", "10 times or more"),
    method=(
        "A 10-layer ReLU net with He's initial weights learns the digits by plain SGD, 400 steps "
        "at each of 23 learning rates: 0.003, 0.01, and eight a decade from 0.03 to 10. A rate "
        "trains a net if its loss stays finite and it classifies 90 % of the validation digits "
        "correctly in the end. The largest stable rate is the last one before the first that "
        "fails."
    ),
    formula=r"\eta_{max} = \max\{\eta : acc(\eta') \ge 0.9 \text{ for all } \eta' \in "
    r"[\eta_0, \eta]\}, \qquad \eta_0 = \min\{\eta : acc(\eta) \ge 0.9\}",
    paper_found=(
        "Bjorck et al. could raise the rate from 0.0001 to 0.003 and more on CIFAR-10 once batch "
        "norm was in, and found that the larger rate is what brought the gain in accuracy."
    ),
    disagreement=(
        "At a small rate batch norm need not help: compare the two curves at 0.003 and 0.01. It "
        "pays where the rate is raised."
    ),
    shards=_ARMS,
    link="depth=10&init=he&lr=1&steps=400",
)


def shard(name: str, seeds: int, first_seed: int, quick: bool) -> TaskGenerator:
    """Train one arm at every rate."""
    steps = 100 if quick else 400
    base = Config(depth=10, initialization="he", replicas=seeds, seed=first_seed, steps=steps)
    settings = []
    for rate in RATES:
        config = arm_config(name, base.changed({"learning_rate": rate}))
        settings.append(Setting(rate, config, steps, f"{arm_label(name)} at rate {rate:g}"))
    return (yield from train_each(settings))


def largest_stable(rates: Array, accuracy: Array, level: float) -> Array:
    """Return the largest rate up to which every rate trains, (R,); 0 where none does.

    ``accuracy`` is (R, number of rates), the rates ascending. Rates below the first that trains
    are too slow for the number of steps and do not count against it.
    """
    trains = accuracy >= level
    largest = np.zeros(len(trains))
    for seed, row in enumerate(trains):
        if row.any():
            first = int(row.argmax())
            broken = np.flatnonzero(~row[first:])
            largest[seed] = rates[first + broken[0] - 1] if broken.size else rates[-1]
    return largest


def rate_ratio(normalized: Array, plain: Array, lowest: float) -> Array:
    """Return the ratio of the largest stable rates, (R,); 0 where batch norm trains at none.

    A plain net that trains at no rate counts as stable at the ``lowest``: a lower bound.
    """
    return normalized / np.maximum(plain, lowest)


def summarize(partials: Mapping[str, PartialResult]) -> Result:
    """Return accuracy over rate, and the largest stable rate of each arm."""
    labels = {name: arm_label(name) for name in _ARMS}
    metrics, largest = [], {}
    for name in (name for name in _ARMS if is_complete(partials, [name])):
        label, found = labels[name], partials[name]
        largest[name] = largest_stable(found["x"], found["accuracy"], _LEVEL)
        metrics.append(Metric(name, f"{label}: largest stable rate", largest[name]))
        best = found["accuracy"].max(axis=1)
        metrics.append(Metric(f"{name}_best", f"{label}: best accuracy", best, ".1%"))
    if is_complete(partials, _ARMS):
        ratio = rate_ratio(largest["before"], largest["none"], RATES[0])
        metrics.append(Metric("ratio", "Ratio of the largest stable rates", ratio))
    panel = accuracy_panel(
        "Accuracy by learning rate",
        "learning rate",
        accuracy_curves(partials, labels, kind="line"),
        "Each point is a net trained from the same start at another rate. A net whose loss "
        "was no longer finite counts as accuracy 0.",
        marks=((_LEVEL, "counts as trained"),),
    )
    return Result((panel,), tuple(metrics))


def _remarks(result: Result) -> str:
    return (
        f"The largest stable rate is {result['before'].words()} with batch norm and "
        f"{result['none'].words()} without."
    )


EXPERIMENT = Experiment(
    SPEC,
    shard,
    summarize,
    effects=(
        Effect(
            "ratio",
            "Largest stable rate with batch norm over that without",
            matters_from=_LEAST_RATIO,
            why="The smallest increase that the first paper tried, its BN-x5 (section 4.2.1).",
            resolution=10 ** (1 / _FINE),
            lost="trained at no rate with batch norm",
        ),
    ),
    controls=(
        Control(
            "none_best",
            "Accuracy of the plain net at its best rate",
            at_least=_LEVEL,
            form=".1%",
        ),
    ),
    remarks=_remarks,
)

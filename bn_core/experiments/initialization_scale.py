"""How badly the initial weights may be scaled, with and without normalization."""

from collections.abc import Mapping

import numpy as np
import torch

from bn_core.config import Config
from bn_core.experiments.base import (
    Experiment,
    PartialResult,
    Shard,
    Trainer,
    arm_config,
    arm_label,
    is_complete,
    make_trainer,
    validation_accuracy,
)
from bn_core.experiments.effects import Control, Effect
from bn_core.results import Curve, ExperimentSpec, Metric, Panel, Result, TaskGenerator

Array = np.ndarray
_ARMS = ("none", "before", "layer")
SCALES = (0.01, 0.03, 0.1, 0.3, 1.0, 2.0, 5.0, 20.0)
_QUICK_SCALES = (0.01, 0.1, 1.0, 20.0)
_LEARNED = 0.8
_LEAST_RATIO = 10.0

SPEC = ExperimentSpec(
    slug="init",
    title="The scale of the initial weights",
    claim="Batch norm makes a net much less sensitive to how its weights begin.",
    source="Ioffe & Szegedy 2015 (1502.03167), section 3.3",
    claims=(6, 11),
    question="He's weights are divided by 100, or multiplied by 20. Which nets still learn?",
    answers=("Both kinds", "Only the net with batch norm", "Neither"),
    method=(
        "A 5-layer ReLU net learns the digits for 400 steps of plain SGD at rate 0.1. The weights "
        "of its hidden layers are He's times a factor c, from 0.01 to 20, and for each c the same "
        "draw; the output layer, which has no norm behind it, keeps He's scale. A net learns from "
        "a scale if it ends with 80 % validation accuracy; one that diverged has none. The "
        "nets are compared by the range of scales around He's own from which they learn. The link "
        "shows c = 0.1 in the Lab, where the factor holds for the output layer too."
    ),
    formula=r"W_0 = c\,W_{He}, \qquad BN(c\,W x) = BN(W x), \qquad "
    r"range = c_{max} / c_{min}",
    paper_found=(
        "Ioffe & Szegedy show that the scale of a layer's weights does not change what a batch "
        "norm behind it puts out, and that larger weights get smaller gradients. They print no "
        "measured curve over the scale."
    ),
    disagreement=(
        "Epsilon counts once the variance of a layer is as small as 0.00001, and very large "
        "weights get very small gradients: so accuracy with batch norm is not quite level in c."
    ),
    shards=_ARMS,
    link="depth=5&init=he&gain=0.1&steps=400&arms=none-before-layer",
)


def shard(name: str, seeds: int, first_seed: int, quick: bool) -> TaskGenerator:
    """Train one arm from every scale."""
    scales, steps = (_QUICK_SCALES, 300) if quick else (SCALES, 400)
    config = arm_config(name, Config(depth=5, initialization="he", replicas=seeds, seed=first_seed))
    work = Shard(len(scales) * steps)
    for index, scale in enumerate(scales):
        trainer = scaled_trainer(config, scale)
        losses = yield from work.train(
            trainer, steps, f"training {arm_label(name)}, He x {scale:g}"
        )
        # A net whose loss was once infinite has diverged, whatever it predicts afterwards.
        accuracy = np.where(np.isfinite(losses[:, -1]), validation_accuracy(trainer), 0.0)
        so_far = work.partial.get("accuracy", np.zeros((seeds, 0)))
        work.put(scales=np.array(scales[: index + 1]), accuracy=np.c_[so_far, accuracy])
    return work.complete()


def scaled_trainer(config: Config, scale: float) -> Trainer:
    """Return nets whose hidden weights are ``scale`` times the config's, and no others."""
    trainer = make_trainer(config)
    with torch.no_grad():
        for layer in trainer.net.hidden:
            layer.weight.mul_(scale)
    return trainer


def learning_range(scales: Array, accuracy: Array) -> Array:
    """Return c_max / c_min of the scales around 1 from which each seed learns, (R,); else 0.

    ``accuracy`` is (R, number of scales), the scales ascending with 1 among them. A range of one
    scale is 1; a seed that does not learn from scale 1 has none.
    """
    learned, own = accuracy >= _LEARNED, int(np.flatnonzero(scales == 1.0)[0])
    below = np.cumprod(learned[:, own::-1], axis=1).sum(axis=1)
    above = np.cumprod(learned[:, own:], axis=1).sum(axis=1)
    reach = scales[(own + above - 1).clip(own)] / scales[(own - below + 1).clip(0, own)]
    return np.where(learned[:, own], reach, 0.0)


def range_ratio(normalized: Array, plain: Array) -> Array:
    """Return the ratio of two learning ranges, (R,); 0 where batch norm has none.

    A plain net that learns from no scale counts as learning from one: a lower bound.
    """
    return normalized / np.maximum(plain, 1.0)


def summarize(partials: Mapping[str, PartialResult]) -> Result:
    """Return accuracy over the scale, and the range of scales from which each arm learns."""
    shown = {name: partials[name] for name in _ARMS if "scales" in partials.get(name, {})}
    curves = tuple(
        Curve(arm_label(name), found["scales"], found["accuracy"], arm=name, kind="points")
        for name, found in shown.items()
    )
    metrics = [one for name, found in shown.items() for one in _metrics(name, found)]
    if is_complete(partials, _ARMS):
        values = {metric.key: metric.values for metric in metrics}
        ratio = range_ratio(values["before_range"], values["none_range"])
        metrics.append(Metric("ratio", "Ratio of the ranges", ratio))
    panel = Panel(
        "accuracy",
        "Accuracy by the scale of the initial weights",
        "initial weights of the hidden layers, times He's",
        "validation accuracy",
        curves,
        help="Every point is a net trained from the same draw at another scale. A net whose loss "
        "was no longer finite counts as accuracy 0.",
        x_scale="log",
        y_range=(0.0, 1.02),
        marks=((0.1, "guessing"), (_LEARNED, "counts as learned")),
    )
    return Result((panel,), tuple(metrics))


def _metrics(name: str, found: PartialResult) -> list[Metric]:
    if not found.get("complete"):
        return []
    label, scales, accuracy = arm_label(name), found["scales"], found["accuracy"]
    own = accuracy[:, scales == 1.0][:, 0]
    reach = learning_range(scales, accuracy)
    return [
        Metric(f"{name}_worst", f"{label}: lowest accuracy", accuracy.min(1), ".1%"),
        Metric(f"{name}_own", f"{label}: accuracy at He's own scale", own, ".1%"),
        Metric(f"{name}_range", f"{label}: largest over smallest scale that learns", reach),
    ]


def _remarks(result: Result) -> str:
    return (
        f"The largest scale that learns is {result['before_range'].words()} times the smallest "
        f"with batch norm, {result['none_range'].words()} times without and "
        f"{result['layer_range'].words()} times with layer norm."
    )


EXPERIMENT = Experiment(
    SPEC,
    shard,
    summarize,
    effects=(
        Effect(
            "ratio",
            "Range of scales that learn with batch norm over that without",
            matters_from=_LEAST_RATIO,
            why="Ten times: usual schemes (He's, torch's default) differ by a factor of 2.4.",
            resolution=10**0.5,
            lost="did not learn from He's own scale with batch norm",
        ),
    ),
    controls=(
        Control("none_own", "Accuracy without a norm at He's own scale", _LEARNED, form=".1%"),
    ),
    remarks=_remarks,
)

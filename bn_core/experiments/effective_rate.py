"""Weight decay in front of batch norm: it sets how far the weights turn in each step."""

import math
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from bn_core.config import Config
from bn_core.experiments.base import (
    Experiment,
    PartialResult,
    Shard,
    Trainer,
    is_complete,
    make_trainer,
)
from bn_core.experiments.effects import Control, Effect
from bn_core.randomness import generator
from bn_core.results import Curve, ExperimentSpec, Metric, Panel, Result, TaskGenerator
from bn_core.training.batches import Batch

Array = np.ndarray
_RATE, _NOISE = 0.1, 0.2
_EVERY, _BLOCK = 10, 10
"""Steps between measurements, and measurements of which one root mean square is drawn."""
_LAST = 0.25
"""The share of the run, at its end, over which is averaged."""
_LABEL_STREAM = 31
_RUNS: Mapping[str, tuple[str, str, float, int, int]] = {
    "without": ("BN without decay", "batch", 0.0, 3000, 1000),
    "small": ("BN with decay 0.005", "batch", 0.005, 10_000, 200),
    "large": ("BN with decay 0.05", "batch", 0.05, 3000, 1000),
    "none": ("No norm with decay 0.05", "none", 0.05, 3000, 500),
}
"""Label, normalization, decay, steps and steps of a quick run."""
_TOLERANCE, _APART, _LEAST_TIMES = 1.1, 0.6, 10.0
_PARTS = {"small": "decay 0.005", "large": "decay 0.05"}
_EFFECTIVE = "the effective rate"

SPEC = ExperimentSpec(
    slug="decay",
    title="What weight decay does in front of batch norm",
    claim=(
        "In front of batch norm weight decay does not shrink the net's function: it sets the "
        "effective learning rate, and in the long run the weights turn by sqrt(2 η λ) each step."
    ),
    source="van Laarhoven 2017 (1706.05350), abstract; Wan et al. 2020 (2006.08419), abstract",
    claims=(11,),
    question=(
        "Weights in front of batch norm decay by λ = 0.05 at rate η = 0.1. By what angle do they "
        "turn in each step, in the end?"
    ),
    answers=(
        "By less and less: decay makes the weights, and so the steps, smaller",
        "By sqrt(2 η λ) = 0.1, in every layer",
        "By as much as without decay",
    ),
    method=(
        "A 3-layer ReLU net learns digits in batches of 64 at rate 0.1, with batch norm and decay "
        "0, 0.005 or 0.05, and without batch norm. Only weights in front of a norm decay. One "
        "label in five is drawn anew in every step, so that gradients do not die away. Every 10 "
        "steps are measured the angle between a layer's weights before and after the step, and "
        "their squared length; what counts are the root mean square, and the mean, over the "
        "last quarter. Decay 0.005 takes 10,000 steps to settle, the others 3,000. Shown is the "
        "first layer; of the ratio to the law, the layer farthest from 1."
    ),
    formula=r"\eta_{\text{eff}}=\frac{\eta}{\lVert W\rVert^2},\qquad \lVert W\rVert^2_{t+1}="
    r"(1-\eta\lambda)^2\lVert W\rVert_t^2+\eta^2\lVert g\rVert^2\ \Rightarrow\ "
    r"\angle(W_t,W_{t+1})\to\sqrt{2\eta\lambda}",
    paper_found=(
        "Van Laarhoven: with normalization L2 regularization has no regularizing effect, it "
        "influences the scale of the weights and thereby the effective learning rate. Wan et al. "
        "derive the angle of the equilibrium and report that it agrees with what they measure on "
        "ImageNet and MSCOCO."
    ),
    disagreement=(
        "The equilibrium takes about 1/(η λ) steps, times a few, and gradients that do not die "
        "away: on clean labels this net is done before. An angle that is still too small says "
        "that the run was too short."
    ),
    shards=tuple(_RUNS),
    link="depth=3&init=he&lr=0.1&decay=0.05&steps=3000&arms=none-before",
)


def shard(name: str, seeds: int, first_seed: int, quick: bool) -> TaskGenerator:
    """Train with one decay on labels that are redrawn in part at every step."""
    label, normalization, decay, full, short = _RUNS[name]
    steps = short if quick else full
    work = Shard(steps)
    config = Config(
        depth=3,
        initialization="he",
        normalization=normalization,
        learning_rate=_RATE,
        weight_decay=decay,
        replicas=seeds,
        seed=first_seed,
    )
    trainer = make_trainer(config)
    spare_output(trainer)
    labels = NoisyLabels(trainer)
    how = {"every": _EVERY, "measure": turning, "draw": labels.next}
    yield from work.train(trainer, steps, label, **how)
    return work.complete()


def spare_output(trainer: Trainer) -> None:
    """Let the output layer's weights not decay: no norm follows them."""
    output = trainer.net.output.weight
    if not trainer.config.weight_decay:
        return
    decaying, spared = trainer.optimizer.param_groups
    decaying["params"] = [one for one in decaying["params"] if one is not output]
    spared["params"] = [*spared["params"], output]


class NoisyLabels:
    """The trainer's batches, with a share of the labels drawn anew from all classes each time."""

    def __init__(self, trainer: Trainer) -> None:
        config = trainer.config
        seeds = range(config.seed, config.seed + config.replicas)
        self.batches, self.classes = trainer.batches, len(trainer.dataset.classes)
        self.generators = [generator(seed, "batches", _LABEL_STREAM) for seed in seeds]

    def next(self) -> Batch:
        """Return the next batch: inputs (K, B, D) and labels (K, B)."""
        inputs, labels = self.batches.next()
        size = labels.shape[1]
        noisy = [torch.rand(size, generator=draw) < _NOISE for draw in self.generators]
        drawn = [torch.randint(self.classes, (size,), generator=g) for g in self.generators]
        return inputs, torch.where(torch.stack(noisy), torch.stack(drawn), labels)


def turning(trainer: Trainer) -> dict[str, Array]:
    """Return by what angle the last step turned each hidden layer's weights, and their ||W||^2.

    Both (K, layers). The weights before the step follow from W_{t+1} = (1 - eta lambda) W_t -
    eta g, with the gradient that stays after the step.
    """
    config = trainer.config
    shrunk = 1 - config.learning_rate * config.weight_decay
    angles, squares = [], []
    for layer in trainer.net.hidden:
        weight, gradient = layer.weight.detach().double(), layer.weight.grad
        assert gradient is not None
        before = (weight + config.learning_rate * gradient.double()) / shrunk
        angles.append(angle(before.flatten(1), weight.flatten(1)).numpy())
        squares.append(weight.square().sum(dim=(1, 2)).numpy())
    return {"angle": np.stack(angles, axis=1), "square": np.stack(squares, axis=1)}


def angle(a: Tensor, b: Tensor) -> Tensor:
    """Return the angle between the rows of two matrices (K, W), in radians, (K,).

    2 arcsin(|a/|a| - b/|b|| / 2): exact for small angles, where arccos is not.
    """
    directions = (one / one.norm(dim=1, keepdim=True) for one in (a, b))
    first, second = directions
    return 2 * torch.arcsin(((first - second).norm(dim=1) / 2).clamp(max=1.0))


def summarize(partials: Mapping[str, PartialResult]) -> Result:
    """Return the angles over those of the equilibrium, and the effective rate, over the steps."""
    ratios, effective, metrics = [], [], []
    for tone, name in enumerate(name for name in _RUNS if "steps" in partials.get(name, {})):
        label, _, decay, _, _ = _RUNS[name]
        found, arm = partials[name], "none" if name == "none" else ""
        steps, rate = found["steps"], _RATE / found["square"][:, :, 0]
        effective.append(Curve(label, steps, rate, arm=arm, tone=tone))
        if decay and len(steps) >= _BLOCK:
            x, y = _blocks(steps, found["angle"][:, :, 0])
            ratios.append(Curve(label, x, y / equilibrium(decay), arm=arm, tone=tone))
        if found.get("complete"):
            metrics += _metrics(name, found)
    if is_complete(partials, SPEC.shards):
        by_key = {metric.key: metric.values for metric in metrics}
        times = by_key["large_effective"] / by_key["without_effective"]
        metrics.append(Metric("times", "Effective rate, decay 0.05 over decay 0", times, ".3g"))
    return Result((_ratio_panel(ratios), _effective_panel(effective)), tuple(metrics))


def equilibrium(decay: float) -> float:
    """Return sqrt(2 eta lambda), the angle of a step at which ||W|| stays, in radians."""
    return math.sqrt(2 * _RATE * decay)


def _blocks(steps: Array, angles: Array) -> tuple[Array, Array]:
    """Return the last step and the root mean square of each ten measurements of (R, T)."""
    count = len(steps) // _BLOCK
    cut = angles[:, : count * _BLOCK].reshape(len(angles), count, _BLOCK)
    return steps[_BLOCK - 1 :: _BLOCK][:count], np.sqrt((cut**2).mean(axis=2))


def _metrics(name: str, found: PartialResult) -> list[Metric]:
    label, _, decay, _, _ = _RUNS[name]
    last = slice(-max(1, int(_LAST * len(found["steps"]))), None)
    turned = np.sqrt((found["angle"][:, last] ** 2).mean(axis=1))  # (R, layers)
    rate = (_RATE / found["square"][:, last]).mean(axis=1)[:, 0]
    metrics = [
        Metric(f"{name}_effective", f"{label}: η/|W|²", rate, ".2g"),
        Metric(f"{name}_angle", f"{label}: angle of a step", turned[:, 0], ".2g"),
    ]
    if decay:
        ratio = furthest(turned / equilibrium(decay))
        words = f"{label}: angle over sqrt(2 η λ)"
        metrics.append(Metric(f"{name}_ratio", words, ratio, ".3f"))
    return metrics


def furthest(ratios: Array) -> Array:
    """Return of ratios (R, layers) the one whose logarithm is farthest from 0, (R,)."""
    with np.errstate(divide="ignore"):
        chosen = np.abs(np.log(ratios)).argmax(axis=1)
    return ratios[np.arange(len(ratios)), chosen]


def _ratio_panel(curves: list[Curve]) -> Panel:
    return Panel(
        "ratio",
        "Angle of a step over that of the equilibrium, first layer",
        "step",
        "angle / sqrt(2 η λ)",
        tuple(curves),
        help="Root mean square of ten measurements. At 1 what a step adds to the length of the "
        "weights is what decay takes away.",
        y_scale="log",
        marks=((1.0, "sqrt(2 η λ)"),),
    )


def _effective_panel(curves: list[Curve]) -> Panel:
    return Panel(
        "effective",
        "Effective learning rate of the first layer",
        "step",
        "η / |W|²",
        tuple(curves),
        help="With batch norm the net's function depends on the direction of the weights alone, "
        "and this rate moves the direction.",
        y_scale="log",
    )


EXPERIMENT = Experiment(
    SPEC,
    shard,
    summarize,
    effects=(
        *(
            Effect(
                f"{name}_ratio",
                "Angle of a step over sqrt(2 η λ), in the layer farthest from 1",
                matters_from=_TOLERANCE,
                why="A tenth more or less is as near as a rate is usually tuned.",
                direction="within",
                part=part,
                form=".3f",
            )
            for name, part in _PARTS.items()
        ),
        Effect(
            "times",
            "Effective rate with decay 0.05 over that without decay",
            matters_from=_LEAST_TIMES,
            why="By a factor of ten a schedule usually lowers the rate.",
            part=_EFFECTIVE,
            form=".3g",
        ),
    ),
    controls=(
        Control(
            "none_ratio",
            "Angle over sqrt(2 η λ) without batch norm",
            at_most=_APART,
            part=_PARTS["large"],
            form=".3f",
        ),
    ),
)

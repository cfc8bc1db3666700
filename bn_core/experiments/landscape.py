"""How smooth the loss is along the gradient, with batch norm and without (Santurkar 2018)."""

import copy
from collections.abc import Mapping

import numpy as np
import torch

from bn_core.config import Config
from bn_core.experiments.base import (
    Experiment,
    PartialResult,
    Series,
    Shard,
    arm_config,
    arm_label,
    is_complete,
    loss_and_gradient,
    make_trainer,
    validation_accuracy,
)
from bn_core.experiments.effects import Control, Effect
from bn_core.nets import Net
from bn_core.probing.smoothness import as_vectors, effective_beta, largest_distance
from bn_core.results import Curve, ExperimentSpec, Metric, Panel, Result, TaskGenerator
from bn_core.training import Batch

Array = np.ndarray
_ARMS = ("none", "before")
_RATE = 0.1
_SIZES = tuple(_RATE * 2.0 ** (-1 + 3 * index / 7) for index in range(8))
"""Eight step sizes from half the learning rate to four times it, evenly spaced in their logs."""
_EVERY = 10
_EARLY = 100
"""The steps whose median counts."""
_LEARNED = 0.8
_MEASURES = {
    "range": "range of the loss",
    "distance": "largest change of the gradient",
    "beta": "effective beta",
}
_LEAST = {
    "range": (2.0, "Half the range: less than that cannot be told from charts like Figure 4."),
    "distance": (2.0, "Half the change: less than that cannot be told from charts like Figure 4."),
    "beta": (
        1.5,
        "Descent is stable below a rate of 2 / beta: it may then be half as large again, which is "
        "more than one step of the grid of rates in the experiment on the largest rate (1.33).",
    ),
}

SPEC = ExperimentSpec(
    slug="landscape",
    title="The loss landscape along the gradient",
    claim="Batch norm makes the loss landscape smoother, which may be why it helps.",
    source=(
        "Santurkar et al. 2018 (1805.11604), sections 3.1 and 3.2, Figure 4; Bjorck et al. 2018 "
        "(1806.02375) measure along the gradient too"
    ),
    claims=(1, 4),
    question="Along one step of descent, how much less does the loss vary with batch norm?",
    answers=("No less", "About half as much", "A fifth or less"),
    method=(
        "A 5-layer ReLU net with He's initial weights learns the digits at rate 0.1. Every ten "
        "steps a copy of it is moved along the gradient by eight step sizes from 0.05 to 0.4, and "
        "its loss and gradient on the same batch are compared with those before the move. What "
        "counts are medians of the first 100 steps."
    ),
    formula=(
        r"\max_\eta L(\theta - \eta g) - \min_\eta L(\theta - \eta g), \quad "
        r"\max_\eta \lVert g(\theta - \eta g) - g \rVert, \quad "
        r"\beta = \max_\eta \lVert g(\theta - \eta g) - g \rVert \, / \, (\eta \lVert g \rVert)"
    ),
    paper_found=(
        "In a VGG net on CIFAR-10 the loss and the gradients varied far more along the gradient "
        "without batch norm, most of all early in training."
    ),
    disagreement=(
        "Smooth is not the same as good: a plain net with weights so small that its gradients "
        "vanish has a flat landscape and learns nothing. PyTorch's default weights are such a "
        "case. And that smoothness causes the faster training is itself an interpretation."
    ),
    shards=_ARMS,
    link="depth=5&init=he&lr=0.1&steps=300",
)


def shard(name: str, seeds: int, first_seed: int, quick: bool) -> TaskGenerator:
    """Train one arm; every ten steps measure along the gradient on a copy of the nets."""
    config = Config(
        depth=5, initialization="he", learning_rate=_RATE, replicas=seeds, seed=first_seed
    )
    trainer, steps = make_trainer(arm_config(name, config)), _EARLY if quick else 3 * _EARLY
    work, series = Shard(steps), Series()
    moved, label = copy.deepcopy(trainer.net), arm_label(name)
    for step in range(0, steps, _EVERY):
        batch = trainer.batches.next()
        work.put(**series.extended(step, along_gradient(trainer.net, moved, batch)))
        trainer.step(batch)
        yield work.advance(f"{label}, step {step + 1}")
        yield from work.train(trainer, _EVERY - 1, f"{label}, after step {step + 1}")
    work.put(accuracy=validation_accuracy(trainer))
    return work.complete()


def along_gradient(net: Net, moved: Net, batch: Batch) -> dict[str, Array]:
    """Return lowest and highest loss, gradient distance and effective beta, (K,) each.

    Taken over theta - eta g with the same batch; ``moved`` is a copy of the net, which is given
    these parameters. What is no number is inf: the loss is not smooth there.
    Source: Santurkar et al. 2018 (1805.11604), Figure 4.
    """
    replicas = net.config.replicas
    _, here = loss_and_gradient(net, batch)
    losses, gradients = [], []
    for size in _SIZES:
        with torch.no_grad():
            for ours, start, slope in zip(moved.parameters(), net.parameters(), here, strict=True):
                ours.copy_(start - size * slope)
        loss, there = loss_and_gradient(moved, batch)
        losses.append(loss)
        gradients.append(as_vectors(there, replicas))
    gradient, changed, band = (
        as_vectors(here, replicas),
        torch.stack(gradients),
        torch.stack(losses),
    )
    found = {
        "low": band.nan_to_num(torch.inf).amin(dim=0),
        "high": band.nan_to_num(torch.inf).amax(dim=0),
        "distance": largest_distance(gradient, changed),
        "beta": effective_beta(gradient, changed, torch.tensor(_SIZES)),
    }
    return {key: values.nan_to_num(torch.inf, torch.inf).numpy() for key, values in found.items()}


def summarize(partials: Mapping[str, PartialResult]) -> Result:
    """Return the band of losses and both smoothness measures over the steps, and their ratios."""
    panels = (
        _panel(partials, "range", "Lowest and highest loss along the gradient", ("low", "high")),
        _panel(partials, "distance", "How far the gradient changes along itself", ("distance",)),
        _panel(partials, "beta", "Effective beta: change of the gradient by distance", ("beta",)),
    )
    ended = {name: partials[name] for name in _ARMS if is_complete(partials, [name])}
    metrics = []
    for key, words in _MEASURES.items():
        early = {name: _early(found, key) for name, found in ended.items()}
        metrics += [
            Metric(f"{key}_{name}", f"{arm_label(name)}: {words}", values)
            for name, values in early.items()
        ]
        if len(early) == len(_ARMS):
            with np.errstate(invalid="ignore"):
                ratio = early["none"] / early["before"]
            metrics.append(Metric(key, f"Ratio: {words}", ratio, ".1f"))
    metrics += [
        Metric(f"accuracy_{name}", f"{arm_label(name)}: accuracy in the end", found["accuracy"])
        for name, found in ended.items()
    ]
    return Result(panels, tuple(metrics))


def _early(found: PartialResult, key: str) -> Array:
    if key == "range":
        finite = np.isfinite(found["high"])
        values = np.where(finite, found["high"] - np.where(finite, found["low"], 0), np.inf)
    else:
        values = found[key]
    return np.median(values[:, found["steps"] < _EARLY], axis=1)


def _panel(
    partials: Mapping[str, PartialResult], key: str, title: str, rows: tuple[str, ...]
) -> Panel:
    curves = tuple(
        Curve(
            f"{arm_label(name)}{', ' + row if len(rows) > 1 else ''}",
            found["steps"],
            found[row],
            arm=name,
        )
        for name, found in partials.items()
        if "steps" in found
        for row in rows
    )
    return Panel(
        key,
        title,
        "step",
        "loss" if key == "range" else _MEASURES[key],
        curves,
        help="Eight step sizes from half the learning rate to four times it, one batch.",
        y_scale="log",
    )


EXPERIMENT = Experiment(
    SPEC,
    shard,
    summarize,
    effects=tuple(
        Effect(
            key,
            f"Without batch norm the {_MEASURES[key]} is, as a multiple of that with it",
            matters_from=least,
            why=why,
            part=f"the {_MEASURES[key]}",
            lost="could not be followed with batch norm",
        )
        for key, (least, why) in _LEAST.items()
    ),
    controls=tuple(
        Control(f"accuracy_{name}", f"Accuracy, {label}", at_least=_LEARNED, form=".1%")
        for name, label in (("none", "without batch norm"), ("before", "with batch norm"))
    ),
    remarks=lambda _: "That smoothness is the reason why batch norm helps is contested.",
)

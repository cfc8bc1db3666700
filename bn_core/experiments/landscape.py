"""How smooth the loss is along the gradient, with batch norm and without (Santurkar 2018)."""

import copy
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from bn_core import measures
from bn_core.config import Config
from bn_core.experiments.base import (
    PartialResult,
    Trainer,
    UnconvertedExperiment,
    complete,
    progress,
)
from bn_core.experiments.summaries import by_seed, middle
from bn_core.landscape import as_vectors, effective_beta, largest_distance
from bn_core.models import Net
from bn_core.results import Curve, ExperimentSpec, Metric, Panel, Result, TaskGenerator, Verdict

_ARMS = {"none": ("none", "No norm"), "before": ("batch", "BN before")}
_RATE = 0.1
_SIZES = tuple(_RATE * 2.0 ** (-1 + 3 * index / 7) for index in range(8))
"""Eight step sizes from half the learning rate to four times it, evenly spaced in their logs."""
_EVERY = 10
_EARLY = 100
"""The steps whose median counts."""
_LEAST = {"range": 5.0, "distance": 4.0, "beta": 1.5}
_WORDS = {
    "range": "range of the loss",
    "distance": "largest change of the gradient",
    "beta": "effective beta",
}
Array = np.ndarray

SPEC = ExperimentSpec(
    slug="landscape",
    title="The loss landscape along the gradient",
    claim="Batch norm helps because it makes the loss landscape smoother.",
    source=(
        "Santurkar et al. 2018 (1805.11604), section 3.1 and Figure 4; Bjorck et al. 2018 "
        "(1806.02375) look along the gradient too"
    ),
    claims=(1, 4),
    question="Along one step of descent, how much less does the loss vary with batch norm?",
    answers=("No less", "About half as much", "A fifth or less"),
    method=(
        "A 5-layer ReLU net with He's initial weights learns the digits at rate 0.1. Every ten "
        "steps a copy of it goes along the gradient by eight step sizes from 0.05 to 0.4, "
        "and its loss and gradient on the same batch are compared with those where it stood. "
        "Medians of the first 100 steps count."
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
    shards=tuple(_ARMS),
    link="depth=5&init=he&lr=0.1&steps=300",
)


def part(name: str, seeds: int, quick: bool) -> TaskGenerator:
    """Train one arm; every ten steps look along the gradient on a copy of the nets."""
    normalization, label = _ARMS[name]
    config = Config(
        depth=5,
        initialization="he",
        normalization=normalization,
        learning_rate=_RATE,
        replicas=seeds,
    )
    trainee, steps = Trainer(config), _EARLY if quick else 3 * _EARLY
    scout = copy.deepcopy(trainee.net)
    at: list[int] = []
    rows: dict[str, list[Array]] = {key: [] for key in ("low", "high", "distance", "beta")}
    for step in range(steps):
        batch = trainee.batches.next()
        if step % _EVERY == 0:
            at.append(step)
            for key, values in along_gradient(trainee.net, scout, batch).items():
                rows[key].append(values.numpy())
        trainee.step(batch)
        piece = {key: by_seed(found, seeds) for key, found in rows.items()}
        piece["steps"] = np.array(at)
        yield progress(step + 1, steps, f"{label}, step {step + 1}", piece)
    return complete(piece | {"accuracy": trainee.evaluate()[1].numpy()})


def along_gradient(net: Net, scout: Net, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
    """Return lowest and highest loss, gradient distance and effective beta, (K,) each.

    Taken over theta - eta g with the same batch; ``scout``, a copy of the net, goes there.
    Source: Santurkar et al. 2018 (1805.11604), Figure 4.
    """
    replicas = net.config.replicas
    _, here = _loss_and_gradient(net, batch)
    losses, moved = [], []
    for size in _SIZES:
        with torch.no_grad():
            for ours, start, slope in zip(scout.parameters(), net.parameters(), here, strict=True):
                ours.copy_(start - size * slope)
        loss, there = _loss_and_gradient(scout, batch)
        losses.append(loss)
        moved.append(as_vectors(there, replicas))
    gradient, gradients, band = as_vectors(here, replicas), torch.stack(moved), torch.stack(losses)
    return {
        "low": band.amin(dim=0),
        "high": band.amax(dim=0),
        "distance": largest_distance(gradient, gradients),
        "beta": effective_beta(gradient, gradients, torch.tensor(_SIZES)),
    }


def _loss_and_gradient(net: Net, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, list[Tensor]]:
    with net.evaluation_mode(statistics="batch"):
        losses = measures.losses(net(batch[0]), batch[1])
    return losses.detach(), list(torch.autograd.grad(losses.sum(), list(net.parameters())))


def summarize(pieces: Mapping[str, PartialResult]) -> Result:
    """Return the band of losses and both smoothness measures over the steps, and their ratios."""
    panels = (
        _panel(pieces, "range", "Lowest and highest loss along the gradient", ("low", "high")),
        _panel(pieces, "distance", "How far the gradient changes along itself", ("distance",)),
        _panel(pieces, "beta", "Effective beta: change of the gradient per way", ("beta",)),
    )
    found: list[Metric] = []
    for key, words in _WORDS.items():
        early = {n: _early(p, key) for n, p in pieces.items() if p.get("complete")}
        found += [
            Metric(f"{key}_{n}", f"{_ARMS[n][1]}: {words}", values) for n, values in early.items()
        ]
        if len(early) == 2:
            ratio = early["none"] / early["before"]
            found.append(Metric(key, f"Ratio: {words}", ratio, ".1f"))
    found += [
        Metric(f"accuracy_{n}", f"{_ARMS[n][1]}: accuracy in the end", p["accuracy"])
        for n, p in pieces.items()
        if "accuracy" in p
    ]
    return Result(panels, tuple(found))


def _early(piece: PartialResult, key: str) -> Array:
    values = piece["high"] - piece["low"] if key == "range" else piece[key]
    return middle(values[:, piece["steps"] < _EARLY], 1)


def _panel(
    pieces: Mapping[str, PartialResult], key: str, title: str, rows: tuple[str, ...]
) -> Panel:
    curves = [
        Curve(f"{_ARMS[n][1]}{', ' + row if len(rows) > 1 else ''}", p["steps"], p[row], arm=n)
        for n, p in pieces.items()
        for row in rows
        if p
    ]
    return Panel(
        key,
        title,
        "step",
        "loss" if key == "range" else _WORDS[key],
        tuple(curves),
        help="Eight step sizes from half the learning rate to four times it, one batch.",
        y_scale="log",
    )


def judge(finding: Result) -> Verdict:
    """The claim holds if all three ratios are large enough for every seed."""
    ratios = {key: finding[key] for key in _LEAST}
    words = "Without batch norm, as multiples of what it is with it: " + ", ".join(
        f"{_WORDS[key]} {ratio.words()}" for key, ratio in ratios.items()
    )
    words += ". That smoothness is the reason why batch norm helps is contested."
    if all((ratio.values >= _LEAST[key]).all() for key, ratio in ratios.items()):
        return Verdict("holds", words)
    if all(ratio.median > 1 for ratio in ratios.values()):
        return Verdict("depends", "Smoother, but not by as much for every seed. " + words)
    return Verdict("fails", words)


EXPERIMENT = UnconvertedExperiment(SPEC, part, summarize, judge)

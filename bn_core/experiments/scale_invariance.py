"""What becomes of loss and gradients when weights are multiplied (van Laarhoven 2017)."""

import copy
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
    exact_trainer,
)
from bn_core.experiments.effects import Control, Effect
from bn_core.probing import statistics
from bn_core.results import Curve, ExperimentSpec, Metric, Panel, Result, TaskGenerator
from bn_core.training import Batch

Array = np.ndarray
_FACTORS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
_ONE, _TEN = _FACTORS.index(1.0), _FACTORS.index(10.0)
_LAYER = 1
"""The layer, counted from 0, whose weights are multiplied; there is one below it."""
_EPSILON = 1e-30
"""Of batch norm, here: so small that float64 does not notice it."""
_MOST_ERROR = 1e-9
_ROUNDING = 1e-12
_LEAST_CHANGE = 0.01
_ARMS = ("before", "none")

SPEC = ExperimentSpec(
    slug="scale",
    title="Ten times the weights, a tenth of the gradient",
    claim=(
        "With batch norm the scale of a layer's weights does not matter to what it computes, nor "
        "to the gradient that it passes down."
    ),
    source="Ioffe & Szegedy 2015 (1502.03167), section 3.3; van Laarhoven 2017 (1706.05350)",
    claims=(11, 6),
    question=(
        "All weights of a layer in front of batch norm times ten: what happens to the gradient of "
        "those weights?"
    ),
    answers=("It grows tenfold", "It stays", "It falls to a tenth"),
    method=(
        "A 3-layer ReLU net in float64, on one batch of 64 digits. The second layer's weights are "
        "multiplied by 0.01 to 100; the loss, their gradient, and the gradient of the layer below, "
        "which this layer passes down, are computed anew, with epsilon too small to be noticed. "
        "Then the net takes steps at rate 0.1, and the squared length of those weights is compared "
        "with the sum of its steps."
    ),
    formula=r"L(cW)=L(W),\quad \nabla L(cW)=\tfrac1c\nabla L(W),\quad \nabla L(W)\cdot W=0,\quad "
    r"\nabla_{below} L(cW)=\nabla_{below} L(W),\quad "
    r"\Delta\lVert W\rVert^2=\eta^2\lVert\nabla L\rVert^2",
    paper_found=(
        "Ioffe & Szegedy note that larger weights get smaller gradients, and that the layer's "
        "Jacobian does not depend on their scale. Van Laarhoven concludes "
        "that weight decay then acts on the effective learning rate, eta over the squared length "
        "of the weights, and not on the function."
    ),
    disagreement=(
        "The law is exact only where epsilon is negligible, which it is not for tiny weights. And "
        "the law concerns what the layer computes, not how it learns: longer weights turn less "
        "per step."
    ),
    shards=_ARMS,
    link="depth=3&init=he&gain=10&steps=300",
)


def shard(name: str, seeds: int, first_seed: int, quick: bool) -> TaskGenerator:
    """Multiply the weights of one arm, then let it train."""
    config = Config(depth=3, initialization="he", replicas=seeds, seed=first_seed)
    trainer, steps = exact_trainer(arm_config(name, config), _EPSILON), 100 if quick else 300
    work, found = Shard(len(_FACTORS) + steps), list[dict[str, Array]]()
    for factor in _FACTORS:
        found.append(at_scale(trainer, trainer.batches.first(), factor))
        work.put(**{key: np.stack([one[key] for one in found], axis=1) for key in found[0]})
        yield work.advance(f"{arm_label(name)}, weights times {factor:g}")
    yield from work.train(
        trainer, steps, arm_label(name), every=1, measure=_lengths, from_start=True
    )
    return work.complete()


def at_scale(trainer: Trainer, batch: Batch, factor: float) -> dict[str, Array]:
    """Return what a layer's weights times a factor do to one batch, on a copy of the net, (K,).

    The loss, the lengths of the gradients of these weights and of those of the layer below, and
    the cosine of the weights with their gradient.
    """
    net = copy.deepcopy(trainer.net)
    below, weight = (net.linears[index].weight for index in (_LAYER - 1, _LAYER))
    with torch.no_grad():
        weight *= factor
    with net.evaluation_mode(statistics="batch"):
        losses = statistics.losses(net(batch[0]), batch[1])
    passed_down, gradient = torch.autograd.grad(losses.sum(), [below, weight])
    tensors = [gradient, passed_down, weight.detach()]
    lengths = statistics.matrix_norms(tensors).numpy()
    along = (gradient * weight.detach()).sum(dim=(1, 2)).numpy()
    return {
        "loss": losses.detach().numpy(),
        "gradient": lengths[:, 0],
        "below": lengths[:, 1],
        "cosine": along / (lengths[:, 0] * lengths[:, 2]),
    }


def _lengths(trainer: Trainer) -> dict[str, Array]:
    """Return ||W||^2 of the layer, and eta^2 ||dL/dW||^2 of the step that led there, (K,) each."""
    weight = trainer.net.linears[_LAYER].weight
    step = torch.zeros_like(weight) if weight.grad is None else weight.grad
    squares = [one.square().sum(dim=(1, 2)).numpy() for one in (weight.detach(), step)]
    return {"square": squares[0], "moved": trainer.config.learning_rate**2 * squares[1]}


def summarize(partials: Mapping[str, PartialResult]) -> Result:
    """Return loss and gradients over the factor, and the length of the weights over the steps."""
    metrics = [
        metric
        for name, found in partials.items()
        if found.get("complete")
        for metric in _metrics(name, found)
    ]
    panels = (
        _panel(partials, "loss", "Loss, by the scale of the second layer's weights", "loss"),
        _panel(partials, "gradient", "Gradient of these weights", "length of the gradient"),
        _panel(partials, "below", "Gradient passed to the layer below", "length of the gradient"),
        _growth_panel(partials),
    )
    return Result(panels, tuple(metrics))


def _metrics(name: str, found: PartialResult) -> list[Metric]:
    label, loss, square = arm_label(name), found["loss"], found["square"]
    change = np.abs(loss[:, _TEN] / loss[:, _ONE] - 1)
    grown = square[:, -1] - square[:, 0]
    error = np.abs(found["moved"].sum(axis=1) / grown - 1)
    cosine = np.abs(found["cosine"][:, _ONE])
    times = {key: found[key][:, _TEN] / found[key][:, _ONE] for key in ("gradient", "below")}
    either_way = np.maximum(times["below"], 1 / times["below"])
    small = {"form": ".1e", "rounding": _ROUNDING}
    return [
        Metric(f"{name}_loss", f"{label}: change of the loss, weights times 10", change, **small),
        Metric(f"{name}_gradient", f"{label}: factor of the gradient", times["gradient"], ".4g"),
        Metric(f"{name}_below", f"{label}: factor of the layer below's", times["below"], ".4g"),
        Metric(f"{name}_changed", f"{label}: the same, either way", either_way, ".4g"),
        Metric(f"{name}_cosine", f"{label}: |cosine| of gradient and weights", cosine, **small),
        Metric(f"{name}_growth", f"{label}: growth of ||W||², error of the law", error, **small),
    ]


def _panel(partials: Mapping[str, PartialResult], key: str, title: str, y_label: str) -> Panel:
    curves = tuple(
        Curve(arm_label(name), np.array(_FACTORS[: found[key].shape[1]]), found[key], arm=name)
        for name, found in partials.items()
        if key in found
    )
    return Panel(key, title, "weights times", y_label, curves, x_scale="log", y_scale="log")


def _growth_panel(partials: Mapping[str, PartialResult]) -> Panel:
    curves = []
    for name, found in partials.items():
        if "square" in found:
            label, law = arm_label(name), found["square"][:, :1] + found["moved"].cumsum(axis=1)
            colour = f"neutral-{_ARMS.index(name) + 1}"
            curves.append(Curve(label, found["steps"], found["square"], arm=name))
            curves.append(
                Curve(f"{label}: start plus all steps", found["steps"], law, colour=colour)
            )
    return Panel(
        "growth",
        "Squared length of the second layer's weights in training",
        "step",
        "squared length",
        tuple(curves),
        help="A gradient at right angles to the weights can only lengthen them, by the squared "
        "length of each step: with batch norm the two curves are one.",
    )


_WHY = "Rounding in float64 was 1e-13 at most here: this leaves a margin of ten thousand."


def _zero(key: str, label: str, part: str) -> Effect:
    return Effect(key, label, _MOST_ERROR, _WHY, "difference", "within", part=part, form=".1e")


def _factor(key: str, label: str, reference: float, part: str) -> Effect:
    bound = 1 + _MOST_ERROR
    return Effect(key, label, bound, _WHY, "ratio", "within", reference, part, form=".10g")


EXPERIMENT = Experiment(
    SPEC,
    shard,
    summarize,
    effects=(
        _zero("before_loss", "Relative change of the loss, weights times 10", "the loss"),
        _factor("before_gradient", "Factor of the gradient", 0.1, "the gradient of the weights"),
        _factor("before_below", "Factor of the gradient below", 1.0, "the gradient passed down"),
        _zero("before_cosine", "|Cosine| of gradient and weights", "the right angle"),
        _zero("before_growth", "Error of the squared length's law", "the growth of the weights"),
    ),
    controls=tuple(
        Control(f"none_{key}", label, at_least=bound, part=part)
        for key, label, bound, part in (
            ("loss", "Change of the plain net's loss", _LEAST_CHANGE, "the loss"),
            ("gradient", "Factor in the plain net", 0.2, "the gradient of the weights"),
            ("changed", "Factor in the plain net", 1 + _LEAST_CHANGE, "the gradient passed down"),
            ("cosine", "|Cosine| in the plain net", _LEAST_CHANGE, "the right angle"),
            ("growth", "Error in the plain net", _LEAST_CHANGE, "the growth of the weights"),
        )
    ),
)

"""What becomes of loss and gradient when weights are multiplied (van Laarhoven 2017)."""

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
from bn_core.results import Curve, ExperimentSpec, Metric, Panel, Result, TaskGenerator, Verdict

_FACTORS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
_TEN = _FACTORS.index(10.0)
_EPSILON = 1e-30
"""Of batch norm, here: so small that float64 does not notice it."""
_MOST_ERROR = 1e-9
_ARMS = {"before": ("batch", "Batch norm"), "none": ("none", "No norm")}

SPEC = ExperimentSpec(
    slug="scale",
    title="Ten times the weights, a tenth of the gradient",
    claim="With batch norm the scale of a layer's weights does not matter to what it computes.",
    source="Ioffe & Szegedy 2015 (1502.03167), section 3.3; van Laarhoven 2017 (1706.05350)",
    claims=(11, 6),
    question="All weights of a layer in front of batch norm times ten: what does its gradient do?",
    answers=("It grows tenfold", "It stays", "It falls to a tenth"),
    method=(
        "A 3-layer ReLU net in float64, on one batch of 64 digits. The first layer's weights are "
        "multiplied by 0.01 to 100 and the loss and their gradient computed anew, with epsilon "
        "too small to be noticed. Then the net takes steps at rate 0.1, and the squared length of "
        "those weights is compared with the sum of its steps."
    ),
    formula=r"L(cW)=L(W),\quad \nabla L(cW)=\tfrac1c\nabla L(W),\quad \nabla L(W)\cdot W=0,\quad "
    r"\Delta\lVert W\rVert^2=\eta^2\lVert\nabla L\rVert^2",
    paper_found=(
        "Ioffe & Szegedy note that larger weights get smaller gradients. Van Laarhoven concludes "
        "that weight decay then acts on the effective learning rate, eta over the squared length "
        "of the weights, and not on the function."
    ),
    disagreement=(
        "The law is exact only where epsilon is negligible: tiny weights feel it. And it is one "
        "about the layer's function: longer weights turn less in a step of the same rate."
    ),
    shards=tuple(_ARMS),
    link="depth=3&init=he&gain=10&steps=300",
)


def part(name: str, seeds: int, quick: bool) -> TaskGenerator:
    """Multiply the weights of one arm, then let it train."""
    config = Config(depth=3, initialization="he", normalization=_ARMS[name][0], replicas=seeds)
    trainee, steps = Trainer(config), 100 if quick else 300
    trainee.net.double()
    for norm in trainee.net.norms:
        norm.epsilon = _EPSILON
    total = len(_FACTORS) + steps
    inputs, labels = trainee.batches.first()
    found = {key: np.full((seeds, len(_FACTORS)), np.nan) for key in ("loss", "gradient", "cosine")}
    for index, factor in enumerate(_FACTORS):
        yield progress(index, total, f"{_ARMS[name][1]}, weights times {factor:g}", found)
        for key, values in at_scale(trainee, (inputs.double(), labels), factor).items():
            found[key][:, index] = values
    squares, steps_taken = [_square(trainee)], [np.zeros(seeds)]
    piece: PartialResult = found
    for step in range(1, steps + 1):
        steps_taken.append(_stepped(trainee))
        squares.append(_square(trainee))
        if step % 5 == 0:
            piece = found | {"squares": np.array(squares).T, "steps": np.array(steps_taken).T}
        yield progress(len(_FACTORS) + step, total, f"{_ARMS[name][1]}, step {step}", piece)
    return complete(piece)


def at_scale(
    trainee: Trainer, batch: tuple[Tensor, Tensor], factor: float
) -> dict[str, np.ndarray]:
    """Return loss, length of the first layer's gradient and its cosine with the weights, (K,).

    They are taken at W times the factor, on a copy of the net.
    """
    net = copy.deepcopy(trainee.net)
    weight = net.linears[0].weight
    with torch.no_grad():
        weight *= factor
    with net.evaluation_mode(statistics="batch"):
        losses = measures.losses(net(batch[0]), batch[1])
    (gradient,) = torch.autograd.grad(losses.sum(), [weight])
    lengths = measures.matrix_norms([gradient, weight.detach()]).numpy()
    along = (gradient * weight.detach()).sum(dim=(1, 2)).numpy()
    return {
        "loss": losses.detach().numpy(),
        "gradient": lengths[:, 0],
        "cosine": along / lengths.prod(axis=1),
    }


def _square(trainee: Trainer) -> np.ndarray:
    """Return ||W||^2 of the first layer, (K,)."""
    return trainee.net.linears[0].weight.detach().square().sum(dim=(1, 2)).numpy()


def _stepped(trainee: Trainer) -> np.ndarray:
    """Take a step and return eta^2 ||dL/dW||^2 of the first layer, (K,)."""
    inputs, labels = trainee.batches.next()
    trainee.step((inputs.double(), labels))
    gradient = trainee.net.linears[0].weight.grad
    assert gradient is not None
    return (trainee.config.learning_rate**2 * gradient.square().sum(dim=(1, 2))).numpy()


def summarize(pieces: Mapping[str, PartialResult]) -> Result:
    """Return loss and gradient over the factor, and the length of the weights over the steps."""
    found: list[Metric] = []
    for name, piece in pieces.items():
        if piece.get("complete"):
            found += _measures(name, piece)
    return Result((*_scale_panels(pieces), _growth_panel(pieces)), tuple(found))


def _measures(name: str, piece: PartialResult) -> list[Metric]:
    label, one = _ARMS[name][1], _FACTORS.index(1.0)
    loss, gradient, squares = piece["loss"], piece["gradient"], piece["squares"]
    change = np.abs(loss[:, _TEN] - loss[:, one]) / loss[:, one]
    ratio = gradient[:, _TEN] / gradient[:, one]
    grown = squares[:, -1] - squares[:, 0]
    error = np.abs(grown - piece["steps"].sum(axis=1)) / np.abs(grown)
    cosine = np.abs(piece["cosine"][:, one])
    return [
        Metric(f"{name} loss", f"{label}: change of the loss, weights times 10", change, ".1e"),
        Metric(f"{name} gradient", f"{label}: factor of the gradient", ratio, ".4g"),
        Metric(f"{name} cosine", f"{label}: |cosine| of gradient and weights", cosine, ".1e"),
        Metric(f"{name} growth", f"{label}: growth of ||W||², error of the law", error, ".1e"),
    ]


def _scale_panels(pieces: Mapping[str, PartialResult]) -> tuple[Panel, ...]:
    panels = []
    for key, title, y_label in (
        ("loss", "Loss, by the scale of the first layer's weights", "loss"),
        ("gradient", "Length of their gradient", "length of the gradient"),
    ):
        curves = [
            Curve(_ARMS[name][1], np.array(_FACTORS), piece[key], arm=name)
            for name, piece in pieces.items()
            if key in piece
        ]
        panels.append(
            Panel(
                key,
                title,
                "weights times",
                y_label,
                tuple(curves),
                x_scale="log",
                y_scale="log",
            )
        )
    return tuple(panels)


def _growth_panel(pieces: Mapping[str, PartialResult]) -> Panel:
    curves = []
    for name, piece in pieces.items():
        if "squares" not in piece:
            continue
        squares, label = piece["squares"], _ARMS[name][1]
        at = np.arange(squares.shape[1])
        law = squares[:, :1] + piece["steps"].cumsum(axis=1)
        curves.append(Curve(label, at, squares, arm=name))
        curves.append(Curve(f"{label}: start plus all steps", at, law, tone=len(curves) // 2))
    return Panel(
        "growth",
        "Squared length of the first layer's weights in training",
        "step",
        "squared length",
        tuple(curves),
        help="A gradient at right angles to the weights can only lengthen them, by the squared "
        "length of each step: with batch norm the two curves are one.",
    )


def judge(finding: Result) -> Verdict:
    """The claim holds if all three laws hold to 1e-9 with batch norm, for every seed."""
    loss, gradient, cosine, growth = (
        finding[f"before {key}"] for key in ("loss", "gradient", "cosine", "growth")
    )
    plain = finding["none gradient"]
    words = (
        f"Weights times 10: the loss moves by {loss.words()} of itself, the gradient is "
        f"multiplied by {gradient.words()} ({plain.words()} without batch norm). Its cosine with "
        f"the weights is {cosine.words()}, and their length grows as the law says but for "
        f"{growth.words()}."
    )
    errors = np.stack([loss.values, np.abs(10 * gradient.values - 1), cosine.values, growth.values])
    if (errors <= _MOST_ERROR).all():
        return Verdict("holds", words)
    return Verdict("fails", words)


EXPERIMENT = UnconvertedExperiment(SPEC, part, summarize, judge)

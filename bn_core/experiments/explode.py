"""Gradients of very deep nets at the start: how batch norm itself makes them grow (Yang 2019)."""

import math
from collections.abc import Generator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from bn_core.config import Config
from bn_core.datasets.loading import load_per_seed
from bn_core.experiments.base import (
    Experiment,
    PartialResult,
    Shard,
    arm_config,
    arm_label,
    is_complete,
)
from bn_core.experiments.effects import Control, Effect
from bn_core.nets import hidden_layer
from bn_core.nets.mlp import output_layer
from bn_core.probing import statistics
from bn_core.results import Curve, ExperimentSpec, Metric, Panel, Progress, Result, TaskGenerator

Array = np.ndarray
_DEPTH, _QUICK_DEPTH, _WIDTH = 50, 30, 256
_LEVEL, _EXPLODES = 1.05, 1.2
_THEORY = math.sqrt(math.pi / (math.pi - 1))


@dataclass(frozen=True)
class Kind:
    """One kind of net: an arm, and what is changed beside it."""

    arm: str
    words: str = ""
    batch: int = 128
    gain: float = 1.0
    linear: bool = False
    colour: str = ""
    drawn: bool = True

    @property
    def label(self) -> str:
        """The arm's label, with what is changed."""
        return f"{arm_label(self.arm)}, {self.words}"


_SHARDS = {
    "large": {
        "none": Kind("none", "He", colour="none"),
        "none_big": Kind("none", "He x 1.5", gain=1.5, colour="neutral-1"),
        "bn": Kind("before", "batch 128", colour="before"),
    },
    "small": {
        "bn_big": Kind("before", "He x 1.5", gain=1.5, drawn=False),
        "bn_8": Kind("before", "batch 8", batch=8, colour="neutral-2"),
        "linear_8": Kind("before", "linear, batch 8", batch=8, linear=True, colour="neutral-3"),
    },
}
_KINDS = {key: kind for kinds in _SHARDS.values() for key, kind in kinds.items()}

SPEC = ExperimentSpec(
    slug="explode",
    title="Batch norm and exploding gradients",
    claim="Batch norm prevents exploding gradients.",
    source="Claimed widely; refuted for very deep plain nets by Yang et al. 2019 (1902.08129)",
    claims=(3,),
    question="50 ReLU layers, each with batch norm, before training: what do gradients do on "
    "their way back?",
    answers=("Keep their size", "Shrink", "Grow a little at every layer, and explode"),
    method=(
        "Untrained nets of 50 ReLU layers of 256 units, with He's weights, get one batch of "
        "digits. We take the gradient of the loss with respect to the output of every layer, and "
        "fit one growth factor per layer on the way back from the last to the first. A linear "
        "net, a batch of 8 and weights 1.5 times as large are measured beside it."
    ),
    formula=r"\lVert \partial L / \partial h_l \rVert \propto g^{-l}, \qquad "
    r"g_{ReLU} \to \sqrt{\pi / (\pi - 1)} \approx 1.211, \quad "
    r"g_{linear} \to \sqrt{(B - 2) / (B - 3)}",
    paper_found=(
        "Yang et al. computed these factors for infinitely wide nets and saw them in real ones. "
        "They report that plain nets of more than about 50 such layers could not be trained. The "
        "growth cannot be removed by other weights, but is reduced near the linear regime."
    ),
    disagreement=(
        "The factor does not depend on the weights' scale, so batch norm is a limit as well: it "
        "brings a net whose weights are too large down to the same growth. Nets with shortcuts "
        "are another matter: there batch norm keeps the growth small."
    ),
    shards=tuple(_SHARDS),
    link="depth=20&width=256&init=he&steps=50",
)


def shard(name: str, seeds: int, first_seed: int, quick: bool) -> TaskGenerator:
    """Measure one kind of net after another."""
    kinds, depth = _SHARDS[name], _QUICK_DEPTH if quick else _DEPTH
    work = Shard(len(kinds) * 2 * depth)
    for key, kind in kinds.items():
        config = arm_config(
            kind.arm,
            Config(
                width=_WIDTH,
                initialization="he",
                gain=kind.gain,
                batch_size=kind.batch,
                replicas=seeds,
                seed=first_seed,
            ),
        )
        norms = yield from gradient_norms(work, config, depth, kind.label, linear=kind.linear)
        work.put(**{key: norms})
    return work.complete()


def gradient_norms(
    work: Shard, config: Config, depth: int, words: str = "", *, linear: bool = False
) -> Generator[Progress, None, Array]:
    """Return ||dL/dh_l|| for each layer's output h_l, (K, depth), of untrained nets.

    Goes back layer by layer and reports in between, so that others can take their turns.
    """
    data = load_per_seed(config)
    values = data.train_inputs[:, : config.batch_size]
    passes: list[tuple[Tensor, Tensor]] = []  # what enters and leaves each layer
    for index in range(depth):
        activate = nn.Identity() if linear else None
        layer = hidden_layer(config, index, values.shape[2], activate=activate)
        entering = values.detach().requires_grad_()
        passes.append((entering, layer(entering)))
        values = passes[-1][1]
        yield work.advance(f"{words}, layer {index + 1}")
    last = values.detach().requires_grad_()
    logits = output_layer(config, depth, config.width, len(data.classes))(last)
    labels = data.train_labels[:, : config.batch_size]
    (gradient,) = torch.autograd.grad(statistics.losses(logits, labels).sum(), last)
    norms = []
    for index, (entering, leaving) in enumerate(reversed(passes)):
        norms.append(torch.linalg.vector_norm(gradient, dim=(1, 2)))
        (gradient,) = torch.autograd.grad(leaving, entering, gradient)
        yield work.advance(f"{words}, back to layer {depth - index}")
    return torch.stack(norms[::-1], dim=1).numpy()


def growth(norms: Array) -> Array:
    """Return the factor by which norms (K, L) grow per layer from the last to the first, (K,).

    exp(-b), with b the slope of the least-squares line through log norm over the layers; NaN
    where a norm is zero or not finite.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(norms)
    layers = np.arange(norms.shape[1]) - (norms.shape[1] - 1) / 2
    return np.exp(-(logs @ layers) / (layers @ layers))


def summarize(partials: Mapping[str, PartialResult]) -> Result:
    """Return the gradient's size by layer, and each kind's growth per layer."""
    found = {
        key: partials[name][key]
        for name, kinds in _SHARDS.items()
        for key in kinds
        if key in partials.get(name, {})
    }
    curves = tuple(
        Curve(
            _KINDS[key].label,
            np.arange(1, norms.shape[1] + 1),
            norms / norms[:, -1:],
            colour=_KINDS[key].colour,
        )
        for key, norms in found.items()
        if _KINDS[key].drawn
    )
    panel = Panel(
        "gradients",
        "Size of the gradient by layer, before training",
        "layer",
        "gradient, in units of the last layer's",
        curves,
        help="The gradient of the loss with respect to each layer's output. It comes from the "
        "right; a straight line that rises to the left is exponential growth. With batch norm, "
        "weights 1.5 times as large are measured too but not drawn.",
        y_scale="log",
    )
    metrics = tuple(
        Metric(key, f"{_KINDS[key].label}: growth per layer", growth(norms), ".3f")
        for key, norms in found.items()
    )
    facts = {"theory": _THEORY} if is_complete(partials, SPEC.shards) else {}
    return Result((panel,), metrics, facts)


def _remarks(result: Result) -> str:
    return (
        f"Theory says {_THEORY:.3f} per layer with batch norm, whatever the scale of the weights. "
        f"At a batch of 8 it is {result['bn_8'].words()}, in a linear net {math.sqrt(6 / 5):.3f} "
        f"by theory and {result['linear_8'].words()} here. Without batch norm it is "
        f"{result['none'].words()} with He's weights and {result['none_big'].words()} with weights "
        "1.5 times as large."
    )


_PARTS = {"bn": "He's weights", "bn_big": "weights 1.5 times He's"}

EXPERIMENT = Experiment(
    SPEC,
    shard,
    summarize,
    effects=tuple(
        Effect(
            key,
            "Growth of the gradient per layer with batch norm",
            matters_from=_LEVEL,
            why="5 % per layer is a factor of 11 over 50 layers: more is an explosion.",
            direction="within",
            part=part,
            form=".3f",
            lost="had a gradient that was zero or not finite",
        )
        for key, part in _PARTS.items()
    ),
    controls=(
        Control(
            "none",
            "Growth per layer without batch norm",
            at_least=1 / _LEVEL,
            at_most=_LEVEL,
            part=_PARTS["bn"],
            form=".3f",
        ),
        Control(
            "none_big",
            "Growth per layer without batch norm",
            at_least=_EXPLODES,
            part=_PARTS["bn_big"],
            form=".3f",
        ),
    ),
    remarks=_remarks,
)

"""Gradients of very deep nets at the start: how batch norm itself makes them grow (Yang 2019)."""

import math
from collections.abc import Generator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from bn_core import measures
from bn_core.config import Config
from bn_core.datasets.loading import load
from bn_core.experiments.base import PartialResult, UnconvertedExperiment, complete, progress
from bn_core.initialization import initial_weight
from bn_core.models import Layer
from bn_core.results import (
    Curve,
    ExperimentSpec,
    Metric,
    Panel,
    Progress,
    Result,
    TaskGenerator,
    Verdict,
)

_DEPTH, _QUICK_DEPTH, _WIDTH = 50, 30, 256
_GROWS, _LEVEL = 1.1, 1.05
_LIMIT = math.sqrt(math.pi / (math.pi - 1))


@dataclass(frozen=True)
class Kind:
    """One kind of net."""

    label: str
    normalization: str
    batch: int = 128
    gain: float = 1.0
    linear: bool = False
    arm: str = ""
    tone: int = 0
    drawn: bool = True


_PARTS = {
    "large": {
        "none": Kind("No norm, He", "none", arm="none"),
        "none_big": Kind("No norm, He x 1.5", "none", gain=1.5, tone=0),
        "bn": Kind("BN, batch 128", "batch", arm="before"),
    },
    "small": {
        "bn_big": Kind("BN, He x 1.5", "batch", gain=1.5, drawn=False),
        "bn_8": Kind("BN, batch 8", "batch", batch=8, tone=2),
        "linear_8": Kind("BN, linear, batch 8", "batch", batch=8, linear=True, tone=1),
    },
}
_KINDS = {key: kind for kinds in _PARTS.values() for key, kind in kinds.items()}

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
        "They report that plain nets of more than about 50 such layers could not be trained, and "
        "that no other scale of the weights and no other activation removes the growth."
    ),
    disagreement=(
        "The factor does not depend on the weights' scale, so batch norm is a limit as well: it "
        "brings a net whose weights are too large down to the same growth. Nets with skip "
        "connections are another matter: there batch norm keeps the growth small."
    ),
    shards=tuple(_PARTS),
    link="depth=20&width=256&init=he&steps=50",
)


def part(name: str, seeds: int, quick: bool) -> TaskGenerator:
    """Measure one kind of net after another."""
    kinds, depth = _PARTS[name], _QUICK_DEPTH if quick else _DEPTH
    piece: PartialResult = {"norms": {}}
    for index, (key, kind) in enumerate(kinds.items()):
        ticks = gradient_norms(kind, seeds, depth)
        while True:
            try:
                share = next(ticks)
            except StopIteration as stop:
                piece = {"norms": piece["norms"] | {key: stop.value}}
                break
            words = f"{kind.label}, {share:.0%}"
            yield Progress((index + share) / len(kinds), words, piece)
    yield progress(1, 1, "done", piece)
    return complete(piece)


def gradient_norms(kind: Kind, seeds: int, depth: int) -> Generator[float, None, np.ndarray]:
    """Return ||dL/dh_l|| for each layer's output h_l, (K, depth), of untrained nets.

    Yields its share of the work after each layer, so that others can take their turns.
    """
    config = Config(
        width=_WIDTH,
        initialization="he",
        gain=kind.gain,
        normalization=kind.normalization,
        batch_size=kind.batch,
        replicas=seeds,
    )
    data = load(config)
    values, labels = data.train_inputs[: kind.batch], data.train_labels[: kind.batch]
    values, labels = values.expand(seeds, *values.shape), labels.expand(seeds, -1)
    ways: list[tuple[Tensor, Tensor]] = []  # what enters and leaves each layer
    for index in range(depth):
        layer = Layer(config, index, values.shape[2])
        if kind.linear:
            layer.activation = nn.Identity()
        enters = values.detach().requires_grad_()
        ways.append((enters, layer(enters)))
        values = ways[-1][1]
        yield (index + 1) / depth / 2
    last = values.detach().requires_grad_()
    logits = last @ initial_weight(config, depth, _WIDTH, len(data.classes))
    (gradient,) = torch.autograd.grad(measures.losses(logits, labels).sum(), last)
    norms = []
    for index, (enters, leaves) in enumerate(reversed(ways)):
        norms.append(torch.linalg.vector_norm(gradient, dim=(1, 2)))
        (gradient,) = torch.autograd.grad(leaves, enters, gradient)
        yield (depth + index + 1) / depth / 2
    return torch.stack(norms[::-1], dim=1).numpy()


def growth(norms: np.ndarray) -> np.ndarray:
    """Return the factor by which norms (K, L) grow per layer from the last to the first, (K,).

    exp(-b), with b the slope of the least-squares line through log norm over the layers.
    """
    slope = np.polyfit(np.arange(norms.shape[1]), np.log(norms).T, 1)[0]
    return np.exp(-slope)


def summarize(pieces: Mapping[str, PartialResult]) -> Result:
    """Return the gradient's size by layer, and each kind's growth per layer."""
    found = {key: norms for piece in pieces.values() for key, norms in piece["norms"].items()}
    curves = tuple(
        Curve(
            _KINDS[key].label,
            np.arange(1, norms.shape[1] + 1),
            norms / norms[:, -1:],
            arm=_KINDS[key].arm,
            tone=_KINDS[key].tone,
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
        "weights 1.5 times as large give the same line; it is measured but not drawn.",
        y_scale="log",
    )
    measured = tuple(
        Metric(key, f"{_KINDS[key].label}: growth per layer", growth(norms), ".3f")
        for key, norms in found.items()
    )
    return Result((panel,), measured, {"theory": _LIMIT})


def judge(finding: Result) -> Verdict:
    """The claim fails if gradients grow with batch norm where they keep their size without."""
    none, bn, small = finding["none"], finding["bn"], finding["bn_8"]
    none_big, bn_big = finding["none_big"], finding["bn_big"]
    words = (
        f"With He's weights the gradient grows {none.words()} times per layer without batch norm "
        f"and {bn.words()} times with it (theory {_LIMIT:.3f}; {small.words()} at a batch of 8). "
        f"With weights 1.5 times as large: {none_big.words()} without, {bn_big.words()} with it."
    )
    explodes = bool((bn.values >= _GROWS).all() and (none.values <= _LEVEL).all())
    if explodes:
        return Verdict("fails", words)
    if (bn.values <= _LEVEL).all() and (bn_big.values <= _LEVEL).all():
        return Verdict("holds", words)
    return Verdict("depends", words)


EXPERIMENT = UnconvertedExperiment(SPEC, part, summarize, judge)

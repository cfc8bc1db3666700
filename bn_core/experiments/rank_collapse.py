"""In how many directions a batch's outputs lie, layer by layer, before any training."""

import math
from collections.abc import Mapping

import numpy as np

from bn_core.arms import arm_named
from bn_core.datasets.digits import split_digits
from bn_core.datasets.spec import Sampling
from bn_core.experiments.base import Experiment, PartialResult, Shard
from bn_core.experiments.effects import Control, Effect
from bn_core.results import Curve, ExperimentSpec, Metric, Panel, Result, TaskGenerator
from bn_core.streams import random_state

Array = np.ndarray

ACTIVATIONS = {"relu": "ReLU", "linear": "no activation"}
ARMS = ("none", "layer", "before")
_WIDTH = _EXAMPLES = 128
_DEPTH, _EARLY = 50, 10
_EPSILON = 1e-5

SPEC = ExperimentSpec(
    slug="rank",
    title="Rank collapse",
    claim="In a deep net with random weights the outputs of all examples end up in nearly the same "
    "direction; batch norm keeps them apart.",
    source="Daneshmand, Kohler, Bach, Hofmann & Lucchi 2020 (2003.01652), abstract",
    claims=(14,),
    question="128 digits pass 50 ReLU layers of random weights without a norm. In how many "
    "directions do the outputs lie?",
    answers=("About one", "2 to 10", "More than 10"),
    method=(
        "128 training digits, their pixels standardized by one mean and one deviation, pass 50 "
        "layers of 128 units with He's weights (for layers without an activation, weights of "
        "variance 1/n) that are never trained. Behind each layer the number of directions is the "
        "participation ratio of the outputs' inner products: 1 if all outputs are multiples of "
        "one another, 128 if they are orthogonal and equally long. Batch norm and layer norm stand "
        "before the activation, without gamma and beta. Layers without an activation tell what "
        "the products of random matrices do by themselves."
    ),
    formula=r"G = H H^\top, \qquad directions = (\operatorname{tr} G)^2 / \lVert G \rVert_F^2",
    paper_found=(
        "Daneshmand et al. show that without a norm the rank of the outputs falls quickly with "
        "depth, prove a lower bound of it for linear nets with batch norm, and find the same in "
        "experiments with ReLU nets; they hold a stable rank for a crucial condition of "
        "training."
    ),
    disagreement=(
        "Nothing is trained here, so the numbers say nothing about accuracy. Layers without an "
        "activation collapse slowly: after ten of them nothing has happened yet. Shortcuts and "
        "orthogonal weights keep the directions too."
    ),
    shards=tuple(ACTIVATIONS),
)


def directions(outputs: Array) -> float:
    """Return tr(G)^2 / ||G||_F^2 of G = H H^T for outputs H (N, C): from 1 to min(N, C)."""
    gram = outputs @ outputs.T
    return float(np.trace(gram) ** 2 / (gram**2).sum())


def mean_cosine(outputs: Array) -> float:
    """Return the mean cosine between two different examples' outputs (N, C); NaN for zeros."""
    lengths = np.linalg.norm(outputs, axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        unit = outputs / lengths
    count = len(outputs)
    return float(((unit @ unit.T).sum() - count) / (count * (count - 1)))


def normalized(values: Array, arm: str) -> Array:
    """Return values (N, C) as an arm's norm without gamma and beta leaves them."""
    if arm == "none":
        return values
    axis = 0 if arm == "before" else 1
    mean, variance = values.mean(axis, keepdims=True), values.var(axis, keepdims=True)
    return (values - mean) / np.sqrt(variance + _EPSILON)


def outputs_by_layer(activation: str, arm: str, seed: int, depth: int = _DEPTH) -> list[Array]:
    """Return the outputs (N, C) of each of ``depth`` layers for one draw of digits and weights."""
    pixels = split_digits(Sampling(seed)).train_inputs[:_EXAMPLES].astype(float)
    outputs, found = (pixels - pixels.mean()) / pixels.std(), []
    for layer in range(depth):
        inputs = outputs.shape[1]
        state = random_state(seed, "weights", layer)  # every arm has the same weights
        deviation = math.sqrt((2.0 if activation == "relu" else 1.0) / inputs)
        values = normalized(outputs @ state.normal(0, deviation, (inputs, _WIDTH)), arm)
        outputs = np.maximum(values, 0.0) if activation == "relu" else values
        found.append(outputs)
    return found


def shard(name: str, seeds: int, first_seed: int, quick: bool) -> TaskGenerator:
    """Pass the digits through nets with one activation; a quick look takes the same nets."""
    work = Shard(len(ARMS))
    for arm in ARMS:
        nets = [outputs_by_layer(name, arm, first_seed + k) for k in range(seeds)]
        ratios = np.array([[directions(one) for one in net] for net in nets])  # (R, L)
        cosines = np.array([mean_cosine(net[-1]) for net in nets])
        work.put(**{f"{arm}_directions": ratios, f"{arm}_cosine": cosines})
        yield work.advance(f"{ACTIVATIONS[name]}, {arm_named(arm).label}")
    return work.complete()


def summarize(partials: Mapping[str, PartialResult]) -> Result:
    """Return the directions over the layers, those at the end, cosines, and the ratio."""
    panels, metrics = [], []
    for name, found in partials.items():
        arms = [arm for arm in ARMS if f"{arm}_directions" in found]
        panels.append(_panel(name, found, arms))
        for arm in arms:
            label = f"{ACTIVATIONS[name]}, {arm_named(arm).label}"
            metrics += _metrics(f"{name}_{arm}", label, found, arm)
        if found.get("complete"):
            ends = {arm: found[f"{arm}_directions"][:, -1] for arm in ARMS}
            words = f"Directions with batch norm / without, {ACTIVATIONS[name]}"
            metrics.append(Metric(f"{name}_ratio", words, ends["before"] / ends["none"], ".2g"))
    return Result(tuple(panels), tuple(metrics))


def _metrics(key: str, label: str, found: PartialResult, arm: str) -> list[Metric]:
    ratios = found[f"{arm}_directions"]
    return [
        Metric(f"{key}_first", f"{label}: directions, layer 1", ratios[:, 0], ".2f"),
        Metric(f"{key}_early", f"{label}: layer {_EARLY}", ratios[:, _EARLY - 1], ".2f"),
        Metric(f"{key}_last", f"{label}: layer {_DEPTH}", ratios[:, -1], ".2f"),
        Metric(
            f"{key}_cosine", f"{label}: mean cosine, layer {_DEPTH}", found[f"{arm}_cosine"], ".2f"
        ),
    ]


def _panel(name: str, found: PartialResult, arms: list[str]) -> Panel:
    layers = np.arange(1, _DEPTH + 1)
    curves = tuple(
        Curve(arm_named(arm).label, layers, found[f"{arm}_directions"], arm=arm) for arm in arms
    )
    return Panel(
        name,
        f"Directions of 128 outputs, {ACTIVATIONS[name]}",
        "layer",
        "directions",
        curves,
        y_scale="log",
        help="One direction: every example has the same output, up to its length.",
    )


_WHY = {
    "relu": "A factor of four: where one direction is left without a norm, four at least with it.",
    "linear": "A factor of two: products of random matrices collapse slowly, so that without a "
    "norm a few directions are left behind 50 layers.",
}
_MATTERS = {"relu": 4.0, "linear": 2.0}

EXPERIMENT = Experiment(
    SPEC,
    shard,
    summarize,
    effects=tuple(
        Effect(
            f"{name}_ratio",
            f"Directions with batch norm over those without, behind {_DEPTH} layers",
            matters_from=_MATTERS[name],
            why=_WHY[name],
            part=words,
            form=".2g",
        )
        for name, words in ACTIVATIONS.items()
    ),
    controls=tuple(
        Control(
            f"{name}_none_first",
            f"Directions behind the first layer without a norm, {words}",
            at_least=1.5,
            part=words,
        )
        for name, words in ACTIVATIONS.items()
    ),
)

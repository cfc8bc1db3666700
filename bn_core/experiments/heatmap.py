"""The output gradients of untrained nets: does each image get one of its own (Bjorck 2018)?"""

import math
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

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
from bn_core.experiments.effects import Effect
from bn_core.nets import Net, hidden_layer, output_layer
from bn_core.probing import statistics
from bn_core.results import (
    Curve,
    ExperimentSpec,
    HeatMap,
    HeatMaps,
    Metric,
    Panel,
    Result,
    TaskGenerator,
)

Array = np.ndarray
_ARMS = ("none", "before")
_DEPTH, _WIDTH = 20, 100
_DRAWS, _QUICK_DRAWS = 120, 30
_IMAGES, _ROWS = 64, 30
_SCALE = 1.5
_ALIKE, _HALF = 0.8, 0.5
_LEAST_SHARE_GAP, _LEAST_COSINE_GAP = 0.3, 0.2

SPEC = ExperimentSpec(
    slug="heatmap",
    title="Does each image get a gradient of its own?",
    claim="In a deep net without batch norm whose weights begin a little too large, all images "
    "get nearly the same output gradient; batch norm makes it depend on the image again.",
    source="Bjorck et al. 2018 (1806.02375), section 3 and its heat map of output gradients",
    claims=(14,),
    question="An untrained net without batch norm sees 64 images. Into how many classes does it "
    "put most of them?",
    answers=("All ten, evenly", "A few", "Mostly one"),
    method=(
        "Untrained nets of 20 ReLU layers of 100 units, weights from a normal distribution "
        "1.5 times as wide as He's, see 64 digits. Rows of G are images (30 are drawn), "
        "columns classes. We take the share of images with the same predicted class and the "
        "mean cosine between two rows. Single draws of the weights differ widely, so each seed "
        "gives the median of 120 draws (30 in the quick run), and the share of single nets that "
        "put 80 % of the images into one class is told beside it; the maps show the draw in the "
        "middle."
    ),
    formula=r"G = \mathrm{softmax}(z) - \mathrm{onehot}(y), \qquad "
    r"\overline{\cos} = \frac{1}{N(N-1)} \sum_{i \ne j} \cos(G_i, G_j)",
    paper_found=(
        "In a ResNet of 110 layers without batch norm, at its start, nearly all images had "
        "their gradient in the same column: the net predicts one class for all. With batch norm "
        "the gradients spread over the classes."
    ),
    disagreement=(
        "The effect is one of scale. With He's own weights (the last two measures) the plain net "
        "favours a class just as often, but so faintly that the rows differ by their labels: "
        "they were never alike, so there is nothing to give back."
    ),
    shards=_ARMS,
    link=f"depth=20&width=100&init=normal&std={_SCALE * math.sqrt(2 / 100):.4f}&steps=100",
)


def shard(name: str, seeds: int, first_seed: int, quick: bool) -> TaskGenerator:
    """Measure many untrained nets of one arm."""
    draws = _QUICK_DRAWS if quick else _DRAWS
    config = arm_config(
        name,
        Config(
            depth=_DEPTH,
            width=_WIDTH,
            initialization="normal",
            init_std=_SCALE * math.sqrt(2 / _WIDTH),
            replicas=seeds,
            seed=first_seed,
        ),
    )
    work, rows = Shard(draws), []
    for draw in range(draws):
        rows.append(measured_draw(config, draw))
        for key in ("share", "cosine", "loss", "he_cosine"):
            work.put(**{key: np.stack([row[key] for row in rows], axis=1)})
        work.put(maps=np.stack([row["maps"][0] for row in rows]))
        yield work.advance(f"{arm_label(name)}, draw {draw + 1}")
    return work.complete()


@torch.no_grad()
def measured_draw(config: Config, draw: int) -> dict[str, Array]:
    """Return the measures of one draw of the weights, (K,), and its maps, (K, rows, classes).

    ``he_cosine`` is that of the same draw at He's own scale.
    """
    data = load_per_seed(config)
    inputs, labels = data.train_inputs[:, :_IMAGES], data.train_labels[:, :_IMAGES]
    net = drawn_net(config, draw, inputs.shape[2], len(data.classes))
    with net.evaluation_mode(statistics="batch"):
        measured = measures(net(inputs), labels)
        for weight in net.weights:
            weight.div_(_SCALE)
        return measured | {"he_cosine": measures(net(inputs), labels)["cosine"]}


def drawn_net(config: Config, draw: int, inputs: int, classes: int) -> Net:
    """Return untrained nets with weights of streams of their own for each ``draw``, from 0."""
    first = draw * (config.depth + 1)
    sizes = [inputs, *config.layer_widths]
    layers = [hidden_layer(config, first + i, sizes[i], sizes[i + 1]) for i in range(config.depth)]
    output = output_layer(config, first + config.depth, sizes[-1], classes)
    return Net(config, (inputs,), layers, output)


def measures(logits: Tensor, labels: Tensor) -> dict[str, Array]:
    """Return each net's measures, (K,), and its map, (K, rows, classes), sorted by label."""
    gradients = torch.stack(
        [statistics.output_gradient(*one) for one in zip(logits, labels, strict=True)]
    )
    order = labels[:, :_ROWS].argsort(dim=1, stable=True)
    found = {
        "share": top_share(logits),
        "cosine": mean_cosine(gradients),
        "loss": statistics.losses(logits, labels),
        "maps": torch.stack([one[rows] for one, rows in zip(gradients, order, strict=True)]),
    }
    return {key: values.numpy() for key, values in found.items()}


def top_share(logits: Tensor) -> Tensor:
    """Return the share of images that get the most predicted class, (K,)."""
    chosen = functional.one_hot(logits.argmax(dim=2), logits.shape[2])
    return chosen.to(logits.dtype).mean(dim=1).amax(dim=1)


def mean_cosine(gradients: Tensor) -> Tensor:
    """Return the mean cosine between two different rows of G, (K,): gradients (K, N, C).

    1 / (N (N - 1)) sum over i != j of G_i . G_j / (|G_i| |G_j|)
    """
    rows = functional.normalize(gradients, dim=2)
    count = rows.shape[1]
    # The sum over all pairs is the squared length of the sum; each row pairs with itself once.
    itself = rows.square().sum(dim=(1, 2))
    return (rows.sum(dim=1).square().sum(dim=1) - itself) / (count * (count - 1))


def summarize(partials: Mapping[str, PartialResult]) -> Result:
    """Return a typical draw's maps, every draw's share, and each seed's typical measures."""
    shown = {name: partials[name] for name in _ARMS if "share" in partials.get(name, {})}
    panels: list[Panel | HeatMaps] = [_shares(shown)]
    typical = _typical_draw(shown)
    fields = tuple(
        HeatMap(arm_label(name), found["maps"][typical])
        for name, found in shown.items()
        if typical < len(found["maps"])
    )
    if fields:
        panels.insert(0, _map(fields))
    ended = {name: found for name, found in shown.items() if found.get("complete")}
    metrics = [one for name, found in ended.items() for one in _metrics(name, found)]
    if is_complete(partials, _ARMS):
        share, cosine = (_gap(partials, key) for key in ("share", "cosine"))
        metrics += [
            Metric("share_gap", "Share of the top class: without BN - with it", share, ".2f"),
            Metric("cosine_gap", "Mean cosine: without BN - with it", cosine, ".2f"),
        ]
    return Result(tuple(panels), tuple(metrics))


def _gap(partials: Mapping[str, PartialResult], key: str) -> Array:
    plain, normalized = (np.median(partials[name][key], axis=1) for name in _ARMS)
    return plain - normalized


def _typical_draw(shown: Mapping[str, PartialResult]) -> int:
    """Return which draw of the first seed has the plain net's middle cosine; 0 if unknown."""
    known = shown["none"]["cosine"][0] if "none" in shown else np.zeros(1)
    return int(known.argsort()[len(known) // 2])


def _map(fields: tuple[HeatMap, ...]) -> HeatMaps:
    return HeatMaps(
        "gradients",
        "Gradient of the loss with respect to the outputs, before training",
        "class",
        "image, sorted by class",
        fields,
        "gradient",
        help="Below zero is the image's own class, above zero what the net predicts instead. "
        "One bright column means that every image asks for the same correction.",
    )


def _shares(shown: Mapping[str, PartialResult]) -> Panel:
    curves = []
    for name, found in shown.items():
        shares = np.sort(found["share"], axis=1)
        places = np.arange(1, shares.shape[1] + 1)
        curves.append(Curve(arm_label(name), places, shares, arm=name, kind="points"))
    return Panel(
        "shares",
        "Images that get the most predicted class",
        "draw of the weights, sorted",
        "share of the images",
        tuple(curves),
        help="Every draw of initial weights is one untrained net. Some plain nets put all 64 "
        "images into one class, some do not.",
        y_range=(0.0, 1.02),
        marks=((_ALIKE, "nearly all in one class"),),
    )


def _metrics(name: str, found: PartialResult) -> list[Metric]:
    label = arm_label(name)
    typical = {key: np.median(found[key], axis=1) for key in ("share", "cosine", "loss")}
    faint = np.median(found["he_cosine"], axis=1)
    alike = (found["share"] >= _ALIKE).mean(axis=1)
    return [
        Metric(f"{name}_share", f"{label}: share of the top class", typical["share"], ".2f"),
        Metric(f"{name}_alike", f"{label}: draws with a share of 0.8 or more", alike, ".0%"),
        Metric(f"{name}_cosine", f"{label}: mean cosine of two rows", typical["cosine"], ".2f"),
        Metric(f"{name}_loss", f"{label}: loss", typical["loss"]),
        Metric(f"{name}_he", f"{label}: cosine, He's own scale", faint, ".2f"),
    ]


def _remarks(result: Result) -> str:
    return (
        f"Single nets differ: {result['none_alike'].words()} of the plain nets put 0.8 or more of "
        f"the images into one class, {result['before_alike'].words()} of those with batch norm. "
        f"Two rows have a cosine of {result['none_cosine'].words()} without and "
        f"{result['before_cosine'].words()} with it; with He's own scale that of the plain net is "
        f"{result['none_he'].words()}."
    )


_LOST = "had outputs that were not finite"

EXPERIMENT = Experiment(
    SPEC,
    shard,
    summarize,
    effects=(
        Effect(
            "none_share",
            "Images in the top class of a typical net without batch norm",
            matters_from=_ALIKE,
            why="Four in five: a limit set after seeing medians of about 0.91 on these digits.",
            scale="difference",
            reference=_HALF,
            part="one gradient for nearly all images",
            form=".2f",
            lost=_LOST,
        ),
        Effect(
            "share_gap",
            "The same share without batch norm minus that with it",
            matters_from=_LEAST_SHARE_GAP,
            why="Three in ten images move to other classes; ten even classes would make it 0.7.",
            scale="difference",
            part="a gradient of its own with batch norm",
            form=".2f",
            lost=_LOST,
        ),
        Effect(
            "cosine_gap",
            "Mean cosine of two images' gradients without batch norm minus that with it",
            matters_from=_LEAST_COSINE_GAP,
            why="Several times what He's own scale shows, where rows differ by their labels alone.",
            scale="difference",
            part="a gradient of its own with batch norm",
            form=".2f",
            lost=_LOST,
        ),
    ),
    remarks=_remarks,
)

"""The output gradients of untrained nets: does each image get one of its own (Bjorck 2018)?"""

import math
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from bn_core import measures
from bn_core.config import Config
from bn_core.datasets.loading import load
from bn_core.experiments.base import PartialResult, UnconvertedExperiment, complete, progress
from bn_core.models import Net
from bn_core.results import (
    Curve,
    ExperimentSpec,
    HeatMap,
    HeatMaps,
    Metric,
    Panel,
    Result,
    TaskGenerator,
    Verdict,
)

_ARMS = {"none": ("none", "No norm"), "before": ("batch", "BN before")}
_DRAWS, _QUICK_DRAWS, _AT_ONCE = 120, 30, 5
_IMAGES, _ROWS = 64, 30
_SCALE = 1.5
_ALIKE_SHARE, _APART_SHARE = 0.8, 0.5
_ALIKE_COSINE, _APART_COSINE = 0.3, 0.1

SPEC = ExperimentSpec(
    slug="heatmap",
    title="Does each image get a gradient of its own?",
    claim="In a deep net whose weights begin a little too large, all images get nearly the same "
    "output gradient; batch norm makes it depend on the image again.",
    source="Bjorck et al. 2018 (1806.02375), section 3 and its heat map of output gradients",
    claims=(14,),
    question="An untrained net without batch norm sees 64 images. Into how many classes does it "
    "put most of them?",
    answers=("All ten, evenly", "A few", "Mostly one"),
    method=(
        "Untrained nets of 20 ReLU layers of 100 units, weights from a normal distribution "
        "1.5 times as wide as He's, see 64 digits. Rows of G are images (30 are drawn), "
        "columns classes. We take the share of images with the same predicted class and the "
        "mean cosine between two rows. Single draws of the weights differ widely, so each "
        "seed is the median of 120 draws (30 in the quick run); the maps show the draw in the "
        "middle."
    ),
    formula=r"G = \mathrm{softmax}(z) - \mathrm{onehot}(y), \qquad "
    r"\overline{\cos} = \frac{1}{N(N-1)} \sum_{i \ne j} \cos(G_i, G_j)",
    paper_found=(
        "In a deep network without batch norm, at its start, nearly all images of a batch had "
        "their gradient in the same column: the net predicts one class for all. With batch norm "
        "the gradients spread over the classes."
    ),
    disagreement=(
        "The effect is one of scale. With He's own weights (the last two measures) the plain net "
        "favours a class just as often, but so faintly that the rows differ by their labels: "
        "they were never alike, so there is nothing to give back."
    ),
    shards=tuple(_ARMS),
    link=f"depth=20&width=100&init=normal&std={_SCALE * math.sqrt(2 / 100):.4f}&steps=100",
)


def part(name: str, seeds: int, quick: bool) -> TaskGenerator:
    """Look at many untrained nets of one arm."""
    draws, label = _QUICK_DRAWS if quick else _DRAWS, _ARMS[name][1]
    keys = ("share", "cosine", "loss", "he_cosine")
    piece: PartialResult = {key: np.full((seeds, draws), np.nan) for key in keys}
    piece["maps"] = np.zeros((0, _ROWS, 10))
    for seed in range(seeds):
        for start in range(0, draws, _AT_ONCE):
            first, span = seed * _DRAWS + start, slice(start, start + _AT_ONCE)
            yield progress(seed * draws + start, seeds * draws, f"{label}, net {first}", piece)
            seen = look(*untrained_logits(name, _SCALE, first))
            yield progress(seed * draws + start, seeds * draws, f"{label}, net {first}", piece)
            faint = look(*untrained_logits(name, 1.0, first))
            piece = {key: values.copy() for key, values in piece.items()}
            for key in ("share", "cosine", "loss"):
                piece[key][seed, span] = seen[key]
            piece["he_cosine"][seed, span] = faint["cosine"]
            if seed == 0:
                piece["maps"] = np.concatenate([piece["maps"], seen["maps"]])
    return complete(piece)


@torch.no_grad()
def untrained_logits(name: str, scale: float, first_seed: int) -> tuple[Tensor, Tensor]:
    """Return logits (K, N, classes) of a few untrained nets and the labels (N,) of their batch."""
    config = Config(
        depth=20,
        width=100,
        initialization="normal",
        init_std=scale * math.sqrt(2 / 100),
        normalization=_ARMS[name][0],
        seed=first_seed,
        replicas=_AT_ONCE,
    )
    data = load(config)
    inputs, labels = data.train_inputs[:_IMAGES], data.train_labels[:_IMAGES]
    net = Net(config, inputs.shape[1], len(data.classes))
    with net.evaluation_mode(statistics="batch"):
        return net(inputs.expand(_AT_ONCE, *inputs.shape)), labels


def look(logits: Tensor, labels: Tensor) -> dict[str, np.ndarray]:
    """Return each net's measures, (K,), and its map, (K, rows, classes), sorted by label."""
    gradients = torch.stack([measures.output_gradient(one, labels) for one in logits])
    order = labels[:_ROWS].argsort(stable=True)
    found = {
        "share": top_share(logits),
        "cosine": mean_cosine(gradients),
        "loss": measures.losses(logits, labels.expand(len(logits), -1)),
        "maps": gradients[:, order],
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


def summarize(pieces: Mapping[str, PartialResult]) -> Result:
    """Return a typical draw's maps, every draw's share, and each seed's typical measures."""
    parts: list[Panel | HeatMaps] = [_shares(pieces)]
    typical = _typical_draw(pieces)
    fields = tuple(
        HeatMap(_ARMS[name][1], piece["maps"][typical])
        for name, piece in pieces.items()
        if typical < len(piece["maps"])
    )
    if fields:
        parts.insert(0, _map(fields))
    measured = [one for name, piece in pieces.items() for one in _measures(name, piece)]
    return Result(tuple(parts), tuple(measured))


def _typical_draw(pieces: Mapping[str, PartialResult]) -> int:
    """Return which draw of the first seed has the plain net's middle cosine; 0 if unknown."""
    known = pieces["none"]["cosine"][0] if "none" in pieces else np.zeros(0)
    known = known[~np.isnan(known)]
    return int(known.argsort()[len(known) // 2]) if known.size else 0


def _map(fields: tuple[HeatMap, ...]) -> HeatMaps:
    return HeatMaps(
        "gradients",
        "Gradient of the loss with respect to the outputs, before training",
        "class",
        "image, sorted by class",
        fields,
        "gradient",
        help="Below zero is the image's own class, above zero what the net believes instead. "
        "One bright column means that every image asks for the same correction.",
    )


def _shares(pieces: Mapping[str, PartialResult]) -> Panel:
    curves = []
    for name, piece in pieces.items():
        shares = np.sort(piece["share"], axis=1)  # NaN, not looked at yet, comes last
        places = np.arange(1, shares.shape[1] + 1)
        curves.append(Curve(_ARMS[name][1], places, shares, arm=name))
    return Panel(
        "shares",
        "Images that get the most predicted class",
        "draw of the weights, sorted",
        "share of the images",
        tuple(curves),
        help="Every draw of initial weights is one untrained net. Some plain nets put all 64 "
        "images into one class, some do not.",
        y_range=(0.0, 1.02),
    )


def _measures(name: str, piece: PartialResult) -> list[Metric]:
    label = _ARMS[name][1]
    seen = _known(piece["share"])
    cosine, faint = _middle(_known(piece["cosine"])), _middle(_known(piece["he_cosine"]))
    alike = np.array([(row >= _ALIKE_SHARE).mean() if row.size else np.nan for row in seen])
    return [
        Metric(f"{name}_share", f"{label}: share of the top class", _middle(seen), ".2f"),
        Metric(f"{name}_alike", f"{label}: draws with a share of 0.8 or more", alike, ".0%"),
        Metric(f"{name}_cosine", f"{label}: mean cosine of two rows", cosine, ".2f"),
        Metric(f"{name}_loss", f"{label}: loss", _middle(_known(piece["loss"]))),
        Metric(f"{name}_he", f"{label}: cosine, He's own scale", faint, ".2f"),
    ]


def _known(values: np.ndarray) -> list[np.ndarray]:
    return [row[~np.isnan(row)] for row in values]


def _middle(rows: list[np.ndarray]) -> np.ndarray:
    return np.array([np.median(row) if row.size else np.nan for row in rows])


def judge(finding: Result) -> Verdict:
    """The claim holds if rows are alike without and apart with batch norm, for every seed."""
    shares, cosines = ([finding[f"{name}_{key}"] for name in _ARMS] for key in ("share", "cosine"))
    words = (
        f"Without batch norm {shares[0].words()} of the images get one class and two rows have a "
        f"cosine of {cosines[0].words()}; with it {shares[1].words()} and {cosines[1].words()}. "
        f"Draws differ: {finding['none_alike'].words()} of the plain nets put 0.8 or more into one "
        f"class. With He's own scale the plain net's cosine is {finding['none_he'].words()}."
    )
    alike = (shares[0].values >= _ALIKE_SHARE) & (cosines[0].values >= _ALIKE_COSINE)
    apart = (shares[1].values <= _APART_SHARE) & (cosines[1].values <= _APART_COSINE)
    if (alike & apart).all():
        return Verdict("holds", words)
    if (cosines[0].values > cosines[1].values).all():
        return Verdict("depends", "The difference is there, but not for every seed. " + words)
    return Verdict("fails", words)


EXPERIMENT = UnconvertedExperiment(SPEC, part, summarize, judge)

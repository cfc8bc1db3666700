"""How much one example's logits vary with its batch-mates (Luo et al. 2019, Teye et al. 2018)."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from bn_core.config import Config
from bn_core.experiments.base import (
    PartialResult,
    Trainer,
    UnconvertedExperiment,
    complete,
    progress,
)
from bn_core.randomness import generator
from bn_core.results import Curve, ExperimentSpec, Metric, Panel, Result, TaskGenerator, Verdict

_SIZES = (4, 8, 16, 32, 64, 128, 256)
_FITTED_FROM = 32
_PROBES = 10
_DRAWS, _QUICK_DRAWS = 40, 15
_SLOPE_RANGE = (-0.6, -0.4)
_PARTS = {"trained": "after training", "fresh": "untrained"}
_ARMS = {"trained": "before", "fresh": ""}

SPEC = ExperimentSpec(
    slug="noise",
    title="The noise that a batch brings",
    claim="Batch norm adds noise to every prediction in training, less the larger the batch.",
    source="Luo et al. 2019 (1809.00846), section 2; Teye, Azizpour & Smith 2018 (1802.06455)",
    claims=(8,),
    question="Batches four times as large: what becomes of the noise in an example's logits?",
    answers=("It stays", "It halves", "It falls to a quarter"),
    method=(
        "Ten validation digits pass through a 3-layer ReLU net in training mode, each 40 times, "
        "among batch-mates drawn anew, with replacement, from the training data. The noise is the "
        "standard deviation of a digit's logits over the draws, for batches of 4 to 256; from 32 "
        "up its slope is fitted on logarithmic axes."
    ),
    formula=r"s(B) = \mathrm{std}_{mates}\, z(x \mid mates) \propto B^{-1/2}",
    paper_found=(
        "Both papers treat the mean and variance of a batch as random estimates whose spread "
        "shrinks with the batch, and read batch norm as a regularizer of that strength."
    ),
    disagreement=(
        "The slope follows from averaging over B examples. In the smallest batches normalized "
        "values are bounded, so their noise grows more slowly. That the noise improves "
        "accuracy is another claim: a small clean data set such as this one cannot settle it."
    ),
    shards=tuple(_PARTS),
    link="depth=3&init=he&batch=16&arms=none-before-layer",
)


def part(name: str, seeds: int, quick: bool) -> TaskGenerator:
    """Train the net or leave it, then measure the noise at every size of batch."""
    config = Config(depth=3, initialization="he", normalization="batch", replicas=seeds)
    draws, trainee = _QUICK_DRAWS if quick else _DRAWS, Trainer(config)
    steps = {"trained": 150 if quick else 400, "fresh": 0}[name]
    total = steps + len(_SIZES) * _PROBES
    for step in range(steps):
        trainee.step()
        yield progress(step, total, f"training, step {step}")
    draw = generator(config.seed, "batches", 15)
    noise = np.full((seeds, len(_SIZES)), np.nan)
    for index, size in enumerate(_SIZES):
        found = []
        for probe in range(_PROBES):
            words = f"{_PARTS[name]}, batches of {size}"
            yield progress(steps + index * _PROBES + probe, total, words, {"noise": noise})
            found.append(spread_of(_logits_among(trainee, probe, size, draws, draw)))
        noise[:, index] = np.mean(found, axis=0)
    return complete({"noise": noise})


@torch.no_grad()
def _logits_among(
    trainee: Trainer, probe: int, size: int, draws: int, draw: torch.Generator
) -> Tensor:
    """Return one validation example's logits, (T, K, C), among T draws of batch-mates."""
    data, example = trainee.dataset.train_inputs, trainee.dataset.validation_inputs[probe]
    logits = []
    with trainee.net.evaluation_mode(statistics="batch"):
        for _ in range(draws):
            mates = data[torch.randint(len(data), (size - 1,), generator=draw)]
            batch = torch.cat([example.unsqueeze(0), mates])
            logits.append(trainee.net(batch.expand(trainee.config.replicas, *batch.shape))[:, 0])
    return torch.stack(logits)


def spread_of(logits: Tensor) -> np.ndarray:
    """Return the deviation over draws, root mean square over classes, (K,), of (T, K, C).

    s^2 = 1/C sum_c 1/(T-1) sum_t (z_tc - mean_t z_tc)^2.
    """
    return logits.double().var(dim=0).mean(dim=1).sqrt().numpy()


def slopes(sizes: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Return d log noise / d log size by least squares, (R,), of noise (R, S), sizes (S,)."""
    x = np.log(sizes) - np.log(sizes).mean()
    return (np.log(noise) * x).sum(axis=1) / (x * x).sum()


def summarize(pieces: Mapping[str, PartialResult]) -> Result:
    """Return the noise over the size of the batch, and the slope of it."""
    curves, measures, sizes = [], [], np.array(_SIZES)
    for name, piece in pieces.items():
        if "noise" not in piece:
            continue
        noise, label = piece["noise"], _PARTS[name]
        curves.append(Curve(label, sizes, noise, arm=_ARMS[name]))
        if name == "trained":
            law = noise[:, -1:] * np.sqrt(sizes[-1] / sizes)
            curves.append(Curve("falls as 1 / sqrt(B)", sizes, law, tone=1))
        if piece.get("complete"):
            fitted = sizes >= _FITTED_FROM
            found = slopes(sizes[fitted], noise[:, fitted])
            measures.append(Metric(name, f"Slope, {label}", found, ".2f"))
            share = noise[:, sizes == 32] / noise[:, sizes == 128]
            words = f"Noise at 32 over noise at 128, {label}"
            measures.append(Metric(f"{name} ratio", words, share[:, 0], ".2f"))
    panel = Panel(
        "noise",
        "Standard deviation of a logit over random batch-mates",
        "examples in a batch",
        "standard deviation",
        tuple(curves),
        help="The digit and the weights never change, only who shares its batch. With running "
        "averages, as after eval(), the noise is exactly zero.",
        x_scale="log",
        y_scale="log",
    )
    return Result((panel,), tuple(measures))


def judge(finding: Result) -> Verdict:
    """The claim holds if the slope is near -1/2 for every seed, trained or not."""
    trained, fresh = finding["trained"], finding["fresh"]
    words = (
        f"The noise falls as the batch size to the power {trained.words()} after training, "
        f"{fresh.words()} before; averaging over a batch predicts -0.5."
    )
    values = np.concatenate([trained.values, fresh.values])
    low, high = _SLOPE_RANGE
    if ((values >= low) & (values <= high)).all():
        return Verdict("holds", words)
    return Verdict("depends" if (values < 0).all() else "fails", words)


EXPERIMENT = UnconvertedExperiment(SPEC, part, summarize, judge)

"""Dropout in front of batch norm: another variance in training than after (Li et al. 2019)."""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

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
from bn_core.experiments.statistics import batch_norms, recomputed
from bn_core.models import Dropout
from bn_core.normalization.batch import BatchNorm
from bn_core.probing import captured_each
from bn_core.randomness import generator
from bn_core.results import Curve, ExperimentSpec, Metric, Panel, Result, TaskGenerator, Verdict

_PARTS = {"light": (0.1, 0.3), "heavy": (0.5, 0.7)}
_SHARES = (0.1, 0.3, 0.5, 0.7)
_HALF = 0.5
_VALUES, _PASSES = 100_000, 12
_DEPTH = 5
_MOST_ERROR = 0.02

SPEC = ExperimentSpec(
    slug="dropout",
    title="Dropout in front of batch norm",
    claim="Dropout makes batch norm keep a variance that is wrong once dropout is off.",
    source="Li, Chen, Hu & Yang 2019 (1801.05134), section 3, variance shift",
    claims=(9,),
    question="Half of a ReLU's values are dropped. How far off is the variance batch norm keeps?",
    answers=("Not at all: dropout rescales", "About 1.5 times", "About 2.5 times"),
    method=(
        "ReLU of standard normal values goes through dropout into batch norm; the running variance "
        "it keeps is divided by the variance without dropout. The same ratio, the median over a "
        "layer's units, is then taken in 5-layer nets after 400 steps on the digits with dropout "
        "behind each layer, and the nets are judged with either variance."
    ),
    formula=r"\frac{\mathrm{Var}_{train}}{\mathrm{Var}_{eval}} = \frac{(c^2+v)/q - c^2}{v},"
    r"\qquad q = 1-p",
    paper_found=(
        "Li et al. derived this ratio, found it in residual nets on CIFAR, and saw accuracy "
        "recover when statistics were recomputed or dropout moved behind the last batch norm."
    ),
    disagreement=(
        "The ratio is arithmetic; what it costs is not. In the net a linear layer stands between "
        "dropout and the next batch norm, and layers add to each other: the ratio grows with "
        "depth and shrinks as training goes on. A 3-layer net trained twice as long loses nothing."
    ),
    shards=tuple(_PARTS),
    link="depth=5&init=he&drop=0.5&steps=400",
)


def part(name: str, seeds: int, quick: bool) -> TaskGenerator:
    """Measure the ratio behind a dropout by itself, then in a trained net, for some shares."""
    steps = 100 if quick else 400
    shares, piece = _PARTS[name], _nothing()
    each = _PASSES + steps
    for index, share in enumerate(shares):
        kept, plain = (BatchNorm(seeds, 1, momentum=None) for _ in range(2))
        dropout = Dropout(share, [generator(seed, "dropout", 16) for seed in range(seeds)])
        for number in range(_PASSES):
            yield progress(index * each + number, len(shares) * each, f"dropping {share:g}", piece)
            values = torch.stack([torch.randn(_VALUES, 1, generator=g) for g in dropout.generators])
            kept(dropout(values.relu()))
            plain(values.relu())
        piece["alone"][share] = _variance(kept)[:, 0] / _variance(plain)[:, 0]
        trainee = Trainer(_config(share, seeds))
        for step in range(steps):
            trainee.step()
            words = f"net with dropout {share:g}, step {step}"
            yield progress(index * each + _PASSES + step, len(shares) * each, words, piece)
        for key, values in _inside(trainee).items():
            piece[key][share] = values
    return complete(piece)


def _nothing() -> PartialResult:
    return {"alone": {}, "layers": {}, "kept": {}, "mended": {}}


def _config(share: float, seeds: int) -> Config:
    return Config(
        depth=_DEPTH, initialization="he", normalization="batch", dropout=share, replicas=seeds
    )


def _inside(trainee: Trainer) -> PartialResult:
    """Return each layer's ratio, (K, L), and accuracy with either variance, (K,) each."""
    kept = trainee.evaluate()[1].numpy()
    with recomputed(trainee):
        dropped = np.stack([_variance(norm) for norm in batch_norms(trainee)], axis=1)
        plain = np.stack([v.numpy() for v in deployed_variances(trainee)], axis=1)
    with _without_dropout(trainee), recomputed(trainee):
        mended = trainee.evaluate()[1].numpy()
    return {"layers": np.median(dropped / plain, axis=2), "kept": kept, "mended": mended}


def _variance(norm: BatchNorm) -> np.ndarray:
    assert norm.running_variance is not None
    return norm.running_variance.numpy()


def expected_ratio(mean: float, variance: float, share: float) -> float:
    """Return Var(x m / q) / Var(x), m ~ Bernoulli(q), q = 1 - share.

    ((c^2 + v) / q - c^2) / v, with mean c and variance v of x. Source: Li et al. 2019, section 3.
    """
    return ((mean**2 + variance) / (1 - share) - mean**2) / variance


def _rectified_normal() -> tuple[float, float]:
    """Return mean and variance of ReLU(N(0, 1))."""
    return 1 / math.sqrt(2 * math.pi), 0.5 - 1 / (2 * math.pi)


@torch.no_grad()
def deployed_variances(trainee: Trainer) -> list[Tensor]:
    """Return the unbiased variance of what enters each batch norm in eval mode, (K, C) each."""
    inputs = trainee.for_each_replica(trainee.dataset.train_inputs)
    captured = captured_each(batch_norms(trainee), lambda values: values.var(1))
    with trainee.net.evaluation_mode(statistics="running"), captured as found:
        trainee.net(inputs)
    return [variance for (variance,) in found]


@contextmanager
def _without_dropout(trainee: Trainer) -> Iterator[None]:
    dropouts = [layer.dropout for layer in trainee.net.hidden]
    for dropout in dropouts:
        dropout.training = False
    try:
        yield
    finally:
        for dropout in dropouts:
            dropout.training = True


def summarize(pieces: Mapping[str, PartialResult]) -> Result:
    """Return the ratio over the share dropped, by layer of the net, and what it costs."""
    found = _nothing()
    for piece in pieces.values():
        for key, values in found.items():
            values.update(piece.get(key, {}))
    panels = (_ratio_panel(found["alone"]), _layer_panel(found["layers"]), _accuracy_panel(found))
    return Result(panels, _measures(found) if _HALF in found["mended"] else ())


def _measures(found: PartialResult) -> tuple[Metric, ...]:
    errors = [np.abs(ratio / _expected(share) - 1) for share, ratio in found["alone"].items()]
    last = found["layers"][_HALF][:, -1]
    return (
        Metric("alone", "Ratio, half dropped", found["alone"][_HALF], ".3f"),
        Metric("error", "Largest error of the formula", np.max(errors, axis=0), ".2%"),
        Metric("net", "Ratio in the net's last layer, half dropped", last, ".2f"),
        Metric("kept", "Accuracy, running averages, half dropped", found["kept"][_HALF], ".2f"),
        Metric("mended", "Accuracy, statistics without dropout", found["mended"][_HALF], ".2f"),
    )


def _expected(share: float) -> float:
    """Return the ratio for ReLU(N(0, 1)), whose mean is 1/sqrt(2 pi)."""
    return expected_ratio(1 / math.sqrt(2 * math.pi), 0.5 - 1 / (2 * math.pi), share)


def _over_shares(label: str, values: Mapping[float, np.ndarray], arm: str) -> Curve:
    shares = sorted(values)
    rows = np.stack([values[share] for share in shares], axis=1) if shares else np.zeros((1, 0))
    return Curve(label, np.array(shares), rows, arm=arm)


def _ratio_panel(alone: Mapping[float, np.ndarray]) -> Panel:
    law = {share: np.array([_expected(share)]) for share in _SHARES}
    curves = (_over_shares("formula", law, ""), _over_shares("measured", alone, "before"))
    return Panel(
        "ratio",
        "Variance kept in training over variance without dropout",
        "share dropped",
        "ratio of variances",
        curves,
        help="At 1 batch norm would normalize after training by what it finds then.",
        marks=((1.0, "no shift"),),
    )


def _layer_panel(layers: Mapping[float, np.ndarray]) -> Panel:
    at = np.arange(1, _DEPTH + 1)
    return Panel(
        "layers",
        "The same ratio in each layer of the trained net",
        "layer",
        "ratio of variances",
        tuple(
            Curve(f"{share:.0%} dropped", at, layers[share], tone=tone)
            for tone, share in enumerate(_SHARES[1:])
            if share in layers
        ),
        help="No dropout stands in front of the first layer: there the ratio is 1.",
        y_scale="log",
        marks=((1.0, "no shift"),),
    )


def _accuracy_panel(found: PartialResult) -> Panel:
    return Panel(
        "accuracy",
        "Accuracy of the nets with either variance",
        "share dropped",
        "validation accuracy",
        (
            _over_shares("running averages", found["kept"], "none"),
            _over_shares("statistics without dropout", found["mended"], "before"),
        ),
        help="The same weights, judged without dropout, as deployed.",
        y_range=(0.0, 1.02),
    )


def judge(finding: Result) -> Verdict:
    """The claim holds if ratios follow the formula and the net's exceeds 1, for every seed."""
    alone, error, net = finding["alone"], finding["error"], finding["net"]
    kept, mended = finding["kept"], finding["mended"]
    words = (
        f"With half dropped the variance kept is {alone.words()} times the later one; the formula "
        f"says {_expected(_HALF):.3f}, and is off by at most {error.words()} over all shares. In "
        f"the net's last layer the ratio is {net.words()}. Accuracy there: {kept.words()} with "
        f"the running averages, {mended.words()} with statistics taken without dropout."
    )
    right = (error.values <= _MOST_ERROR).all() and (alone.values > 1).all()
    if right and (net.values > 1).all():
        return Verdict("holds", words)
    return Verdict("depends" if right else "fails", words)


EXPERIMENT = UnconvertedExperiment(SPEC, part, summarize, judge)

"""Dropout in front of batch norm: another variance in training than after (Li et al. 2019)."""

import math
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from bn_core.config import Config
from bn_core.experiments.base import (
    Experiment,
    PartialResult,
    Shard,
    Trainer,
    make_trainer,
    validation_accuracy,
)
from bn_core.experiments.effects import Control, Effect
from bn_core.experiments.statistics import batch_norms, recomputed
from bn_core.nets.layers import Dropout
from bn_core.normalization import BatchNorm
from bn_core.probing import captured_each
from bn_core.randomness import generator
from bn_core.results import Curve, ExperimentSpec, Metric, Panel, Result, TaskGenerator

Array = np.ndarray
_SHARES = (0.1, 0.3, 0.5, 0.7)
_HALF = 0.5
_VALUES, _PASSES = 100_000, 12
_DEPTH = 5
_MOST_ERROR = 1.02
_LEAST_RATIO = 1.5
_LEARNED = 0.3
_NET = "a trained net"
_CORRECTED = "Accuracy, statistics without dropout, half dropped"

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
        "behind each layer, and the nets are evaluated with either variance."
    ),
    formula=r"\frac{\mathrm{Var}_{train}}{\mathrm{Var}_{eval}} = \frac{(c^2+v)/q - c^2}{v},"
    r"\qquad q = 1-p",
    paper_found=(
        "Li et al. derived this ratio, found it in residual nets on CIFAR, and saw accuracy "
        "recover when statistics were recomputed or dropout moved behind the last batch norm."
    ),
    disagreement=(
        "The ratio of one layer is arithmetic; what it costs a net is not. There a linear layer "
        "stands between dropout and the next batch norm, and layers add to each other: compare the "
        "layers of the net, and the two accuracies."
    ),
    shards=tuple(map(str, _SHARES)),
    link="depth=5&init=he&drop=0.5&steps=400",
)


def shard(name: str, seeds: int, first_seed: int, quick: bool) -> TaskGenerator:
    """Measure the ratio behind one share of dropout, by itself and in a trained net."""
    steps, share = 100 if quick else 400, float(name)
    work = Shard(_PASSES + steps)
    generators = [generator(first_seed + k, "dropout", 16) for k in range(seeds)]
    kept, plain = (BatchNorm(seeds, 1, momentum=None) for _ in range(2))
    for _ in range(_PASSES):
        values = torch.stack([torch.randn(_VALUES, 1, generator=g) for g in generators]).relu()
        kept(Dropout(share, generators)(values))
        plain(values)
        yield work.advance(f"dropping {name} of one layer")
    work.put(alone=_variance(kept)[:, 0] / _variance(plain)[:, 0])
    config = Config(
        depth=_DEPTH,
        initialization="he",
        normalization="batch",
        dropout=share,
        replicas=seeds,
        seed=first_seed,
    )
    trainer = make_trainer(config)
    yield from work.train(trainer, steps, f"net with dropout {name}")
    work.put(**_inside(trainer))
    return work.complete()


def _inside(trainer: Trainer) -> PartialResult:
    """Return each layer's ratio, (K, L), and accuracy with either variance, (K,) each.

    Dropout stays off afterwards.
    """
    kept = validation_accuracy(trainer)
    with recomputed(trainer):
        dropped = np.stack([_variance(norm) for norm in batch_norms(trainer)], axis=1)
        plain = np.stack([v.numpy() for v in deployed_variances(trainer)], axis=1)
    for dropout in (one for one in trainer.net.modules() if isinstance(one, Dropout)):
        dropout.eval()
    with recomputed(trainer):
        corrected = validation_accuracy(trainer)
    return {"layers": np.median(dropped / plain, axis=2), "kept": kept, "corrected": corrected}


def _variance(norm: BatchNorm) -> Array:
    assert norm.running_variance is not None
    return norm.running_variance.numpy()


def expected_ratio(mean: float, variance: float, share: float) -> float:
    """Return Var(x m / q) / Var(x), m ~ Bernoulli(q), q = 1 - share.

    ((c^2 + v) / q - c^2) / v, with mean c and variance v of x. Source: Li et al. 2019, section 3.
    """
    return ((mean**2 + variance) / (1 - share) - mean**2) / variance


def _expected(share: float) -> float:
    """Return the ratio for ReLU(N(0, 1)): mean 1 / sqrt(2 pi), variance 1/2 - 1 / (2 pi)."""
    return expected_ratio(1 / math.sqrt(2 * math.pi), 0.5 - 1 / (2 * math.pi), share)


@torch.no_grad()
def deployed_variances(trainer: Trainer) -> list[Tensor]:
    """Return the unbiased variance of what enters each batch norm in eval mode, (K, C) each."""
    inputs = trainer.for_each_replica(trainer.dataset.train_inputs)
    captured = captured_each(batch_norms(trainer), lambda values: values.var(1))
    with trainer.net.evaluation_mode(statistics="running"), captured as found:
        trainer.net(inputs)
    return [variance for (variance,) in found]


def summarize(partials: Mapping[str, PartialResult]) -> Result:
    """Return the ratio over the share dropped, by layer of the net, and what it costs."""
    found = {share: partials.get(str(share), {}) for share in _SHARES}
    ended = {share: one for share, one in found.items() if one.get("complete")}
    panels = (_ratio_panel(ended), _layer_panel(ended), _accuracy_panel(ended))
    return Result(panels, _metrics(ended) if len(ended) == len(_SHARES) else ())


def _metrics(found: Mapping[float, PartialResult]) -> tuple[Metric, ...]:
    factors = [np.abs(np.log(one["alone"] / _expected(share))) for share, one in found.items()]
    half = found[_HALF]
    return (
        Metric("alone", "Ratio, half dropped", half["alone"], ".3f"),
        Metric("factor", "Largest factor to the formula", np.exp(np.max(factors, axis=0)), ".4f"),
        Metric(
            "first", "Ratio in the net's first layer, half dropped", half["layers"][:, 0], ".3f"
        ),
        Metric("net", "Ratio in the net's last layer, half dropped", half["layers"][:, -1], ".2f"),
        Metric("kept", "Accuracy, running averages, half dropped", half["kept"], ".1%"),
        Metric("corrected", _CORRECTED, half["corrected"], ".1%"),
    )


def _over_shares(label: str, found: Mapping[float, PartialResult], key: str, tone: int) -> Curve:
    rows = np.stack([one[key] for one in found.values()], axis=1) if found else np.zeros((1, 0))
    return Curve(label, np.array(list(found)), rows, tone=tone, kind="points")


def _ratio_panel(found: Mapping[float, PartialResult]) -> Panel:
    x = np.linspace(_SHARES[0], _SHARES[-1], 25)
    law = np.array([[_expected(float(share)) for share in x]])
    return Panel(
        "ratio",
        "Variance kept in training over variance without dropout",
        "share dropped",
        "ratio of variances",
        (Curve("formula", x, law, tone=1), _over_shares("measured", found, "alone", 0)),
        help="At a ratio of 1 the variance kept in training is right in evaluation mode too.",
        marks=((1.0, "no shift"),),
    )


def _layer_panel(found: Mapping[float, PartialResult]) -> Panel:
    at = np.arange(1, _DEPTH + 1)
    return Panel(
        "layers",
        "The same ratio in each layer of the trained net",
        "layer",
        "ratio of variances",
        tuple(
            Curve(f"{share:.0%} dropped", at, one["layers"], tone=_SHARES.index(share))
            for share, one in found.items()
        ),
        help="No dropout stands in front of the first layer: there the ratio is 1.",
        y_scale="log",
        marks=((1.0, "no shift"),),
    )


def _accuracy_panel(found: Mapping[float, PartialResult]) -> Panel:
    return Panel(
        "accuracy",
        "Accuracy of the nets with either variance",
        "share dropped",
        "validation accuracy",
        (
            _over_shares("running averages", found, "kept", 0),
            _over_shares("statistics without dropout", found, "corrected", 1),
        ),
        help="The same weights, evaluated without dropout, as a deployed net predicts.",
        y_range=(0.0, 1.02),
    )


def _remarks(result: Result) -> str:
    return (
        f"Over all shares the formula is met within a factor of {result['factor'].words()}. With "
        f"half dropped the accuracy is {result['kept'].words()} with the running averages and "
        f"{result['corrected'].words()} with statistics taken without dropout."
    )


EXPERIMENT = Experiment(
    SPEC,
    shard,
    summarize,
    effects=(
        Effect(
            "alone",
            "Variance kept over that without dropout, half dropped",
            matters_from=_MOST_ERROR,
            why="The formula is exact; sampling a million values leaves well below one percent.",
            direction="within",
            reference=_expected(_HALF),
            part="a single layer",
            form=".3f",
        ),
        Effect(
            "net",
            "Variance kept over that without dropout in the net's last layer, half dropped",
            matters_from=_LEAST_RATIO,
            why="Normalized values are then a fifth too small.",
            part=_NET,
            form=".2f",
        ),
    ),
    controls=(
        Control("first", "Ratio in the first layer", 0.99, 1.01, part=_NET, form=".3f"),
        Control("corrected", _CORRECTED, _LEARNED, part=_NET, form=".1%"),
    ),
    remarks=_remarks,
)

"""Batch norm in a recurrent net: population statistics of each time step, or one for all."""

from collections.abc import Mapping

import numpy as np
from torch import nn

from bn_core.config import Config
from bn_core.datasets.digits import VALIDATION_DIGITS
from bn_core.experiments.base import (
    Experiment,
    PartialResult,
    Shard,
    Trainer,
    error_ratio,
    make_trainer,
    validation_accuracy,
)
from bn_core.experiments.effects import Control, Effect
from bn_core.nets.recurrent import RecurrentNet
from bn_core.normalization import BatchNorm
from bn_core.results import Curve, ExperimentSpec, Metric, Panel, Result, TaskGenerator

Array = np.ndarray
_GAMMAS = {"small": 0.1, "one": 1.0}
_STEPS, _QUICK, _EVERY = 300, 100, 25
_KINDS = {"steps": "each time step its own", "shared": "one for all time steps"}
_LEAST_RATIO = 1.2
_LEARNED = 0.9

SPEC = ExperimentSpec(
    slug="recurrent",
    title="Each time step has statistics of its own",
    claim="In a recurrent net batch norm needs a running mean and variance for each time step.",
    source="Cooijmans et al. 2016 (1603.09025), section 3",
    claims=(),
    question="A net is trained once. How does it do with one running average for all time steps?",
    answers=("As well as with one for each", "A little worse", "It answers at random"),
    method=(
        "A tanh RNN of 64 units reads the 8 rows of a digit; W x and W h are normalized apart, "
        "Xavier's initial weights, batch 64, rate 0.5, 300 steps. In training every time step is "
        "normalized by its own batch, so both nets of a seed have the same weights, bit for bit; "
        "they differ in the running averages alone: one pair for each time step, or one pair that "
        "every step moves in turn. Once with gamma 0.1 at first, as in the paper, once with 1."
    ),
    formula=r"\frac{e(\text{one for all time steps}) + 1/2}{e(\text{one for each}) + 1/2}",
    paper_found=(
        "Cooijmans et al. estimate statistics for each time step apart, because those of the first "
        "steps differ from those to which they settle; averaging them over time did worse."
    ),
    disagreement=(
        "Where the hidden state's statistics settle within a step or two there is little to lose; "
        "the longer they change, and the more of the sequence that is, the more it costs."
    ),
    shards=tuple(_GAMMAS),
    link="arch=recurrent&init=xavier&lr=0.5&steps=300&gamma0=0.1"
    "&arms=none~before~before;tnorm:shared~layer",
)


def shard(name: str, seeds: int, first_seed: int, quick: bool) -> TaskGenerator:
    """Train with both kinds of running averages from one initial gamma."""
    steps = _QUICK if quick else _STEPS
    work = Shard(2 * steps)
    for kind, words in _KINDS.items():
        config = Config(
            architecture="recurrent",
            normalization="batch",
            time_norm=kind,
            initial_gamma=_GAMMAS[name],
            initialization="xavier",
            learning_rate=0.5,
            replicas=seeds,
            seed=first_seed,
        )
        trainer, told = make_trainer(config), f"gamma {_GAMMAS[name]:g}, {words}"
        how = {"every": _EVERY, "measure": _accuracies, "prefix": f"{kind}_"}
        yield from work.train(trainer, steps, told, **how)
        work.put(**{f"{kind}_variances": _variances(trainer)})
    return work.complete()


def _accuracies(trainer: Trainer) -> dict[str, Array]:
    return {
        "running": validation_accuracy(trainer),
        "batch": validation_accuracy(trainer, "batch"),
    }


def _variances(trainer: Trainer) -> Array:
    """Return the running variance of W h at each time step, (R, T), the mean over the units."""
    net = trainer.net
    assert isinstance(net, RecurrentNet)
    column = net.recurrent.norms[1]
    assert isinstance(column, nn.ModuleList)
    norms = [norm for norm in column if isinstance(norm, BatchNorm)]
    return np.stack([norm.averages[1].mean(dim=1).numpy() for norm in norms], axis=1)


def summarize(partials: Mapping[str, PartialResult]) -> Result:
    """Return the accuracies over the steps, the variances over time, and the errors' ratio."""
    accuracies, variances, metrics = [], [], []
    for at, (name, gamma) in enumerate(_GAMMAS.items()):
        found = partials.get(name, {})
        for tone, (kind, words) in enumerate(_KINDS.items(), start=2 * at):
            label = f"{words}, gamma {gamma:g}"
            if f"{kind}_steps" in found:
                y = found[f"{kind}_running"]
                accuracies.append(Curve(label, found[f"{kind}_steps"], y, tone=tone))
            if f"{kind}_variances" in found:
                y = found[f"{kind}_variances"]
                variances.append(Curve(label, np.arange(1, y.shape[1] + 1.0), y, tone=tone))
        if found.get("complete"):
            metrics += _metrics(name, gamma, found)
    panels = (
        Panel(
            "accuracy", "Validation accuracy with either kind of running averages", "step",
            "validation accuracy", tuple(accuracies), y_range=(0.0, 1.02),
            help="At each step both nets have the same weights; only the mean and variance that "
            "batch norm uses for validation differ.",
        ),
        Panel(
            "variances", "Running variance of W h at the end", "time step",
            "running variance, mean of the units", tuple(variances),
            help="The first hidden state is 0 for every example, so W h has no variance at time "
            "step 1. One average for all time steps is a level line.",
        ),
    )  # fmt: skip
    return Result(panels, tuple(metrics))


def _metrics(name: str, gamma: float, found: PartialResult) -> list[Metric]:
    apart, shared = (found[f"{kind}_running"][:, -1] for kind in _KINDS)
    difference = np.abs(found["steps_batch"][:, -1] - found["shared_batch"][:, -1])
    words = f"gamma {gamma:g}"
    return [
        Metric(
            f"{name}_ratio",
            f"Ratio of the errors, {words}",
            error_ratio(shared, apart, VALIDATION_DIGITS),
            ".2f",
        ),
        Metric(f"{name}_gap", f"Accuracy lost, {words}", apart - shared, ".3f"),
        Metric(f"{name}_apart", f"Accuracy, one for each time step, {words}", apart, ".1%"),
        Metric(f"{name}_weights", f"Difference with batch statistics, {words}", difference, ".3f"),
    ]


EXPERIMENT = Experiment(
    SPEC,
    shard,
    summarize,
    effects=tuple(
        Effect(
            f"{name}_ratio",
            "Errors with one running average for all time steps over those with one for each",
            matters_from=_LEAST_RATIO,
            why="A fifth more errors from the same weights: of 500 digits with 20 errors, four.",
            part=f"gamma {gamma:g}",
            form=".2f",
        )
        for name, gamma in _GAMMAS.items()
    ),
    controls=tuple(
        control
        for name, gamma in _GAMMAS.items()
        for control in (
            Control(
                f"{name}_apart",
                "Accuracy with one running average for each time step",
                at_least=_LEARNED,
                part=f"gamma {gamma:g}",
                form=".1%",
            ),
            Control(
                f"{name}_weights",
                "Difference of both nets' accuracies with batch statistics",
                at_most=0.0,
                part=f"gamma {gamma:g}",
                form=".3f",
            ),
        )
    ),
)

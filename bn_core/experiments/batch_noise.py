"""How much one example's logits vary with its batch-mates (Luo et al. 2019, Teye et al. 2018)."""

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
from bn_core.randomness import generator
from bn_core.results import Curve, ExperimentSpec, Metric, Panel, Result, TaskGenerator

Array = np.ndarray
_SIZES = np.array([4, 8, 16, 32, 64, 128, 256])
_FITTED_FROM = 32
_PROBES = 10
_DRAWS, _QUICK_DRAWS = 40, 15
_LAW, _TOLERANCE = -0.5, 0.1
_LEAST_SIZE = 0.01
_LEARNED = 0.9
_RELATIVE = "Noise at 32 over the deviation of the logits between digits"
_PARTS = {"trained": "the trained net", "fresh": "the untrained net"}
_NETS = {"trained": "after training", "fresh": "untrained"}

SPEC = ExperimentSpec(
    slug="noise",
    title="The noise that a batch brings",
    claim=(
        "Batch norm adds noise to every prediction in training, in proportion to one over the "
        "root of the batch size."
    ),
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
        "shrinks with the batch. Luo et al. read the noise as a regularizer, Teye et al. as "
        "approximate Bayesian inference."
    ),
    disagreement=(
        "The slope follows from averaging over B examples. In the smallest batches normalized "
        "values are bounded, so their noise grows more slowly. That the noise improves "
        "accuracy is another claim: a small clean data set such as this one cannot settle it."
    ),
    shards=tuple(_NETS),
    link="depth=3&init=he&batch=16&arms=none-before-layer",
)


def shard(name: str, seeds: int, first_seed: int, quick: bool) -> TaskGenerator:
    """Train the net or leave it, then measure the noise at every size of batch."""
    config = Config(
        depth=3, initialization="he", normalization="batch", replicas=seeds, seed=first_seed
    )
    trainer, draws = make_trainer(config), _QUICK_DRAWS if quick else _DRAWS
    steps = {"trained": 150 if quick else 400, "fresh": 0}[name]
    work = Shard(steps + len(_SIZES) * _PROBES)
    yield from work.train(trainer, steps, "training")
    work.put(accuracy=validation_accuracy(trainer), spread=_spread_of_digits(trainer))
    generators = [generator(first_seed + k, "batches", 15) for k in range(seeds)]
    noise = np.zeros((seeds, 0))
    for size in _SIZES:
        found = np.zeros(seeds)
        for probe in range(_PROBES):
            mates = _mates(trainer, (draws, int(size) - 1), generators)
            found += spread_of(_logits_among(trainer, probe, mates)) / _PROBES
            yield work.advance(f"{_NETS[name]}, batches of {size}")
        noise = np.column_stack([noise, found])
        work.put(noise=noise)
    return work.complete()


def _mates(trainer: Trainer, shape: tuple[int, int], generators: list[torch.Generator]) -> Tensor:
    """Return which training examples share a batch, (T, K, B - 1), drawn by each replica."""
    size = trainer.dataset.train_size
    return torch.stack([torch.randint(size, shape, generator=draw) for draw in generators], dim=1)


@torch.no_grad()
def _logits_among(trainer: Trainer, probe: int, mates: Tensor) -> Tensor:
    """Return one validation example's logits, (T, K, C), among T draws of batch-mates."""
    example = trainer.dataset.validation_inputs[:, probe : probe + 1]
    replicas = torch.arange(len(example))[:, None]
    with trainer.net.evaluation_mode(statistics="batch"):
        batches = (trainer.dataset.train_inputs[replicas, chosen] for chosen in mates)
        return torch.stack([trainer.net(torch.cat([example, b], dim=1))[:, 0] for b in batches])


@torch.no_grad()
def _spread_of_digits(trainer: Trainer) -> Array:
    """Return the deviation of the logits over the validation digits, as one batch, (K,)."""
    with trainer.net.evaluation_mode(statistics="batch"):
        return spread_of(trainer.net(trainer.dataset.validation_inputs).transpose(0, 1))


def spread_of(logits: Tensor) -> Array:
    """Return the deviation over draws, root mean square over classes, (K,), of (T, K, C).

    s^2 = 1/C sum_c 1/(T-1) sum_t (z_tc - mean_t z_tc)^2.
    """
    return logits.double().var(dim=0).mean(dim=1).sqrt().numpy()


def slopes(sizes: Array, noise: Array) -> Array:
    """Return d log noise / d log size by least squares, (R,), of noise (R, S), sizes (S,)."""
    x = np.log(sizes) - np.log(sizes).mean()
    with np.errstate(divide="ignore", invalid="ignore"):
        return (np.log(noise) * x).sum(axis=1) / (x * x).sum()


def summarize(partials: Mapping[str, PartialResult]) -> Result:
    """Return the noise over the size of the batch, and the slope of it."""
    curves, metrics = [], []
    for name in (name for name in _NETS if "noise" in partials.get(name, {})):
        found, label = partials[name], _NETS[name]
        noise, arm = found["noise"], "before" if name == "trained" else ""
        sizes = _SIZES[: noise.shape[1]]
        curves.append(Curve(label, sizes, noise, arm=arm))
        if name == "trained":
            law = noise[:, -1:] * (sizes[-1] / sizes) ** -_LAW
            curves.append(Curve("falls as 1 / sqrt(B)", sizes, law, tone=1))
        if found.get("complete"):
            metrics += _metrics(name, noise, found)
    panel = Panel(
        "noise",
        "Standard deviation of a logit over random batch-mates",
        "examples in a batch",
        "standard deviation",
        tuple(curves),
        help="The digit and the weights are fixed; only the other examples of its batch change. "
        "With running averages, as after eval(), the noise is exactly zero.",
        x_scale="log",
        y_scale="log",
    )
    return Result((panel,), tuple(metrics))


def _metrics(name: str, noise: Array, found: PartialResult) -> list[Metric]:
    fitted, label = _SIZES >= _FITTED_FROM, _NETS[name]
    at_32, at_128 = (noise[:, size == _SIZES][:, 0] for size in (32, 128))
    return [
        Metric(name, f"Slope, {label}", slopes(_SIZES[fitted], noise[:, fitted]), ".2f"),
        Metric(f"{name}_ratio", f"Noise at 32 over noise at 128, {label}", at_32 / at_128, ".2f"),
        Metric(f"{name}_size", f"{_RELATIVE}, {label}", at_32 / found["spread"], ".1%"),
        Metric(f"{name}_accuracy", f"Accuracy, {label}", found["accuracy"], ".1%"),
    ]


EXPERIMENT = Experiment(
    SPEC,
    shard,
    summarize,
    effects=tuple(
        Effect(
            name,
            "Slope of the noise over the batch size, on logarithmic axes",
            matters_from=_TOLERANCE,
            why="The mean of B values has this slope; with a tenth more or less, batches four "
            "times as large bring 1.7 to 2.3 times less noise.",
            scale="difference",
            direction="within",
            reference=_LAW,
            part=part,
            form=".2f",
            lost="brought no noise or numbers that are not finite",
        )
        for name, part in _PARTS.items()
    ),
    controls=(
        Control("trained_accuracy", "Accuracy", _LEARNED, part=_PARTS["trained"], form=".1%"),
        *(
            Control(f"{name}_size", _RELATIVE, _LEAST_SIZE, part=part, form=".1%")
            for name, part in _PARTS.items()
        ),
    ),
)

"""Batches that are no fair sample of the data (Ioffe 2017)."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from bn_core.config import Config
from bn_core.datasets.dataset import Dataset
from bn_core.experiments.base import (
    Experiment,
    PartialResult,
    Shard,
    Trainer,
    arm_config,
    arm_label,
    is_complete,
    make_trainer,
    validation_accuracy,
)
from bn_core.experiments.effects import Control, Effect
from bn_core.randomness import generator
from bn_core.results import Curve, ExperimentSpec, Metric, Panel, Result, TaskGenerator

Array = np.ndarray
_PAIRS = 5
_EVERY = 20
_LEAST = 0.05
_WHY = "Five points, 25 of the 500 digits: more than twice what nets of equal quality differ by."
_LEARNED = 0.9
_ARMS = ("before", "renorm", "layer")

SPEC = ExperimentSpec(
    slug="noniid",
    title="Batches of two classes only",
    claim=(
        "Where batches are no fair sample, batch norm does worse with its running averages than "
        "in training, and batch renormalization does better."
    ),
    source="Ioffe 2017 (1702.03275), section 4.3",
    claims=(13,),
    question="If each training batch holds two digits only, how well does the net do with eval()?",
    answers=("As well as in training", "A few points worse", "More than ten points worse"),
    method=(
        "A 3-layer ReLU net learns from batches of 32 digits of one pair of classes: 0 and 1, or 2 "
        "and 3, and so on, the pair drawn at random for each step, 800 steps at rate 0.1. It is "
        "then evaluated with batch statistics on validation digits of one pair at a time, as it "
        "was trained, and with running averages on the same digits, as a deployed net predicts."
    ),
    formula=r"gap = acc(\text{pairs, batch statistics}) - acc(\text{running averages})",
    paper_found=(
        "Ioffe drew each batch of 32 as 2 images of each of 16 classes of ImageNet: batch norm "
        "did far worse than with ordinary batches, batch renormalization about as well."
    ),
    disagreement=(
        "Here the pairs stay the same, so the statistics of a batch tell the net which two classes "
        "to expect. Pairs drawn anew for each batch, or batches of one class, are other tests, and "
        "are not run here."
    ),
    shards=_ARMS,
)


class PairBatches:
    """Mini-batches of one pair of classes each: {0, 1}, {2, 3}, ...; K replicas draw apart."""

    def __init__(self, dataset: Dataset, config: Config) -> None:
        self.dataset, self.size = dataset, config.batch_size
        seeds = range(config.seed, config.seed + config.replicas)
        self.generators = [generator(seed, "batches", 7) for seed in seeds]
        pairs = dataset.train_labels // 2
        self.members = [[torch.where(row == n)[0] for n in range(_PAIRS)] for row in pairs]
        self._replicas = torch.arange(config.replicas)[:, None]

    def next(self) -> tuple[Tensor, Tensor]:
        """Return inputs (K, B, D) and labels (K, B), every replica's of one pair."""
        drawn = zip(self.generators, self.members, strict=True)
        chosen = torch.stack([self._chosen(draw, pairs) for draw, pairs in drawn])
        data, at = self.dataset, (self._replicas, chosen)
        return data.train_inputs[at], data.train_labels[at]

    def _chosen(self, draw: torch.Generator, pairs: list[Tensor]) -> Tensor:
        members = pairs[int(torch.randint(_PAIRS, (1,), generator=draw))]
        return members[torch.randint(len(members), (self.size,), generator=draw)]


def shard(name: str, seeds: int, first_seed: int, quick: bool) -> TaskGenerator:
    """Train one arm on pairs, evaluated every twenty steps, batch norm in both ways."""
    steps = 400 if quick else 800
    base = Config(depth=3, initialization="he", batch_size=32, replicas=seeds, seed=first_seed)
    trainer, work = make_trainer(arm_config(name, base)), Shard(steps)
    draw = PairBatches(trainer.dataset, trainer.config).next
    measure = _both_ways if name == "before" else _deployed
    yield from work.train(trainer, steps, arm_label(name), every=_EVERY, measure=measure, draw=draw)
    return work.complete()


def _deployed(trainer: Trainer) -> dict[str, Array]:
    return {"running": validation_accuracy(trainer)}


def _both_ways(trainer: Trainer) -> dict[str, Array]:
    return {"paired": as_trained(trainer)} | _deployed(trainer)


def as_trained(trainer: Trainer) -> Array:
    """Return the accuracy, (K,), on validation data of one pair at a time, batch statistics."""
    data, right = trainer.dataset, np.zeros(trainer.config.replicas)
    for replica, labels in enumerate(data.validation_labels):
        for pair in range(_PAIRS):
            chosen = labels // 2 == pair
            inputs = data.validation_inputs[replica, chosen]
            accuracy = validation_accuracy(trainer, "batch", inputs, labels[chosen])
            right[replica] += accuracy[replica] * int(chosen.sum())
    return right / data.validation_labels.shape[1]


def summarize(partials: Mapping[str, PartialResult]) -> Result:
    """Return accuracy over the steps, and how far the two kinds of statistics are apart."""
    done = [name for name in _ARMS if is_complete(partials, [name])]
    ends = {name: partials[name]["running"][:, -1] for name in done}
    metrics = [
        Metric(name, f"{arm_label(name)}: running averages", end, ".1%")
        for name, end in ends.items()
    ]
    if is_complete(partials, _ARMS):
        paired = partials["before"]["paired"][:, -1]
        gap, gain = paired - ends["before"], ends["renorm"] - ends["before"]
        metrics += [
            Metric("paired", "BN before: statistics of one pair", paired, ".1%"),
            Metric("gap", "BN before: one pair minus running averages", gap, ".3f"),
            Metric("gain", "Batch renorm minus BN before, running averages", gain, ".3f"),
        ]
    return Result((_panel(partials),), tuple(metrics))


def _panel(partials: Mapping[str, PartialResult]) -> Panel:
    curves = []
    for name in (name for name in _ARMS if "steps" in partials.get(name, {})):
        label, found = arm_label(name), partials[name]
        curves.append(Curve(label, found["steps"], found["running"], arm=name))
        if name == "before":
            paired = f"{label}, statistics of one pair"
            curves.append(Curve(paired, found["steps"], found["paired"], tone=0))
    return Panel(
        "accuracy",
        "Trained on pairs of classes, evaluated with running averages",
        "step",
        "validation accuracy",
        tuple(curves),
        help="Evaluated with running averages, except for the one curve that uses the statistics "
        "of batches of one pair. Layer norm has no running averages.",
        y_range=(0.0, 1.02),
    )


EXPERIMENT = Experiment(
    SPEC,
    shard,
    summarize,
    effects=tuple(
        Effect(key, label, matters_from=_LEAST, why=_WHY, scale="difference", part=part, form=".3f")
        for key, label, part in (
            ("gap", "Batch statistics minus running averages", "the gap of batch norm"),
            ("gain", "Batch renorm minus batch norm", "the gain by renormalization"),
        )
    ),
    controls=(
        Control("paired", "Accuracy with statistics of one pair", _LEARNED, form=".1%"),
        Control("layer", "Accuracy of layer norm", _LEARNED, form=".1%"),
    ),
)

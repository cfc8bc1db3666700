"""Batches that are no fair sample of the data (Ioffe 2017)."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from bn_core.config import Config
from bn_core.datasets.dataset import Dataset
from bn_core.experiments.base import (
    PartialResult,
    Trainer,
    UnconvertedExperiment,
    complete,
    progress,
)
from bn_core.randomness import generator
from bn_core.results import Curve, ExperimentSpec, Metric, Panel, Result, TaskGenerator, Verdict

_PAIRS = 5
_EVERY = 20
_LEAST_GAP = 0.1
_LEAST_GAIN = 0.08
_ARMS = {"before": "Batch norm", "renorm": "Batch renormalization", "layer": "Layer norm"}
_NORMALIZATIONS = {"before": "batch", "renorm": "renorm", "layer": "layer"}

SPEC = ExperimentSpec(
    slug="noniid",
    title="Batches of two classes only",
    claim=(
        "Where batches are no fair sample, batch norm does worse deployed than in training, and "
        "batch renormalization mends it."
    ),
    source="Ioffe 2017 (1702.03275), section 4.3",
    claims=(13,),
    question="How well does a net do with eval() if each training batch held two digits only?",
    answers=("As well as in training", "A few points worse", "More than ten points worse"),
    method=(
        "A 3-layer ReLU net learns from batches of 32 digits of one pair of classes: 0 and 1, or 2 "
        "and 3, and so on, the pair drawn at random for each step, 800 steps at rate 0.1. It is "
        "then judged with batch statistics on validation digits of one pair at a time, as it "
        "trained, and with running averages on the same digits, as it would be deployed."
    ),
    formula=r"gap = acc(\text{pairs, batch statistics}) - acc(\text{running averages})",
    paper_found=(
        "Ioffe drew each batch of 32 as 2 images of each of 16 classes of ImageNet: batch norm "
        "did far worse than with ordinary batches, batch renormalization about as well."
    ),
    disagreement=(
        "The pairs have to stay the same: then the pair tells the net which classes to expect. "
        "Pairs drawn anew each time harm little, and batches of one class defeat "
        "renormalization too."
    ),
    shards=tuple(_ARMS),
)


class PairBatches:
    """Mini-batches of one pair of classes each: {0, 1}, {2, 3}, ...; K replicas draw apart."""

    def __init__(self, dataset: Dataset, config: Config) -> None:
        self.dataset, self.size = dataset, config.batch_size
        seeds = range(config.seed, config.seed + config.replicas)
        self.generators = [generator(seed, "batches", 7) for seed in seeds]
        self.members = [torch.where(dataset.train_labels // 2 == pair)[0] for pair in range(_PAIRS)]

    def next(self) -> tuple[Tensor, Tensor]:
        """Return inputs (K, B, D) and labels (K, B), every replica's of one pair."""
        chosen = torch.stack([self._chosen(draw) for draw in self.generators])
        return self.dataset.train_inputs[chosen], self.dataset.train_labels[chosen]

    def _chosen(self, draw: torch.Generator) -> Tensor:
        members = self.members[int(torch.randint(_PAIRS, (1,), generator=draw))]
        return members[torch.randint(len(members), (self.size,), generator=draw)]


def part(name: str, seeds: int, quick: bool) -> TaskGenerator:
    """Train one arm on pairs, judged both ways every twenty steps."""
    config = Config(
        depth=3,
        initialization="he",
        normalization=_NORMALIZATIONS[name],
        batch_size=32,
        replicas=seeds,
        steps=400 if quick else 800,
    )
    trainee = Trainer(config)
    batches = PairBatches(trainee.dataset, config)
    at, deployed, paired = [], [], []
    piece: PartialResult = {}
    for step in range(1, config.steps + 1):
        trainee.step(batches.next())
        if step % _EVERY == 0:
            at.append(step)
            deployed.append(trainee.evaluate()[1].numpy())
            paired.append(as_trained(trainee))
            piece = {
                "steps": np.array(at),
                "deployed": np.array(deployed).T,
                "paired": np.array(paired).T,
            }
        yield progress(step, config.steps, f"{_ARMS[name]}, step {step}", piece)
    return complete(piece)


def as_trained(trainee: Trainer) -> np.ndarray:
    """Return the accuracy, (K,), on validation data of one pair at a time, batch statistics."""
    labels = trainee.dataset.validation_labels
    right = np.zeros(trainee.config.replicas)
    for pair in range(_PAIRS):
        chosen = labels // 2 == pair
        inputs = trainee.dataset.validation_inputs[chosen]
        found = trainee.evaluate("batch", inputs, labels[chosen])[1].numpy()
        right += found * int(chosen.sum())
    return right / len(labels)


def summarize(pieces: Mapping[str, PartialResult]) -> Result:
    """Return accuracy over the steps, and how far training and deployment are apart."""
    measures, ends = [], {}
    for name, piece in pieces.items():
        if piece.get("complete"):
            ends[name] = last = piece["deployed"][:, -1]
            measures.append(Metric(name, f"{_ARMS[name]}, running averages", last, ".2f"))
    if "before" in ends:
        gap = pieces["before"]["paired"][:, -1] - ends["before"]
        measures.append(Metric("gap", "Batch norm: as trained, minus deployed", gap, ".2f"))
    if "before" in ends and "renorm" in ends:
        gain = ends["renorm"] - ends["before"]
        measures.append(Metric("gain", "Renormalization minus batch norm", gain, ".2f"))
    return Result((_panel(pieces),), tuple(measures))


def _panel(pieces: Mapping[str, PartialResult]) -> Panel:
    curves = []
    for name, piece in pieces.items():
        if "steps" not in piece:
            continue
        label = _ARMS[name]
        curves.append(Curve(label, piece["steps"], piece["deployed"], arm=name))
        if name == "before":
            as_before = f"{label}, judged as it trained"
            curves.append(Curve(as_before, piece["steps"], piece["paired"], tone=0))
    return Panel(
        "accuracy",
        "Trained on pairs of classes, judged as deployed",
        "step",
        "validation accuracy",
        tuple(curves),
        help="Judged with running averages, but for the one curve that keeps the statistics of "
        "batches of one pair.",
        y_range=(0.0, 1.02),
    )


def judge(finding: Result) -> Verdict:
    """The claim holds if every seed has the gap, and a clear gain by renormalization."""
    gap, gain = finding["gap"], finding["gain"]
    words = (
        f"Deployed, batch norm is right on {finding['before'].words()}, which is {gap.words()} "
        f"below training; batch renormalization on {finding['renorm'].words()}, layer norm on "
        f"{finding['layer'].words()}."
    )
    if (gap.values >= _LEAST_GAP).all() and (gain.values >= _LEAST_GAIN).all():
        return Verdict("holds", words)
    if (gap.values >= _LEAST_GAP).all():
        return Verdict("depends", "The gap is there, renormalization mends little. " + words)
    return Verdict("fails", words)


EXPERIMENT = UnconvertedExperiment(SPEC, part, summarize, judge)

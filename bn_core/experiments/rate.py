"""The largest learning rate that still trains, with and without batch norm (Bjorck et al. 2018)."""

import math
from collections.abc import Mapping

import numpy as np

from bn_core.config import Config
from bn_core.experiments.base import Experiment, PartialResult, Trainer, progress, whole
from bn_core.results import Curve, ExperimentSpec, Metric, Panel, Result, TaskGenerator, Verdict

_RATES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
_LEAST_RATIO = 10.0
_LAST = 20
_SHARE = 0.9
_ARMS = {"none": ("none", "No norm"), "before": ("batch", "BN before")}

ABOUT = ExperimentSpec(
    slug="rate",
    title="The largest learning rate",
    claim="Batch norm allows much larger learning rates.",
    source="Ioffe & Szegedy 2015 (1502.03167), section 3.3; Bjorck et al. 2018 (1806.02375)",
    claims=(4, 2, 7),
    question="How many times larger may the rate be with batch norm?",
    answers=("The same", "2 to 5 times", "10 times or more"),
    method=(
        "A 10-layer ReLU net with He's initial weights learns the digits by plain SGD at nine "
        "learning rates. A rate counts as stable for a seed if the training loss, averaged over "
        "the last 20 steps, is below nine tenths of where it began and of ln 10, the loss of a "
        "net that only guesses: a net that died quietly does not count."
    ),
    formula=r"\eta_{max} = \max\{\eta : \overline{L}_{last\,20}(\eta) < 0.9\,\min(L_0, \ln 10)\}",
    paper_found=(
        "Bjorck et al. could raise the rate from 0.0001 to 0.003 and more on CIFAR-10 once batch "
        "norm was in, and found that the larger rate is what brought the gain in accuracy."
    ),
    disagreement=(
        "At a small rate such as 0.003 plain nets learn faster here: batch norm pays because the "
        "rate can be raised, not at every rate."
    ),
    parts=("none", "before"),
    link="depth=10&init=he&lr=1&steps=400",
)


def _config(part: str, seeds: int, quick: bool) -> Config:
    normalization, _ = _ARMS[part]
    return Config(
        depth=10,
        initialization="he",
        normalization=normalization,
        replicas=seeds,
        steps=100 if quick else 400,
    )


def part(name: str, seeds: int, quick: bool) -> TaskGenerator:
    """Train one arm at every rate."""
    stable = np.full((seeds, len(_RATES)), np.nan)
    accuracy = np.full((seeds, len(_RATES)), np.nan)
    base = _config(name, seeds, quick)
    total = len(_RATES) * base.steps
    for index, rate in enumerate(_RATES):
        trainee = Trainer(base.changed({"learning_rate": rate}))
        losses = []
        for step in range(base.steps):
            losses.append(trainee.step().numpy())
            if step % 10 == 0:
                words = f"{_ARMS[name][1]} at rate {rate:g}, step {step}"
                yield progress(
                    index * base.steps + step, total, words, {"accuracy": accuracy.copy()}
                )
            if not np.isfinite(losses[-1]).any():
                break
        mean = np.mean(losses[-_LAST:], axis=0)
        limit = _SHARE * np.minimum(losses[0], math.log(len(trainee.dataset.classes)))
        stable[:, index] = np.isfinite(mean) & (mean < limit)
        right = trainee.evaluate()[1].numpy()
        accuracy[:, index] = np.where(np.isfinite(mean), right, np.nan)
    return whole({"accuracy": accuracy, "stable": stable})


def conclude(pieces: Mapping[str, PartialResult]) -> Result:
    """Return accuracy over rate, and the largest stable rate of each arm."""
    curves, measures, largest = [], [], {}
    for name, piece in pieces.items():
        label = _ARMS[name][1]
        curves.append(Curve(label, np.array(_RATES), piece["accuracy"], arm=name))
        if "stable" in piece:
            largest[name] = _largest(piece["stable"])
            measures.append(Metric(name, f"Largest stable rate, {label}", largest[name], "g"))
    if len(largest) == 2:
        ratio = largest["before"] / largest["none"]
        measures.append(Metric("ratio", "Ratio of the two", ratio, ".0f"))
    panel = Panel(
        "accuracy",
        "Accuracy by learning rate",
        "learning rate",
        "validation accuracy",
        tuple(curves),
        help="Each point is a net trained from the same start at another rate. A gap means that "
        "the loss was no longer finite.",
        x_scale="log",
        y_range=(0.0, 1.02),
    )
    return Result((panel,), tuple(measures))


def _largest(stable: np.ndarray) -> np.ndarray:
    rates = np.where(stable == 1, np.array(_RATES), np.nan)
    return np.array([row[np.isfinite(row)].max(initial=0.0) or np.nan for row in rates])


def judge(finding: Result) -> Verdict:
    """The claim holds if the ratio is at least ten for every seed."""
    ratio = finding["ratio"]
    if (ratio.values >= _LEAST_RATIO).all():
        return Verdict("holds", f"The largest stable rate is {ratio.words()} times larger.")
    if (ratio.values > 1).all():
        words = f"Larger, but not tenfold for every seed: {ratio.words()} times."
        return Verdict("depends", words)
    return Verdict("fails", f"The largest stable rate is {ratio.words()} times that without.")


EXPERIMENT = Experiment(ABOUT, part, conclude, judge)

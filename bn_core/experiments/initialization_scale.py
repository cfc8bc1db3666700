"""How badly the initial weights may be scaled, with and without normalization."""

from collections.abc import Mapping

import numpy as np

from bn_core.config import Config
from bn_core.experiments.base import (
    PartialResult,
    Trainer,
    UnconvertedExperiment,
    complete,
    progress,
)
from bn_core.results import Curve, ExperimentSpec, Metric, Panel, Result, TaskGenerator, Verdict

_SCALES = (0.01, 0.03, 0.1, 0.3, 1.0, 2.0, 5.0, 20.0)
_QUICK_SCALES = (0.01, 0.1, 2.0, 20.0)
_SMALL, _LARGE = 0.1, 2.0
_LEARNED, _CHANCE = 0.8, 0.2
_ARMS = {
    "none": ("none", "No norm"),
    "before": ("batch", "BN before"),
    "layer": ("layer", "Layer norm"),
}

SPEC = ExperimentSpec(
    slug="init",
    title="The scale of the initial weights",
    claim="Batch norm makes a net much less sensitive to how its weights begin.",
    source="Ioffe & Szegedy 2015 (1502.03167), section 3.3",
    claims=(6, 11),
    question="He's weights are divided by 100, or multiplied by 20. Which nets still learn?",
    answers=("Both kinds", "Only the net with batch norm", "Neither"),
    method=(
        "A 5-layer ReLU net learns the digits for 400 steps of plain SGD at rate 0.1. Every "
        "weight is He's times a factor c, from 0.01 to 20; for each c the net starts from the "
        "same draw. A seed has failed if its loss is no longer finite."
    ),
    formula=r"W_0 = c\,W_{He}, \qquad BN(c\,W x) = BN(W x)",
    paper_found=(
        "Ioffe & Szegedy show that a layer with batch norm does not notice the scale of its "
        "weights, and that larger weights get smaller gradients. They print no measured curve "
        "over the scale."
    ),
    disagreement=(
        "The output layer has no batch norm behind it, and epsilon counts once the variance of a "
        "layer is as small as 0.00001: so accuracy with batch norm is not quite level in c."
    ),
    shards=tuple(_ARMS),
    link="depth=5&init=he&gain=0.1&steps=400&arms=none-before-layer",
)


def part(name: str, seeds: int, quick: bool) -> TaskGenerator:
    """Train one arm from every scale."""
    normalization, label = _ARMS[name]
    scales = np.array(_QUICK_SCALES if quick else _SCALES)
    steps = 300 if quick else 400
    accuracy = np.full((seeds, len(scales)), np.nan)
    finite = np.full((seeds, len(scales)), np.nan)
    for index, scale in enumerate(scales):
        config = Config(
            depth=5,
            initialization="he",
            gain=float(scale),
            normalization=normalization,
            replicas=seeds,
        )
        trainee = Trainer(config)
        for step in range(steps):
            losses = trainee.step().numpy()
            if step % 10 == 0:
                words = f"{label}, He x {scale:g}, step {step}"
                piece = {"scales": scales, "accuracy": accuracy.copy(), "finite": finite.copy()}
                yield progress(index * steps + step, len(scales) * steps, words, piece)
            if not np.isfinite(losses).any():
                break
        loss, right = (found.numpy() for found in trainee.evaluate())
        finite[:, index] = np.isfinite(losses) & np.isfinite(loss)
        accuracy[:, index] = np.where(finite[:, index] == 1, right, np.nan)
    return complete({"scales": scales, "accuracy": accuracy, "finite": finite})


def summarize(pieces: Mapping[str, PartialResult]) -> Result:
    """Return accuracy over the scale, and what each arm does at the ends."""
    curves = [
        Curve(_ARMS[name][1], piece["scales"], piece["accuracy"], arm=name)
        for name, piece in pieces.items()
    ]
    measures = [one for name, piece in pieces.items() for one in _measures(name, piece)]
    panel = Panel(
        "accuracy",
        "Accuracy by the scale of the initial weights",
        "initial weights, times He's",
        "validation accuracy",
        tuple(curves),
        help="Every point is a net trained from the same draw at another scale. A gap means that "
        "the loss was no longer finite.",
        x_scale="log",
        y_range=(0.0, 1.02),
        marks=((0.1, "guessing"),),
    )
    return Result((panel,), tuple(measures))


def _measures(name: str, piece: PartialResult) -> list[Metric]:
    label = _ARMS[name][1]
    small, large = piece["scales"] <= _SMALL, piece["scales"] >= _LARGE
    found = np.where(piece["finite"] == 0, 0.0, piece["accuracy"])  # a NaN: not trained yet
    best = found[:, small].max(axis=1)
    broken = np.where(np.isnan(piece["finite"]), np.nan, 1 - piece["finite"])[:, large]
    return [
        Metric(f"{name}_worst", f"{label}: lowest accuracy, any scale", found.min(axis=1), ".2f"),
        Metric(f"{name}_small", f"{label}: best accuracy, scale 0.1 or less", best, ".2f"),
        Metric(f"{name}_broken", f"{label}: share broken, scale 2 or more", broken.mean(1), ".0%"),
    ]


def judge(finding: Result) -> Verdict:
    """The claim holds if batch norm learns at every scale, and the plain net at neither end."""
    worst, small = finding["before_worst"], finding["none_small"]
    broken = finding["none_broken"]
    words = (
        f"From He x {_SCALES[0]:g} to x {_SCALES[-1]:g} batch norm's lowest accuracy is "
        f"{worst.words()}. Without it: {small.words()} at 0.1 or less, and at 2 or more the loss "
        f"breaks in {broken.words()} of the runs."
    )
    batch_norm_learns = bool((worst.values >= _LEARNED).all())
    plain_fails = (small.values <= _CHANCE).all() and (broken.values == 1).all()
    if batch_norm_learns and plain_fails:
        return Verdict("holds", words)
    if (worst.values > finding["none_worst"].values).all():
        return Verdict("depends", "Less sensitive, but not by the whole range. " + words)
    return Verdict("fails", words)


EXPERIMENT = UnconvertedExperiment(SPEC, part, summarize, judge)

"""Batch norm before or after the activation, for three activations and three rates."""

from collections.abc import Mapping

import numpy as np

from bn_core.config import Config
from bn_core.experiments.base import (
    Experiment,
    PartialResult,
    Trainer,
    progress,
    steps_to_reach,
    whole,
)
from bn_core.experiments.summaries import by_seed
from bn_core.results import Curve, ExperimentSpec, Metric, Panel, Result, TaskGenerator, Verdict

_ACTIVATIONS = {
    "relu": ("ReLU", "he"),
    "tanh": ("tanh", "xavier"),
    "sigmoid": ("sigmoid", "xavier"),
}
_RATES = (0.05, 0.1, 0.3)
_SHOWN = 0.1
"""The rate of the curves and of the numbers in the verdict."""
_EVERY = 5
_LEVEL = 0.9
_ARMS = {
    "none": ("none", "before", "No norm"),
    "before": ("batch", "before", "BN before"),
    "after": ("batch", "after", "BN after"),
}
_CASES = tuple((activation, rate) for activation in _ACTIVATIONS for rate in _RATES)
Array = np.ndarray

ABOUT = ExperimentSpec(
    slug="placement",
    title="Before or after the activation",
    claim=(
        "Batch norm belongs before the activation, but behind it for S-shaped functions such as "
        "tanh and the logistic function."
    ),
    source=(
        "Ioffe & Szegedy 2015 (1502.03167), section 3.2, for before; doubted by Mishkin's "
        "caffenet-benchmark (Mishkin et al. 2016, 1606.02228); advice by activation is of textbooks"
    ),
    claims=(12,),
    question="Which net reaches 90 % sooner?",
    answers=("Before, for all three", "After, for all three", "It differs, and by little"),
    method=(
        "Nets of 4 hidden layers with ReLU, tanh or sigmoid (He's initial weights for ReLU, "
        "Xavier's for the others) learn the digits for 200 steps at three rates, with batch norm "
        "before the activation, after it and without. Counted are the steps to 90 % validation "
        "accuracy, looked at every five steps, and the accuracy in the end."
    ),
    formula=r"T_{90} = \min\{t : acc_{validation}(t) \ge 0.9\}",
    paper_found=(
        "The first paper put the norm before the activation. On CaffeNet and ImageNet Mishkin "
        "measured an accuracy of 0.471 without, 0.474 before and 0.499 after the ReLU."
    ),
    disagreement=(
        "Contested: how far apart the two places are changes with the activation, the rate, the "
        "initial weights and the seed, so this run settles nothing for other nets. Before the "
        "activation gamma and beta say which part of it is used; after it, its output is centred "
        "for the next layer."
    ),
    parts=tuple(_ARMS),
    link="depth=4&act=sigmoid&init=xavier&lr=0.1&steps=200&arms=none-before-after",
)


def part(name: str, seeds: int, quick: bool) -> TaskGenerator:
    """Train one placement with every activation at every rate."""
    piece: PartialResult = {}
    steps = 60 if quick else 200
    for index, (activation, rate) in enumerate(_CASES):
        trainee = Trainer(_config(name, activation, rate, seeds))
        rows: list[Array] = []
        for step in range(1, steps + 1):
            trainee.step()
            if step % _EVERY == 0:
                rows.append(trainee.evaluate()[1].numpy())
                piece = piece | {_key(activation, rate): by_seed(rows, seeds)}
            words = f"{_ARMS[name][2]}, {_ACTIVATIONS[activation][0]}, rate {rate:g}, step {step}"
            yield progress(index * steps + step, len(_CASES) * steps, words, piece)
    return whole(piece)


def _config(name: str, activation: str, rate: float, seeds: int) -> Config:
    normalization, placement, _ = _ARMS[name]
    return Config(
        depth=4,
        activation=activation,
        initialization=_ACTIVATIONS[activation][1],
        normalization=normalization,
        placement=placement,
        learning_rate=rate,
        replicas=seeds,
    )


def _key(activation: str, rate: float) -> str:
    return f"{activation}_{rate:g}"


def _steps(accuracy: Array) -> Array:
    return _EVERY * np.arange(1, accuracy.shape[1] + 1)


def conclude(pieces: Mapping[str, PartialResult]) -> Result:
    """Return the accuracy of each placement, the steps to 90 % and where they end."""
    panels = [_curves(pieces, activation) for activation in _ACTIVATIONS]
    done = {name: piece for name, piece in pieces.items() if piece.get("whole")}
    needed = {name: _table(piece, needed=True) for name, piece in done.items()}
    final = {name: _table(piece, needed=False) for name, piece in done.items()}
    panels += [
        _comparison("needed", "Steps to 90 %", "steps", needed),
        _comparison("final", "Accuracy in the end", "validation accuracy", final),
    ]
    found = []
    for activation, (label, _) in _ACTIVATIONS.items():
        at = _CASES.index((activation, _SHOWN))
        for name in done:
            words = f"{label}, {_ARMS[name][2]}"
            key = f"{activation}_{name}"
            found += [
                Metric(f"steps_{key}", f"Steps to 90 %, {words}", needed[name][:, at], ".0f"),
                Metric(f"final_{key}", f"Accuracy, {words}", final[name][:, at], ".3f"),
            ]
    return Result(tuple(panels), tuple(found))


def _table(piece: PartialResult, *, needed: bool) -> Array:
    """Return steps to 90 %, or the last accuracy, of each case, (R, cases)."""
    all_of = [piece[_key(*case)] for case in _CASES]
    if needed:
        return np.stack([steps_to_reach(_LEVEL, _steps(one), one) for one in all_of], axis=1)
    return np.stack([one[:, -1] for one in all_of], axis=1)


def _curves(pieces: Mapping[str, PartialResult], activation: str) -> Panel:
    key, label = _key(activation, _SHOWN), _ACTIVATIONS[activation][0]
    curves = [
        Curve(_ARMS[name][2], _steps(piece[key]), piece[key], arm=name)
        for name, piece in pieces.items()
        if key in piece
    ]
    return Panel(
        activation,
        f"{label}, rate {_SHOWN:g}",
        "step",
        "validation accuracy",
        tuple(curves),
        help="The three nets start from the same weights and see the same batches.",
        y_range=(0.0, 1.02),
    )


def _comparison(id: str, title: str, y_label: str, tables: Mapping[str, Array]) -> Panel:
    x = np.arange(len(_CASES), dtype=float)
    shift = dict(zip(_ARMS, (-0.15, 0.0, 0.15), strict=True))
    curves = [
        Curve(_ARMS[name][2], x + shift[name], table, arm=name, kind="points")
        for name, table in tables.items()
    ]
    return Panel(
        id,
        title,
        "activation and rate",
        y_label,
        tuple(curves),
        help="Points are medians over the seeds, bars the range. A net that did not come to 90 % "
        "has no point there.",
        categories=tuple(f"{_ACTIVATIONS[a][0]} {rate:g}" for a, rate in _CASES),
    )


def judge(finding: Result) -> Verdict:
    """It depends, whatever was measured: one net on one data set settles no such question."""
    said = []
    for activation, (label, _) in _ACTIVATIONS.items():
        before, after, final_before, final_after = (
            finding[f"{kind}_{activation}_{place}"]
            for kind in ("steps", "final")
            for place in ("before", "after")
        )
        said.append(
            f"{label} {before.words()} before and {after.words()} after (in the end "
            f"{final_before.median:.3f} and {final_after.median:.3f})"
        )
    return Verdict("depends", f"Contested. Steps to 90 % at rate {_SHOWN:g}: {'; '.join(said)}.")


EXPERIMENT = Experiment(ABOUT, part, conclude, judge)

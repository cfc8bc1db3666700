"""The first paper's Figure 1: a sigmoid net's accuracy, and what enters one of its sigmoids."""

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
    steps_to_reach,
)
from bn_core.probes import capture_activations
from bn_core.results import Curve, ExperimentSpec, Metric, Panel, Result, TaskGenerator, Verdict

_ARMS = {"none": ("none", "No norm"), "before": ("batch", "BN before")}
_EVERY = 10
_PROBE = 300
_LEVEL = 0.9
_LEAST_STEPS_RATIO, _LEAST_DRIFT_RATIO = 10.0, 4.0
_PERCENTILES = (0.15, 0.5, 0.85)

SPEC = ExperimentSpec(
    slug="figure1",
    title="Figure 1 of the first paper",
    claim="Batch norm steadies what enters a sigmoid, and the net learns in far fewer steps.",
    source="Ioffe & Szegedy 2015 (1502.03167), section 4.1 and Figure 1",
    claims=(1, 5),
    question="How many times fewer steps to 90 % accuracy does the net with batch norm need?",
    answers=("As many", "2 to 5 times fewer", "10 times fewer, or better"),
    method=(
        "Three layers of 100 sigmoids, weights from N(0, 0.1), batches of 60, plain SGD at rate "
        "0.1, as in the paper, on the digits. Every ten steps a fixed probe of 300 training "
        "images passes through; for each sigmoid of the last hidden layer we keep the 15th, 50th "
        "and 85th percentile of its input. Drift is how far the median has travelled over the "
        "whole training, divided by the average distance of the 15th from the 85th percentile, "
        "averaged over the 100 sigmoids."
    ),
    formula=r"drift = \frac{\max_t q_{50}(t) - \min_t q_{50}(t)}"
    r"{\mathrm{mean}_t\,(q_{85}(t) - q_{15}(t))}",
    paper_found=(
        "On MNIST, over 50,000 steps, the net with batch norm trained faster and ended with the "
        "higher test accuracy; its percentiles stayed level while those of the other net moved "
        "in mean and in spread."
    ),
    disagreement=(
        "Steady inputs and fast learning appear together here; that one causes the other is "
        "contested (Santurkar et al. 2018). Much of the plain net's delay is its start: weights "
        "of N(0, 0.1) leave its sigmoids almost constant."
    ),
    shards=tuple(_ARMS),
    link="depth=3&width=100&act=sigmoid&init=normal&std=0.1&batch=60&steps=2000",
)


def part(name: str, seeds: int, quick: bool) -> TaskGenerator:
    """Train one arm, with its percentiles and accuracy every ten steps."""
    normalization, label = _ARMS[name]
    config = Config(
        depth=3,
        width=100,
        activation="sigmoid",
        initialization="normal",
        normalization=normalization,
        batch_size=60,
        replicas=seeds,
        steps=500 if quick else 2000,
    )
    trainee = Trainer(config)
    probe = trainee.dataset.train_inputs[:_PROBE].expand(seeds, _PROBE, -1)
    seen, right = [percentiles(trainee, probe)], [trainee.evaluate()[1].numpy()]
    piece = _piece(seen, right)
    for step in range(1, config.steps + 1):
        trainee.step()
        if step % _EVERY == 0:
            seen.append(percentiles(trainee, probe))
            right.append(trainee.evaluate()[1].numpy())
        if step % (10 * _EVERY) == 0:
            piece = _piece(seen, right)
        if step % (_EVERY // 2) == 0:
            yield progress(step, config.steps, f"{label}, step {step}", piece)
    return complete(_piece(seen, right))


def _piece(seen: list[np.ndarray], right: list[np.ndarray]) -> PartialResult:
    steps = _EVERY * np.arange(len(seen))
    return {"steps": steps, "percentiles": np.array(seen), "accuracy": np.array(right).T}


@torch.no_grad()
def percentiles(trainee: Trainer, probe: Tensor) -> np.ndarray:
    """Return percentiles of each last hidden unit's input over a probe, (3, K, C).

    The probe (K, N, D) is normalized by its own statistics; the net is left as it was.
    Source: Ioffe & Szegedy 2015, Figure 1(b, c).
    """
    with trainee.net.evaluation_mode(statistics="batch"), capture_activations(trainee.net) as heard:
        trainee.net(probe)
    return np.quantile(heard["pre_activation"][-1].numpy(), _PERCENTILES, axis=1)


def spread(seen: np.ndarray) -> np.ndarray:
    """Return q85 - q15 of each unit, (T, K, C), of percentiles (T, 3, K, C)."""
    return seen[:, 2] - seen[:, 0]


def drift(seen: np.ndarray) -> np.ndarray:
    """Return how far each seed's medians travel, in units of the mean spread, (K,).

    mean over units of (max_t q50 - min_t q50) / mean_t (q85 - q15); ``seen`` is (T, 3, K, C).
    """
    return (np.ptp(seen[:, 1], axis=0) / spread(seen).mean(axis=0)).mean(axis=1)


def summarize(pieces: Mapping[str, PartialResult]) -> Result:
    """Return accuracy and one sigmoid's percentiles over the steps, and how the arms compare."""
    accuracy = tuple(
        Curve(_ARMS[name][1], piece["steps"], piece["accuracy"], arm=name)
        for name, piece in pieces.items()
    )
    first = Panel(
        "accuracy", "Accuracy", "step", "validation accuracy", accuracy, y_range=(0.0, 1.02)
    )
    measures = [one for name, piece in pieces.items() for one in _measures(name, piece)]
    if all(piece.get("complete") for piece in pieces.values()) and len(pieces) == 2:
        measures += _ratios(pieces)
    panels = (_percentile_panel(name, piece) for name, piece in pieces.items())
    return Result((first, *panels), tuple(measures))


def _percentile_panel(name: str, piece: PartialResult) -> Panel:
    one = piece["percentiles"][:, :, 0, 0].T  # (3, T): one sigmoid of the first seed
    names, arms = ("15th percentile", "median", "85th percentile"), ("", name, "")
    curves = (
        Curve(label, piece["steps"], y[None], arm=arm, tone=tone)
        for label, y, arm, tone in zip(names, one, arms, range(3), strict=True)
    )
    return Panel(
        f"percentiles_{name}",
        f"What enters one sigmoid: {_ARMS[name][1]}",
        "step",
        "input of the sigmoid",
        tuple(curves),
        help="The first sigmoid of the last hidden layer, first seed, over the same 300 images. "
        "The paper's Figure 1 shows these three percentiles of a typical sigmoid.",
    )


def _measures(name: str, piece: PartialResult) -> list[Metric]:
    label, seen = _ARMS[name][1], piece["percentiles"]
    reached = steps_to_reach(_LEVEL, piece["steps"], piece["accuracy"])
    width, late = spread(seen).mean(axis=2), seen[len(seen) // 2 :]
    growth = (spread(seen).max(axis=0) / spread(seen).min(axis=0)).mean(axis=1)
    return [
        Metric(f"{name}_steps", f"{label}: steps to 90 %", reached, ".0f"),
        Metric(f"{name}_start", f"{label}: spread at step 0", width[0]),
        Metric(f"{name}_growth", f"{label}: largest spread / smallest", growth),
        Metric(f"{name}_drift", f"{label}: drift of the median / spread", drift(seen), ".2f"),
        Metric(f"{name}_late", f"{label}: the same, second half only", drift(late), ".2f"),
    ]


def _ratios(pieces: Mapping[str, PartialResult]) -> list[Metric]:
    none, before = pieces["none"], pieces["before"]
    steps = [steps_to_reach(_LEVEL, one["steps"], one["accuracy"]) for one in (none, before)]
    # A plain net that has not got there needs more than all its steps.
    plain = np.where(np.isinf(steps[0]), none["steps"][-1], steps[0])
    drifts = drift(none["percentiles"]) / drift(before["percentiles"])
    return [
        Metric("steps_ratio", "Steps to 90 %: ratio, at least", plain / steps[1], ".0f"),
        Metric("drift_ratio", "Drift: ratio", drifts, ".1f"),
    ]


def judge(finding: Result) -> Verdict:
    """The claim holds if both ratios are large enough for every seed."""
    steps, drifts = finding["steps_ratio"], finding["drift_ratio"]
    words = (
        f"The plain net needs {steps.words()} times as many steps to 90 %, and its sigmoids' "
        f"inputs drift {drifts.words()} times as far. Over the second half alone they drift "
        f"{finding['none_late'].words()} spreads against {finding['before_late'].words()}."
    )
    faster = bool((steps.values >= _LEAST_STEPS_RATIO).all())
    steadier = bool((drifts.values >= _LEAST_DRIFT_RATIO).all())
    if faster and steadier:
        return Verdict("holds", words)
    if faster or steadier:
        return Verdict("depends", ("Faster only. " if faster else "Steadier only. ") + words)
    return Verdict("fails", words)


EXPERIMENT = UnconvertedExperiment(SPEC, part, summarize, judge)

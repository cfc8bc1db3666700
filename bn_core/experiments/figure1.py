"""The first paper's Figure 1: a sigmoid net's accuracy, and what enters one of its sigmoids."""

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
    arm_config,
    arm_label,
    is_complete,
    make_trainer,
    steps_ratio,
    steps_to_reach,
    validation_accuracy,
)
from bn_core.experiments.effects import Control, Effect
from bn_core.probing import captured_inputs
from bn_core.results import Curve, ExperimentSpec, Metric, Panel, Result, TaskGenerator

Array = np.ndarray
_ARMS = ("none", "before")
_EVERY = 10
_PROBE = 300
_LEVEL = 0.9
_LEAST_RATIO = 2.0
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
        "As in the paper: three layers of 100 sigmoids, small Gaussian weights, batches of 60. "
        "Our choice, where it says nothing: weights from N(0, 0.1) and plain SGD at rate 0.1, on "
        "the digits. Every ten steps a fixed probe of 300 training images passes through; for "
        "each sigmoid of the last hidden layer we keep the 15th, 50th and 85th percentile of its "
        "input. Drift is how far the median has moved over the whole training, divided by the "
        "average distance of the 15th from the 85th percentile, averaged over the 100 sigmoids."
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
        "of N(0, 0.1) leave its sigmoids almost constant. Both ratios are those of this net on "
        "the digits; on another data set they differ, and they are not measured there."
    ),
    shards=_ARMS,
    link="depth=3&width=100&act=sigmoid&init=normal&std=0.1&batch=60&steps=2000",
)


def shard(name: str, seeds: int, first_seed: int, quick: bool) -> TaskGenerator:
    """Train one arm, with its percentiles and accuracy every ten steps."""
    base = Config(
        depth=3,
        width=100,
        activation="sigmoid",
        initialization="normal",
        batch_size=60,
        replicas=seeds,
        seed=first_seed,
        steps=1200 if quick else 2000,
    )
    trainer, work = make_trainer(arm_config(name, base)), Shard(base.steps)
    probe = trainer.dataset.train_inputs[:, :_PROBE]

    def measure(trainer: Trainer) -> dict[str, Array]:
        accuracy = validation_accuracy(trainer)
        return {"accuracy": accuracy, "percentiles": percentiles(trainer, probe)}

    yield from work.train(
        trainer, base.steps, arm_label(name), every=_EVERY, measure=measure, from_start=True
    )
    return work.complete()


@torch.no_grad()
def percentiles(trainer: Trainer, probe: Tensor) -> Array:
    """Return percentiles of each last hidden unit's input over a probe, (K, 3, C).

    The probe (K, N, D) is normalized by its own statistics; the net is left as it was.
    Source: Ioffe & Szegedy 2015, Figure 1(b, c).
    """
    net = trainer.net
    with (
        net.evaluation_mode(statistics="batch"),
        captured_inputs(net.probed[-1].activation) as seen,
    ):
        net(probe)
    return np.quantile(seen[0].numpy(), _PERCENTILES, axis=1).swapaxes(0, 1)


def spread(seen: Array) -> Array:
    """Return q85 - q15 of each unit, (R, T, C), of percentiles (R, T, 3, C)."""
    return seen[:, :, 2] - seen[:, :, 0]


def drift(seen: Array) -> Array:
    """Return how far each seed's medians move, in units of the mean spread, (R,).

    mean over units of (max_t q50 - min_t q50) / mean_t (q85 - q15); ``seen`` is (R, T, 3, C).
    """
    return (np.ptp(seen[:, :, 1], axis=1) / spread(seen).mean(axis=1)).mean(axis=1)


def summarize(partials: Mapping[str, PartialResult]) -> Result:
    """Return accuracy and one sigmoid's percentiles over the steps, and how the arms compare."""
    started = {name: partials[name] for name in _ARMS if "steps" in partials.get(name, {})}
    accuracy = tuple(
        Curve(arm_label(name), found["steps"], found["accuracy"], arm=name)
        for name, found in started.items()
    )
    first = Panel(
        "accuracy", "Accuracy", "step", "validation accuracy", accuracy, y_range=(0.0, 1.02)
    )
    metrics = [one for name, found in started.items() for one in _metrics(name, found)]
    if is_complete(partials, _ARMS):
        metrics += _comparison(partials["none"], partials["before"])
    panels = (_percentile_panel(name, found) for name, found in started.items())
    return Result((first, *panels), tuple(metrics))


def _percentile_panel(name: str, found: PartialResult) -> Panel:
    one = found["percentiles"][0, :, :, 0].T  # (3, T): one sigmoid of the first seed
    styles = {"15th percentile": "neutral-1", "median": name, "85th percentile": "neutral-2"}
    curves = (
        Curve(label, found["steps"], row[None], colour=colour)
        for (label, colour), row in zip(styles.items(), one, strict=True)
    )
    return Panel(
        f"percentiles_{name}",
        f"What enters one sigmoid: {arm_label(name)}",
        "step",
        "input of the sigmoid",
        tuple(curves),
        help="The first sigmoid of the last hidden layer, first seed, over the same 300 images. "
        "The paper's Figure 1 shows these three percentiles of a typical sigmoid.",
    )


def _metrics(name: str, found: PartialResult) -> list[Metric]:
    label, seen, widths = arm_label(name), found["percentiles"], spread(found["percentiles"])
    reached = steps_to_reach(_LEVEL, found["steps"], found["accuracy"])
    growth = (widths.max(axis=1) / widths.min(axis=1)).mean(axis=1)
    late = seen[:, seen.shape[1] // 2 :]
    return [
        Metric(f"{name}_steps", f"{label}: steps to 90 %", reached, ".0f", "never"),
        Metric(f"{name}_start", f"{label}: spread at step 0", widths[:, 0].mean(axis=1)),
        Metric(f"{name}_growth", f"{label}: largest spread / smallest", growth),
        Metric(f"{name}_drift", f"{label}: drift of the median / spread", drift(seen), ".2f"),
        Metric(f"{name}_late", f"{label}: the same, second half only", drift(late), ".2f"),
    ]


def _comparison(none: PartialResult, before: PartialResult) -> list[Metric]:
    needed = [steps_to_reach(_LEVEL, one["steps"], one["accuracy"]) for one in (none, before)]
    ratio = steps_ratio(needed[0], needed[1], int(none["steps"][-1]))
    drifts = drift(none["percentiles"]) / drift(before["percentiles"])
    final = none["accuracy"][:, -1]
    best = np.maximum(none["accuracy"].max(axis=1), before["accuracy"].max(axis=1))
    return [
        Metric("steps_ratio", "Steps to 90 %: ratio, at least", ratio, ".0f"),
        Metric("drift_ratio", "Drift: ratio", drifts, ".1f"),
        Metric("none_final", "Accuracy of the plain net in the end", final, ".1%"),
        Metric("best", "Best accuracy of either net", best, ".1%"),
    ]


def _remarks(result: Result) -> str:
    return (
        f"Steps to 90 %: {result['none_steps'].words()} without and "
        f"{result['before_steps'].words()} with batch norm. Over the second half alone the medians "
        f"drift {result['none_late'].words()} spreads against {result['before_late'].words()}."
    )


_PARTS = ("fewer steps", "steadier inputs")

EXPERIMENT = Experiment(
    SPEC,
    shard,
    summarize,
    effects=(
        Effect(
            "steps_ratio",
            "Steps to 90 % without batch norm over steps with it",
            matters_from=_LEAST_RATIO,
            why="Half the steps: batch norm alone, at the old rate, saved about that in the first "
            "paper's largest test (13.3 instead of 31.0 million, Figure 3).",
            part=_PARTS[0],
            lost="never reached 90 % with batch norm",
        ),
        Effect(
            "drift_ratio",
            "Drift of the medians without batch norm over that with it",
            matters_from=_LEAST_RATIO,
            why="Half the drift: a difference that can be seen in a chart like Figure 1(b, c).",
            part=_PARTS[1],
        ),
    ),
    controls=(
        Control("best", "Best accuracy of either net", at_least=_LEVEL, part=_PARTS[0], form=".1%"),
        Control(
            "none_final",
            "Accuracy of the plain net, whose inputs cannot drift if it does not learn",
            at_least=0.5,
            part=_PARTS[1],
            form=".1%",
        ),
    ),
    remarks=_remarks,
)

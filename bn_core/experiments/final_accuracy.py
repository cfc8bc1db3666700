"""Final accuracy with batch norm, with dropout, with both, each at its best learning rate."""

from collections.abc import Mapping

import numpy as np

from bn_core.comparison import ARMS, Arm
from bn_core.config import Config
from bn_core.experiments.base import (
    Experiment,
    PartialResult,
    Shard,
    half_accuracies,
    is_complete,
    make_trainer,
    validation_accuracy,
)
from bn_core.experiments.effects import Control, Effect
from bn_core.results import Curve, ExperimentSpec, Metric, Panel, Result, TaskGenerator

Array = np.ndarray
_RATES = (0.03, 0.1, 0.3)
_DROPPED = 0.2
_POINT = 0.01
_LEARNED = 0.9
_WITHOUT = "doing without dropout"


def _with_dropout(name: str, arm: Arm) -> Arm:
    return Arm(name, f"{arm.label}, dropout {_DROPPED}", (*arm.changes, ("dropout", _DROPPED)))


_ARMS = {
    "none": ARMS["none"],
    "before": ARMS["before"],
    "dropout": _with_dropout("dropout", ARMS["none"]),
    "both": _with_dropout("both", ARMS["before"]),
}

SPEC = ExperimentSpec(
    slug="final",
    title="Final accuracy, with batch norm and with dropout",
    claim="Batch norm improves the final accuracy, and makes dropout unnecessary.",
    source="Ioffe & Szegedy 2015 (1502.03167), sections 3.4 and 4.2",
    claims=(16, 9, 8),
    question="Which of the four nets is best in the end, each at its best rate?",
    answers=("Batch norm alone", "Dropout alone", "Both", "They are within a point"),
    method=(
        "A 3-layer ReLU net learns the digits for 400 steps: as it is, with batch norm, with "
        "dropout 0.2, and with both, at three learning rates each. The rate is chosen by one half "
        "of the validation digits and reported by the other, and the other way round; the two are "
        "averaged, so that the choice does not flatter. The gap between training and validation "
        "accuracy says how much each net has memorized."
    ),
    formula=r"acc = \tfrac12 \sum_{h} acc_{1-h}(\eta_h), \quad \eta_h = \arg\max_\eta acc_h(\eta)",
    paper_found=(
        "On ImageNet the authors removed dropout, together with several other changes, and reached "
        "a higher accuracy; some nets of their best ensemble kept 5 to 10 % dropout (4.2.3). In "
        "Mishkin's benchmark batch norm scored 0.513, and 0.527 with dropout 0.2."
    ),
    disagreement=(
        "The digits are few, small and clean. A difference of a point is five of the 500 held-out "
        "images, and says nothing about large data sets."
    ),
    shards=tuple(_ARMS),
    link="depth=3&init=he&steps=400&lr=0.1",
)


def shard(name: str, seeds: int, first_seed: int, quick: bool) -> TaskGenerator:
    """Train one arm at every rate."""
    steps = 150 if quick else 400
    base = Config(depth=3, initialization="he", replicas=seeds, seed=first_seed)
    work = Shard(len(_RATES) * steps)
    train, halves = np.zeros((seeds, 0)), np.zeros((seeds, 0, 2))
    for count, rate in enumerate(_RATES, start=1):
        trainer = make_trainer(_ARMS[name].config(base.changed({"learning_rate": rate})))
        yield from work.train(trainer, steps, f"{_ARMS[name].label} at rate {rate:g}")
        data = trainer.dataset
        seen = validation_accuracy(trainer, inputs=data.train_inputs, labels=data.train_labels)
        train = np.column_stack([train, seen])
        held_out = np.stack(half_accuracies(trainer), axis=1)
        halves = np.concatenate([halves, held_out[:, None]], axis=1)
        work.put(rates=np.array(_RATES[:count]), train=train, halves=halves)
    return work.complete()


def at_best_rate(halves: Array) -> tuple[Array, Array]:
    """Return the accuracy at the best rate, (R,), and the rate's index by each half, (R, 2).

    Of accuracies (R, rates, 2) on the halves: what one half chose is reported by the other.
    """
    best = halves.argmax(axis=1)
    reported = np.take_along_axis(halves[:, :, ::-1], best[:, None], axis=1)[:, 0]
    return reported.mean(axis=1), best


def summarize(partials: Mapping[str, PartialResult]) -> Result:
    """Return accuracy by rate, and each arm's at its best rate with its gap to training."""
    curves, metrics, final = [], [], {}
    for tone, name in enumerate(name for name in _ARMS if "rates" in partials.get(name, {})):
        found, label = partials[name], _ARMS[name].label
        arm = name if name in ARMS else ""
        curves.append(Curve(label, found["rates"], found["halves"].mean(2), arm=arm, tone=tone))
        if found.get("complete"):
            final[name], best = at_best_rate(found["halves"])
            memorized = np.take_along_axis(found["train"], best, axis=1).mean(1) - final[name]
            metrics += [
                Metric(name, f"{label}: accuracy at its best rate", final[name], ".1%"),
                Metric(f"{name}_gap", f"{label}: training minus it", memorized, ".1%"),
            ]
    if is_complete(partials, SPEC.shards):
        metrics += [
            Metric("lead", "Batch norm minus no norm", final["before"] - final["none"], ".3f"),
            Metric("helps", "Dropout minus no norm", final["dropout"] - final["none"], ".3f"),
            Metric("adds", "Both minus batch norm alone", final["both"] - final["before"], ".3f"),
        ]
    panel = Panel(
        "accuracy",
        "Validation accuracy after training, by learning rate",
        "learning rate",
        "validation accuracy",
        tuple(curves),
        help="Dropout is off when accuracy is measured, and batch norm uses its running averages.",
        x_scale="log",
    )
    return Result((panel,), tuple(metrics))


EXPERIMENT = Experiment(
    SPEC,
    shard,
    summarize,
    effects=(
        Effect(
            "lead",
            "Accuracy with batch norm minus that without, each at its best rate",
            matters_from=_POINT,
            why="One point, five of the 500 held-out digits.",
            scale="difference",
            part="a higher accuracy",
            form=".3f",
        ),
        Effect(
            "adds",
            "Accuracy that dropout adds to batch norm",
            matters_from=_POINT,
            why="Surely less than two points, and at most the one point that matters.",
            scale="difference",
            direction="below",
            reference=2 * _POINT,
            part=_WITHOUT,
            form=".3f",
        ),
    ),
    controls=(
        Control("none", "Accuracy without norm and dropout", _LEARNED, form=".1%"),
        Control("helps", "What dropout adds without batch norm", _POINT, part=_WITHOUT, form=".3f"),
    ),
)

"""Final accuracy with batch norm, with dropout, with both, each at its best learning rate."""

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

_RATES = (0.03, 0.1, 0.3)
_ARMS = {
    "none": ("No norm", "none", 0.0),
    "before": ("BN before", "batch", 0.0),
    "dropout": ("No norm, dropout 0.2", "none", 0.2),
    "both": ("BN before, dropout 0.2", "batch", 0.2),
}
_SAME = 0.01
"""Accuracies closer than this are called equal: five of the 500 held-out digits."""

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
        "dropout 0.2, and with both. Each is trained at three learning rates and counts at the one "
        "whose median validation accuracy is best: a fixed rate would favour one side. The gap "
        "between training and validation accuracy says how much each has learnt by heart."
    ),
    formula=r"acc = \max_\eta\ \mathrm{median}_{seeds}\ acc_{val}(\eta)",
    paper_found=(
        "On ImageNet the authors removed dropout and reached a higher accuracy. They say that "
        "dropout can be removed or reduced there."
    ),
    disagreement=(
        "The digits are few, small and clean: nearly every net ends near 97 %. A difference of a "
        "point here is five images, and says nothing about large data sets."
    ),
    shards=tuple(_ARMS),
    link="depth=3&init=he&steps=400&lr=0.1",
)


def part(name: str, seeds: int, quick: bool) -> TaskGenerator:
    """Train one arm at every rate."""
    _, normalization, dropout = _ARMS[name]
    base = Config(
        depth=3,
        initialization="he",
        normalization=normalization,
        dropout=dropout,
        replicas=seeds,
        steps=150 if quick else 400,
    )
    found = {key: np.full((seeds, len(_RATES)), np.nan) for key in ("validation", "train")}
    total = base.steps * len(_RATES)
    for index, rate in enumerate(_RATES):
        trainee = Trainer(base.changed({"learning_rate": rate}))
        for step in range(base.steps):
            trainee.step()
            words = f"{_ARMS[name][0]} at rate {rate:g}, step {step}"
            yield progress(index * base.steps + step, total, words, found)
        data = trainee.dataset
        found["validation"][:, index] = trainee.evaluate()[1].numpy()
        seen = trainee.evaluate(inputs=data.train_inputs, labels=data.train_labels)
        found["train"][:, index] = seen[1].numpy()
    return complete(found)


def summarize(pieces: Mapping[str, PartialResult]) -> Result:
    """Return accuracy by rate, and each arm's best with its gap to training accuracy."""
    curves, measures = [], []
    for tone, (name, piece) in enumerate(pieces.items()):
        label, arm = _ARMS[name][0], name if name in ("none", "before") else ""
        found = piece["validation"]
        curves.append(Curve(label, np.array(_RATES), found, arm=arm, tone=tone))
        if piece.get("complete"):
            best = int(np.median(found, axis=0).argmax())
            rate = f"{label}, rate {_RATES[best]:g}"
            measures.append(Metric(name, f"{rate}: accuracy", found[:, best], ".1%"))
            gap = piece["train"][:, best] - found[:, best]
            measures.append(Metric(f"{name} gap", f"{rate}: training minus it", gap, ".1%"))
    panel = Panel(
        "accuracy",
        "Validation accuracy after training, by learning rate",
        "learning rate",
        "validation accuracy",
        tuple(curves),
        help="Dropout is off when accuracy is measured, and batch norm uses its running averages.",
        x_scale="log",
    )
    return Result((panel,), tuple(measures))


def judge(finding: Result) -> Verdict:
    """Never a winner by less than a point; and by more only if it is so for every seed."""
    found = {name: finding[name] for name in _ARMS}
    words = "; ".join(f"{_ARMS[name][0]} {measure.words()}" for name, measure in found.items())
    others = np.maximum(found["none"].values, found["dropout"].values)
    lead = found["before"].values - others
    alone = found["both"].values - found["before"].values
    if (lead > _SAME).all() and (alone < _SAME).all():
        return Verdict("holds", f"Batch norm alone leads for every seed: {words}.")
    if (lead < -_SAME).all():
        return Verdict("fails", f"Batch norm ends behind for every seed: {words}.")
    return Verdict("depends", f"No side leads by a point for every seed: {words}.")


EXPERIMENT = UnconvertedExperiment(SPEC, part, summarize, judge)

"""Accuracy by batch size (Wu & He 2018, Ioffe 2017)."""

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

_SIZES = {"before": (2, 4, 8, 32), "group": (2, 32), "renorm": (2, 32)}
_QUICK_SIZES = (2, 32)
_EXAMPLES, _QUICK_EXAMPLES = 5600, 1600
_RATE_PER_EXAMPLE = 0.2 / 32
_MOST_OF_BATCH_NORM = 0.5
_LEAST_OF_GROUP_NORM = 0.9
_ARMS = {"before": "Batch norm", "group": "Group norm", "renorm": "Batch renormalization"}
_NORMALIZATIONS = {"before": "batch", "group": "group", "renorm": "renorm"}

SPEC = ExperimentSpec(
    slug="small",
    title="Small batches",
    claim="Batch norm fails with very small batches, where group norm does not.",
    source="Wu & He 2018 (1803.08494), section 4.1, figure 5; Ioffe 2017 (1702.03275), section 4.2",
    claims=(13, 7),
    question="Batches of two: how often is a 5-layer net with batch norm right once deployed?",
    answers=("As often as with batches of 32", "Some points less", "Less than half the time"),
    method=(
        "A 5-layer ReLU net learns from 5,600 digits, four rounds through the data, in batches of "
        "2, 4, 8 or 32. The rate is 0.2 for 32 and shrinks with the batch. Group norm, with 8 "
        "groups of 8 units, and renormalization learn from batches of 2 and 32 only."
    ),
    formula=r"m=2:\quad \hat x = \frac{x-\mu}{\sigma} = \pm 1 \text{ (the sign of } x_1-x_2)",
    paper_found=(
        "On ImageNet Wu & He found batch norm's error to rise steeply below 16 images a worker, "
        "and group norm's to stay where it was. Ioffe's renormalization won part of it back."
    ),
    disagreement=(
        "A convolution has height times width values of each image to average over, so its batch "
        "norm suffers later. Here a unit has one value for each example. Depth matters too: each "
        "layer throws the size of the difference away again."
    ),
    shards=tuple(_ARMS),
    link="depth=5&init=he&batch=2&lr=0.0125&steps=2800&arms=before-group-renorm",
)


def part(name: str, seeds: int, quick: bool) -> TaskGenerator:
    """Train one arm with every size of batch."""
    sizes = _QUICK_SIZES if quick else _SIZES[name]
    examples = _QUICK_EXAMPLES if quick else _EXAMPLES
    total = sum(examples // size for size in sizes)
    piece: PartialResult = {
        "sizes": np.array(sizes),
        "accuracy": np.full((seeds, len(sizes)), np.nan),
    }
    done = 0
    for index, size in enumerate(sizes):
        config = Config(
            depth=5,
            initialization="he",
            normalization=_NORMALIZATIONS[name],
            batch_size=size,
            learning_rate=_RATE_PER_EXAMPLE * size,
            replicas=seeds,
        )
        trainee = Trainer(config)
        for step in range(examples // size):
            trainee.step()
            done += 1
            if step % 5 == 0:
                yield progress(done, total, f"{_ARMS[name]}, batches of {size}", piece)
        piece["accuracy"][:, index] = trainee.evaluate()[1].numpy()
    return complete(piece)


def summarize(pieces: Mapping[str, PartialResult]) -> Result:
    """Return accuracy over the size of the batch, and what the smallest and largest give."""
    curves, measures = [], []
    for name, piece in pieces.items():
        label, sizes = _ARMS[name], piece.get("sizes", np.zeros(0))
        if not len(sizes):
            continue
        curves.append(Curve(label, sizes, piece["accuracy"], arm=name))
        if piece.get("complete"):
            for at in (0, -1):
                key, words = f"{name} {sizes[at]}", f"{label}, batches of {sizes[at]}"
                measures.append(Metric(key, words, piece["accuracy"][:, at], ".2f"))
    panel = Panel(
        "accuracy",
        "Accuracy by size of the training batches",
        "examples in a batch",
        "validation accuracy",
        tuple(curves),
        help="Every net sees the same number of digits. Group norm never looks at the rest of the "
        "batch.",
        x_scale="log",
        y_range=(0.0, 1.02),
    )
    return Result((panel,), tuple(measures))


def judge(finding: Result) -> Verdict:
    """The claim holds if two examples ruin batch norm and not group norm, for every seed."""
    batch, group, many = finding["before 2"], finding["group 2"], finding["before 32"]
    words = (
        f"With batches of 2 batch norm is right on {batch.words()}, group norm on "
        f"{group.words()}, renormalization on {finding['renorm 2'].words()}; with batches of 32 "
        f"batch norm is right on {many.words()}."
    )
    ruined = batch.values <= _MOST_OF_BATCH_NORM
    spared = group.values >= _LEAST_OF_GROUP_NORM
    if (ruined & spared).all():
        return Verdict("holds", words)
    if (batch.values < group.values).all():
        return Verdict("depends", "Batch norm suffers more, within what was asked. " + words)
    return Verdict("fails", words)


EXPERIMENT = UnconvertedExperiment(SPEC, part, summarize, judge)

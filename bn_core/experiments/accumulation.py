"""Gradient accumulation does not enlarge the batch of batch norm."""

from collections.abc import Mapping

from bn_core.config import Config
from bn_core.experiments.accuracy_grid import (
    Setting,
    accuracy_curves,
    accuracy_panel,
    train_each,
)
from bn_core.experiments.base import (
    Experiment,
    PartialResult,
    arm_config,
    arm_label,
    is_complete,
)
from bn_core.experiments.effects import Control, Effect
from bn_core.results import ExperimentSpec, Metric, Result, TaskGenerator

_ARMS = ("before", "none", "layer")
_PARTS, _QUICK_PARTS = (1, 4, 16, 32), (1, 32)
_BATCH, _STEPS = 64, 300
_LEAST_FALL = 0.106
_LEARNED = 0.8

SPEC = ExperimentSpec(
    slug="accumulation",
    title="Gradient accumulation",
    claim="Accumulating gradients over micro-batches does not replace a large batch for batch "
    "norm; without batch norm it does.",
    source="Wu & He 2018 (1803.08494), section 4.1, on small batches in each worker",
    claims=(13,),
    question="A batch of 64 passes as 32 micro-batches of two, and one update follows. What "
    "becomes of a 5-layer net with batch norm?",
    answers=(
        "The same as with the whole batch: the gradients are averaged over all 64",
        "Some points less",
        "Less than one half of its answers are right",
    ),
    method=(
        "A 5-layer ReLU net takes 300 updates, each from 64 digits at rate 0.2. The 64 pass the "
        "net whole, or as 4, 16 or 32 micro-batches whose gradients are averaged. Data "
        "parallelism over as many workers, without synchronized statistics, computes the same."
    ),
    formula=r"g=\tfrac1A\sum_a \nabla_\theta L\!\left(B_a;\ \mu(B_a),\sigma^2(B_a)\right)\ \ne\ "
    r"\nabla_\theta L\!\left(B;\ \mu(B),\sigma^2(B)\right)",
    paper_found=(
        "Wu & He found batch norm's error on ImageNet to rise steeply below 16 images a worker, "
        "though eight workers' gradients were averaged for each update."
    ),
    disagreement=(
        "Statistics that are synchronized over the parts (SyncBatchNorm) make both sides equal, as "
        "batch norm by its running statistics does. Micro-batches of 16 may even help: their "
        "noise regularizes."
    ),
    shards=_ARMS,
    link="depth=5&init=he&lr=0.2&steps=300&acc=32&arms=none-before-layer",
)


def shard(name: str, seeds: int, first_seed: int, quick: bool) -> TaskGenerator:
    """Train one arm with every number of micro-batches."""
    counts = _QUICK_PARTS if quick else _PARTS
    base = Config(
        depth=5,
        initialization="he",
        batch_size=_BATCH,
        learning_rate=0.2,
        replicas=seeds,
        seed=first_seed,
    )
    settings = []
    for parts in counts:
        config = arm_config(name, base.changed({"accumulate": parts}))
        words = f"{arm_label(name)}, {parts} micro-batches"
        settings.append(Setting(_BATCH / parts, config, _STEPS, words))
    return (yield from train_each(settings))


def summarize(partials: Mapping[str, PartialResult]) -> Result:
    """Return accuracy over the size of the micro-batches, and what the smallest ones cost."""
    labels = {name: arm_label(name) for name in _ARMS}
    metrics: list[Metric] = []
    for name in (name for name in _ARMS if is_complete(partials, [name])):
        label, accuracy = labels[name], partials[name]["accuracy"]
        metrics += [
            Metric(f"{name}_whole", f"{label}: accuracy, whole batches", accuracy[:, 0], ".1%"),
            Metric(f"{name}_parts", f"{label}: accuracy, 32 x 2", accuracy[:, -1], ".1%"),
        ]
    if is_complete(partials, _ARMS):
        by_key = {metric.key: metric.values for metric in metrics}
        for name in _ARMS:
            fall = by_key[f"{name}_whole"] - by_key[f"{name}_parts"]
            metrics.append(Metric(f"{name}_fall", f"{arm_label(name)}: accuracy lost", fall, ".3f"))
    panel = accuracy_panel(
        "Accuracy by the size of the micro-batches",
        "examples in a micro-batch; every update has 64",
        accuracy_curves(partials, labels),
        "At the right each batch passes whole; at the left in 32 parts of two. The number of "
        "updates, and of examples in each, is the same everywhere.",
    )
    return Result((panel,), tuple(metrics))


EXPERIMENT = Experiment(
    SPEC,
    shard,
    summarize,
    effects=(
        Effect(
            "before_fall",
            "Accuracy that batch norm loses by micro-batches of two",
            matters_from=_LEAST_FALL,
            why="Between batch and group norm Wu & He found 10.6 points, with 2 images a worker.",
            scale="difference",
            form=".3f",
        ),
        *(
            Effect(
                f"{name}_fall",
                f"The same {words}",
                matters_from=_LEAST_FALL / 2,
                why="Surely less than the fall that matters for batch norm: at most half of it.",
                scale="difference",
                direction="below",
                reference=_LEAST_FALL,
                form=".3f",
            )
            for name, words in (("none", "without a norm"), ("layer", "with layer norm"))
        ),
    ),
    controls=tuple(
        Control(f"{name}_whole", f"Accuracy of {label}, whole batches", _LEARNED, form=".1%")
        for name, label in (("before", "batch norm"), ("none", "no norm"), ("layer", "layer norm"))
    ),
)

"""Fine-tuning a net with batch norm: its running statistics moving, or frozen."""

import copy
import dataclasses
from collections.abc import Mapping

import numpy as np
import torch

from bn_core.config import Config
from bn_core.datasets.dataset import Dataset
from bn_core.datasets.loading import load_per_seed
from bn_core.experiments.base import (
    Experiment,
    PartialResult,
    Shard,
    Trainer,
    is_complete,
    validation_accuracy,
)
from bn_core.experiments.effects import Control, Effect
from bn_core.nets import Net, build
from bn_core.nets.mlp import output_layer
from bn_core.results import Curve, ExperimentSpec, Metric, Panel, Result, TaskGenerator

Array = np.ndarray
_MODES = {
    "none": "train()",
    "statistics": "eval()",
    "parameters": "Frozen gamma and beta",
}
_SIZES, _QUICK_SIZES = (2, 4, 8, 32), (2, 32)
_RATES, _QUICK_RATES = (0.05, 0.1, 0.2, 0.4, 0.8), (0.2, 0.8)
_RATE_PER_EXAMPLE = 0.0025
_BEFORE_STEPS, _BEFORE_CLASSES, _CLASSES = 300, 5, 5
_EXAMPLES, _EPOCHS, _LARGE_BATCH = 600, 3, 64
_NEW_HEAD = 9
"""Number of the random stream of the new output layer; no layer of the net has it."""
_LEAST = 0.106
_LEARNED = 0.9
_TWO, _RATE = "batches of two", "large rates"

SPEC = ExperimentSpec(
    slug="finetune",
    title="Fine-tuning with frozen statistics",
    claim=(
        "In fine-tuning with tiny batches batch norm wants its statistics frozen, for which it "
        "pays with its tolerance of large rates."
    ),
    source="Wu & He 2018 (1803.08494), section 4.2; You et al. 2023 (2305.11624), abstract",
    claims=(13, 4),
    question=(
        "A trained net with batch norm learns five new digits, in batches of two. What helps it?"
    ),
    answers=(
        "Nothing is needed: the net is trained already",
        "requires_grad=False for gamma and beta",
        "eval() for its batch norm layers",
    ),
    method=(
        "A 3-layer ReLU net with batch norm learns the digits 0 to 4. It gets a new output layer "
        "and learns 5 to 9 from 600 images, three rounds, in batches of 2 to 32 at rate 0.0025 "
        "for each example of a batch; then in batches of 64 at rates from 0.05 to 0.8. Its norms "
        "stay in training mode, or are in eval() (they use and keep the statistics of 0 to 4; "
        "gamma and beta learn), or only gamma and beta are frozen."
    ),
    formula=r"\text{train: } \hat x=\frac{x-\mu(B)}{\sigma(B)},\qquad \text{eval: } \hat x="
    r"\frac{x-\mu_{\text{old}}}{\sigma_{\text{old}}}\ \text{, a fixed linear map}",
    paper_found=(
        "Detectors are fine-tuned with one or two images a worker, and usually with frozen batch "
        "norm, as Wu & He report, since its statistics would be inaccurate. You et al. say that "
        "eval() is widely used in transfer learning, and that training is unstable once the norm "
        "has been folded into the weights."
    ),
    disagreement=(
        "Old statistics fit because the new digits look like the old: on very different images "
        "they are wrong. With large batches, at small rates, either mode does. Keras' "
        "trainable=False means eval() too; in PyTorch requires_grad=False leaves the statistics "
        "moving. The link trains on all digits from the start and freezes after 200 steps."
    ),
    shards=tuple(_MODES),
    link="depth=3&init=he&batch=2&lr=0.005&steps=900"
    "&arms=before~before;freeze:statistics~before;freeze:parameters",
)


def shard(name: str, seeds: int, first_seed: int, quick: bool) -> TaskGenerator:
    """Train on five classes, then fine-tune in one mode at every batch size and rate."""
    sizes, rates = (_QUICK_SIZES, _QUICK_RATES) if quick else (_SIZES, _RATES)
    runs = [("sizes", size, _RATE_PER_EXAMPLE * size) for size in sizes]
    runs += [("rates", _LARGE_BATCH, rate) for rate in rates]
    work = Shard(_BEFORE_STEPS + sum(_updates(batch) for _, batch, _ in runs))
    base = Config(
        depth=3, initialization="he", normalization="batch", replicas=seeds, seed=first_seed
    )
    old, new = classes_of(load_per_seed(base))
    trainer = Trainer(base, old, build(base, old.input_shape, _BEFORE_CLASSES))
    yield from work.train(trainer, _BEFORE_STEPS, "first training, on 0 to 4")
    work.put(before=validation_accuracy(trainer))
    found: dict[str, list[Array]] = {"sizes": [], "rates": []}
    for axis, batch, rate in runs:
        changes = {"freeze": name, "freeze_at": 0, "batch_size": batch, "learning_rate": rate}
        tuned = Trainer(base.changed(changes), new, with_new_head(trainer.net))
        words = f"{_MODES[name]}, batches of {batch}, rate {rate:g}"
        yield from work.train(tuned, _updates(batch), words)
        found[axis].append(validation_accuracy(tuned))
        at = {"sizes": sizes, "rates": rates}[axis][: len(found[axis])]
        work.put(**{axis: np.array(at), f"{axis}_accuracy": np.stack(found[axis], axis=1)})
    return work.complete()


def _updates(batch: int) -> int:
    return _EXAMPLES * _EPOCHS // batch


def classes_of(data: Dataset) -> tuple[Dataset, Dataset]:
    """Return the data of the first five classes and of the last five, labelled from 0.

    Every replica has as many examples as the one with the fewest, 600 of the last five to learn.
    """
    names = data.classes[:_BEFORE_CLASSES], data.classes[_BEFORE_CLASSES:]
    return (
        _subset(data, names[0], 0, None),
        _subset(data, names[1], _BEFORE_CLASSES, _EXAMPLES),
    )


def _subset(data: Dataset, names: tuple[str, ...], first: int, most: int | None) -> Dataset:
    chosen: dict[str, torch.Tensor] = {}
    for part, limit in (("train", most), ("validation", None)):
        inputs, labels = (getattr(data, f"{part}_{kind}") for kind in ("inputs", "labels"))
        wanted = (labels >= first) & (labels < first + len(names))
        size = min(int(wanted.sum(dim=1).min()), limit or labels.shape[1])
        rows = torch.stack([mask.nonzero()[:size, 0] for mask in wanted])
        replicas = torch.arange(len(rows))[:, None]
        chosen |= {
            f"{part}_inputs": inputs[replicas, rows],
            f"{part}_labels": labels[replicas, rows] - first,
        }
    return dataclasses.replace(data, **chosen, classes=names, spec=None)


def with_new_head(net: Net) -> Net:
    """Return a copy of a net with an untrained output layer."""
    tuned = copy.deepcopy(net)
    inputs = net.output.weight.shape[1]
    tuned.output = output_layer(net.config, _NEW_HEAD, inputs, _CLASSES)
    return tuned


def summarize(partials: Mapping[str, PartialResult]) -> Result:
    """Return accuracy on the new digits over batch size and rate, and what freezing changes."""
    curves: dict[str, list[Curve]] = {"sizes": [], "rates": []}
    metrics, ends = [], {}
    for tone, (name, label) in enumerate(_MODES.items()):
        found = partials.get(name, {})
        for axis in (axis for axis in curves if axis in found):
            y = found[f"{axis}_accuracy"]
            curves[axis].append(Curve(label, found[axis], y, tone=tone, kind="points"))
        if found.get("complete"):
            ends[name] = found["sizes_accuracy"][:, 0], found["rates_accuracy"][:, -1]
            words = ("batches of 2", "batches of 64, rate 0.8")
            metrics += [
                Metric(f"{name}_{key}", f"{label}: accuracy, {said}", values, ".1%")
                for key, said, values in zip(("two", "large"), words, ends[name], strict=True)
            ]
    if is_complete(partials, SPEC.shards):
        metrics += _differences(partials, ends)
    return Result(
        (
            _panel("sizes", "by batch size", "examples in a batch", curves["sizes"]),
            _panel("rates", "in batches of 64, by rate", "learning rate", curves["rates"]),
        ),
        tuple(metrics),
    )


def _differences(
    partials: Mapping[str, PartialResult], ends: Mapping[str, tuple[Array, Array]]
) -> list[Metric]:
    two = {name: values[0] for name, values in ends.items()}
    large = {name: values[1] for name, values in ends.items()}
    before = np.min([partials[name]["before"] for name in _MODES], axis=0)
    return [
        Metric("before", "Accuracy on 0 to 4 before fine-tuning", before, ".1%"),
        Metric(
            "eval", "eval() minus train(), batches of 2", two["statistics"] - two["none"], ".3f"
        ),
        Metric(
            "gradless",
            "eval() minus frozen gamma and beta, batches of 2",
            two["statistics"] - two["parameters"],
            ".3f",
        ),
        Metric(
            "tolerance",
            "train() minus eval(), batches of 64 at rate 0.8",
            large["none"] - large["statistics"],
            ".3f",
        ),
    ]


def _panel(key: str, words: str, x_label: str, curves: list[Curve]) -> Panel:
    return Panel(
        key,
        f"Accuracy on the new digits, {words}",
        x_label,
        "validation accuracy",
        tuple(curves),
        help="Measured with running statistics, on digits 5 to 9 that were not trained on. A net "
        "whose loss is no longer finite has accuracy 0; guessing has 0.2.",
        x_scale="log",
        y_range=(0.0, 1.02),
    )


def _effect(key: str, label: str, part: str) -> Effect:
    return Effect(
        key,
        label,
        matters_from=_LEAST,
        why="As between the norms of Wu & He, who found 10.6 points with 2 images a worker.",
        scale="difference",
        part=part,
        form=".3f",
    )


EXPERIMENT = Experiment(
    SPEC,
    shard,
    summarize,
    effects=(
        _effect("eval", "Accuracy with eval() minus that with train(), batches of 2", _TWO),
        _effect("gradless", "The same against frozen gamma and beta", _TWO),
        _effect("tolerance", "Accuracy with train() minus that with eval(), rate 0.8", _RATE),
    ),
    controls=(
        Control("before", "Accuracy on 0 to 4 before fine-tuning", _LEARNED, form=".1%"),
        Control("statistics_two", "Accuracy with eval()", _LEARNED, part=_TWO, form=".1%"),
        Control("none_large", "Accuracy with train()", _LEARNED, part=_RATE, form=".1%"),
    ),
)

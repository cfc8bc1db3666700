"""What a net predicts that was left in training mode."""

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
    validation_accuracy,
)
from bn_core.experiments.effects import Control, Effect
from bn_core.randomness import generator
from bn_core.results import Curve, ExperimentSpec, Metric, Panel, Result, TaskGenerator

Array = np.ndarray
_SIZES = (2, 5, 10, 25, 50, 100, 250)
_SHOWN = (50, 10, 2)
_SORTED_SIZE = 50
_LEAST_FALL = 0.5
_LEARNED = 0.9
_MOST_CHANGE = 0.01
_WAYS = {"shuffled": "training mode, shuffled", "sorted": "training mode, sorted by class"}
_ARMS = ("before", "layer")

SPEC = ExperimentSpec(
    slug="eval",
    title="Forgetting eval()",
    claim="A net left in training mode lets the rest of the batch decide what it predicts.",
    source="Ioffe & Szegedy 2015 (1502.03167), section 3.1 and Algorithm 2",
    claims=(13,),
    question="In training mode, on batches of 50 sorted by class, what accuracy does it have?",
    answers=("The same as with eval()", "About one half", "No better than guessing"),
    method=(
        "A 3-layer ReLU net learns the digits. Then the same weights predict the 500 validation "
        "digits three ways: with the running averages, as eval() does; in training mode, in "
        "shuffled batches of several sizes; and in training mode in batches sorted by class. A "
        "net with layer norm, which has no such mode, goes through the same."
    ),
    formula=r"acc(B) = \frac1N \sum_n [\arg\max_k z_k(x_n \mid \text{its batch}) = y_n]",
    paper_found=(
        "The paper wants a prediction to depend on its input alone once training is over, and so "
        "replaces the moments of the batch by those of the population."
    ),
    disagreement=(
        "Large shuffled batches hide the mistake, because their moments are close to the "
        "population's; batches of one class, or of two examples, show it. The running averages "
        "are left alone here. A real training mode also moves them, and so changes the model, not "
        "only its answers."
    ),
    shards=_ARMS,
    link="depth=3&init=he&batch=64&lr=0.1&steps=400&eval=batch",
)


def shard(name: str, seeds: int, first_seed: int, quick: bool) -> TaskGenerator:
    """Train one arm, then predict in every way."""
    base = Config(depth=3, initialization="he", replicas=seeds, seed=first_seed)
    trainer, steps = make_trainer(arm_config(name, base)), 150 if quick else 400
    work = Shard(steps + len(_WAYS) * len(_SIZES))
    yield from work.train(trainer, steps, f"training, {arm_label(name)}")
    work.put(running=validation_accuracy(trainer))
    for way in _WAYS:
        order, accuracy = _order(trainer, way), np.zeros((seeds, 0))
        for size in _SIZES:
            batches = order.split(size, dim=1)
            right = np.sum([right_answers(trainer, batch) for batch in batches], axis=0)
            accuracy = np.column_stack([accuracy, right / order.shape[1]])
            work.put(**{way: accuracy})
            yield work.advance(f"{way}, batches of {size}")
    return work.complete()


def _order(trainer: Trainer, way: str) -> Tensor:
    """Return in which order each replica's validation data come, (K, N)."""
    labels = trainer.dataset.validation_labels
    if way == "sorted":
        return labels.argsort(dim=1, stable=True)
    seeds = range(trainer.config.seed, trainer.config.seed + len(labels))
    draws = (generator(seed, "data", 11) for seed in seeds)
    return torch.stack([torch.randperm(labels.shape[1], generator=draw) for draw in draws])


def right_answers(trainer: Trainer, chosen: Tensor) -> Array:
    """Return how many of the chosen validation data are classified correctly, (K,).

    ``chosen`` (K, B) is one batch for each replica, normalized by its own mean and variance.
    """
    data, at = trainer.dataset, (torch.arange(len(chosen))[:, None], chosen)
    batch = data.validation_inputs[at], data.validation_labels[at]
    return validation_accuracy(trainer, "batch", *batch) * chosen.shape[1]


def summarize(partials: Mapping[str, PartialResult]) -> Result:
    """Return accuracy over the size of the batch, and how far training mode is from eval()."""
    metrics: list[Metric] = []
    for name in (name for name in _ARMS if is_complete(partials, [name])):
        metrics += _metrics(name, partials[name])
    return Result((_panel(partials),), tuple(metrics))


def _metrics(name: str, found: PartialResult) -> list[Metric]:
    label, right = arm_label(name), found["running"]
    ordered = found["sorted"][:, _SIZES.index(_SORTED_SIZE)]
    change = np.abs(np.column_stack([found[way] for way in _WAYS]) - right[:, None]).max(axis=1)
    words = f"{label}: sorted by class, batches of {_SORTED_SIZE}"
    return [
        Metric(f"{name}_eval", f"{label}: with eval()", right, ".1%"),
        Metric(f"{name}_sorted", words, ordered, ".1%"),
        Metric(f"{name}_fall", f"{label}: with eval() minus sorted", right - ordered, ".3f"),
        Metric(f"{name}_change", f"{label}: largest change by any batches", change, ".3f"),
    ] + [
        Metric(f"{name}_{size}", f"{label}: shuffled, {size}", accuracy, ".1%")
        for size, accuracy in zip(_SIZES, found["shuffled"].T, strict=True)
        if size in _SHOWN
    ]


def _panel(partials: Mapping[str, PartialResult]) -> Panel:
    curves, sizes = [], np.array(_SIZES)
    found = partials.get("before", {})
    if "running" in found:
        level = np.repeat(found["running"][:, None], len(sizes), axis=1)
        curves.append(Curve("BN before, eval()", sizes, level, arm="before"))
    for tone, way in enumerate(way for way in _WAYS if way in found):
        done = sizes[: found[way].shape[1]]
        curves.append(Curve(f"BN before, {_WAYS[way]}", done, found[way], tone=tone))
    ordered = partials.get("layer", {}).get("sorted", np.zeros((0, 0)))
    if ordered.size:
        label = f"Layer norm, {_WAYS['sorted']}"
        curves.append(Curve(label, sizes[: ordered.shape[1]], ordered, arm="layer"))
    return Panel(
        "accuracy",
        "One net, evaluated with eval() and in training mode",
        "examples in a batch",
        "validation accuracy",
        tuple(curves),
        help="The weights never change; only where batch norm takes its mean and variance from "
        "does. Layer norm takes them from each example alone, so the batch cannot matter.",
        x_scale="log",
        y_range=(0.0, 1.02),
    )


def _remarks(result: Result) -> str:
    return (
        f"With eval() the accuracy is {result['before_eval'].words()}. In training mode it is "
        f"{result['before_sorted'].words()} in batches of {_SORTED_SIZE} sorted by class, "
        f"{result['before_2'].words()} in shuffled batches of 2 and {result['before_50'].words()} "
        "in shuffled batches of 50."
    )


EXPERIMENT = Experiment(
    SPEC,
    shard,
    summarize,
    effects=(
        Effect(
            "before_fall",
            f"Accuracy with eval() minus that in sorted batches of {_SORTED_SIZE}",
            matters_from=_LEAST_FALL,
            why="Half of all digits; guessing would lose 0.8 to 0.9.",
            scale="difference",
            form=".3f",
        ),
    ),
    controls=(
        Control("before_eval", "Accuracy of batch norm with eval()", _LEARNED, form=".1%"),
        Control("layer_eval", "Accuracy of layer norm", _LEARNED, form=".1%"),
        Control("layer_change", "Largest change of layer norm", at_most=_MOST_CHANGE, form=".3f"),
    ),
    remarks=_remarks,
)

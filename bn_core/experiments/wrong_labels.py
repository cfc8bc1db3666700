"""The noise of batch statistics by itself, and whether it keeps a net from memorizing."""

import dataclasses
from collections.abc import Mapping
from typing import Any

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
from bn_core.randomness import generator
from bn_core.results import Curve, ExperimentSpec, Metric, Panel, Result, TaskGenerator

Array = np.ndarray
_EXAMPLES, _WRONG = 192, 0.2
_STEPS, _EVERY, _QUICK_EVERY = 400, 2, 4
_LEVEL = 0.85
_LABEL_STREAM = 32
_GHOSTS, _QUICK_GHOSTS = (64, 32, 16, 8, 4), (4,)
_VARIANTS: Mapping[str, tuple[str, dict[str, Any]]] = {
    "whole": ("BN on all 192", {"normalization": "batch"}),
    **{
        f"ghost{size}": (f"BN on {size}", {"normalization": "ghost", "ghost_size": size})
        for size in _GHOSTS
    },
    "dropout": ("BN on all 192 and dropout", {"normalization": "batch", "dropout": 0.5}),
    "none": ("No norm", {}),
}
_SMALLEST = f"ghost{_GHOSTS[-1]}"
_LEAST = 0.02
_MEMORIZED = 0.99
_DURING, _END = "on the way", "in the end"

SPEC = ExperimentSpec(
    slug="labels",
    title="Does the noise of the statistics regularize?",
    claim=(
        "The noise of batch statistics keeps a net from memorizing wrong labels: the fewer "
        "examples share a mean and a variance, the more."
    ),
    source="Ioffe & Szegedy 2015 (1502.03167), section 3.4; Hoffer et al. 2017 (1705.08741), "
    "abstract",
    claims=(8,),
    question=(
        "One label in five is wrong. When all are memorized, how much better on new digits is a "
        "net whose statistics came from 4 examples than one whose came from all 192?"
    ),
    answers=("Better by more than two points", "Equal within two points", "Worse"),
    method=(
        "A 3-layer ReLU net of 128 units learns 192 digits, of which 38 have a wrong label. Every "
        "step sees all 192, so the gradient has no noise of its own; ghost batch norm takes the "
        "statistics of 64, 32, 16, 8 or 4 at a time, cut anew in every step. Measured every two "
        "steps with running statistics: accuracy on the 192 with their given labels, and on held-"
        "out digits with right ones. On the way nets are compared when 85 % of the given labels "
        "are first met; in the end after 400 steps."
    ),
    formula=r"\hat x_n=\frac{x_n-\mu(G)}{\sigma(G)},\quad n\in G,\ |G|=m;\qquad "
    r"\Delta=\text{acc}_{\text{new}}(m)-\text{acc}_{\text{new}}(192)\ \text{ at }\ "
    r"\text{acc}_{\text{given}}=0.85",
    paper_found=(
        "Ioffe & Szegedy saw less need of dropout, as each example is seen with others of its "
        "batch. Hoffer et al. take the statistics of small parts of a large batch to make its "
        "generalization gap smaller."
    ),
    disagreement=(
        "A net trained on until all labels are met has learned the wrong ones too, whatever the "
        "noise: in the end ten seeds gave -0.016 (-0.060 to 0.006) here, and 0.064 (0.020 to "
        "0.138) on the way. Batch norm itself memorizes sooner than the net without it, drawn "
        "beside: the noise may do no more than make up for that."
    ),
    shards=tuple(_VARIANTS),
    link="depth=3&width=128&init=he&batch=192&lr=0.1&steps=400&ghost=4&arms=none-before-ghost",
)


def shard(name: str, seeds: int, first_seed: int, quick: bool) -> TaskGenerator:
    """Train one kind of net on all examples at once, and measure it on the way."""
    left_out = quick and name not in ("whole", "dropout", _SMALLEST)
    label, changes = _VARIANTS[name]
    work, every = Shard(0 if left_out else _STEPS), _QUICK_EVERY if quick else _EVERY
    if left_out:
        return work.complete()
    config = Config(
        depth=3,
        width=128,
        initialization="he",
        batch_size=_EXAMPLES,
        learning_rate=0.1,
        replicas=seeds,
        seed=first_seed,
    )
    trainer = Trainer(config.changed(changes), with_wrong_labels(load_per_seed(config), first_seed))
    yield from work.train(trainer, _STEPS, label, every=every, measure=_accuracies)
    return work.complete()


def with_wrong_labels(data: Dataset, first_seed: int) -> Dataset:
    """Return the first 192 training examples, a fifth of them labelled as another class."""
    inputs, labels = data.train_inputs[:, :_EXAMPLES], data.train_labels[:, :_EXAMPLES].clone()
    classes, wrong = len(data.classes), int(_WRONG * _EXAMPLES)
    for replica, given in enumerate(labels):
        draw = generator(first_seed + replica, "data", _LABEL_STREAM)
        rows = torch.randperm(_EXAMPLES, generator=draw)[:wrong]
        given[rows] = (given[rows] + torch.randint(1, classes, (wrong,), generator=draw)) % classes
    return dataclasses.replace(data, train_inputs=inputs, train_labels=labels)


def _accuracies(trainer: Trainer) -> dict[str, Array]:
    data = trainer.dataset
    given = validation_accuracy(trainer, inputs=data.train_inputs, labels=data.train_labels)
    return {"given": given, "new": validation_accuracy(trainer)}


def at_level(given: Array, new: Array, level: float = _LEVEL) -> Array:
    """Return ``new`` (R, T) where ``given`` (R, T) first reaches a level, (R,); NaN if never."""
    reached = given >= level
    found = new[np.arange(len(new)), reached.argmax(axis=1)]
    return np.where(reached.any(axis=1), found, np.nan)


def summarize(partials: Mapping[str, PartialResult]) -> Result:
    """Return accuracy on new digits over that on the given labels, and what the noise adds."""
    curves, metrics = [], []
    by_size: dict[str, list[Array]] = {"level": [], "end": []}
    sizes = []
    for tone, (name, (label, _)) in enumerate(_VARIANTS.items()):
        found = partials.get(name, {})
        if "steps" not in found:
            continue
        if name in ("whole", _SMALLEST, "dropout", "none"):
            arm = {"whole": "before", _SMALLEST: "ghost", "none": "none"}.get(name, "")
            curves.append(Curve(label, found["steps"], found["new"], arm=arm, tone=tone))
        if found.get("complete"):
            metrics += _metrics(name, label, found)
            if name == "whole" or name.startswith("ghost"):
                sizes.append(_VARIANTS[name][1].get("ghost_size", _EXAMPLES))
                by_size["level"].append(metrics[-3].values)
                by_size["end"].append(metrics[-2].values)
    needed = ("whole", _SMALLEST, "dropout")
    if is_complete(partials, needed):
        metrics += _differences({metric.key: metric.values for metric in metrics})
    return Result((_over_steps(curves), _over_sizes(sizes, by_size)), tuple(metrics))


def _metrics(name: str, label: str, found: PartialResult) -> list[Metric]:
    level = at_level(found["given"], found["new"])
    never = "never got there"
    return [
        Metric(f"{name}_level", f"{label}: new digits at 85 % given", level, ".1%", never),
        Metric(f"{name}_end", f"{label}: new digits in the end", found["new"][:, -1], ".1%"),
        Metric(f"{name}_given", f"{label}: given labels in the end", found["given"][:, -1], ".1%"),
    ]


def _differences(values: Mapping[str, Array]) -> list[Metric]:
    said = "Statistics of 4 minus those of all 192"
    on_the_way = values[f"{_SMALLEST}_level"] - values["whole_level"]
    in_the_end = values[f"{_SMALLEST}_end"] - values["whole_end"]
    helps = values["dropout_end"] - values["whole_end"]
    return [
        Metric("during", f"{said}, at 85 % given", on_the_way, ".3f"),
        Metric("end", f"{said}, in the end", in_the_end, ".3f"),
        Metric("helps", "What dropout adds, in the end", helps, ".3f"),
    ]


def _over_steps(curves: list[Curve]) -> Panel:
    return Panel(
        "new",
        "Accuracy on new digits while the given labels are memorized",
        "step",
        "validation accuracy",
        tuple(curves),
        help="All nets see the same 192 examples, 38 of them with a wrong label, in every step.",
    )


def _over_sizes(sizes: list[int], by_size: Mapping[str, list[Array]]) -> Panel:
    words = {"level": "when 85 % of the given labels are met", "end": "after 400 steps"}
    curves = tuple(
        Curve(words[key], np.array(sizes), np.stack(rows, axis=1), tone=tone, kind="points")
        for tone, (key, rows) in enumerate(by_size.items())
        if rows
    )
    return Panel(
        "sizes",
        "Accuracy on new digits, by how many examples share statistics",
        "examples that share a mean and a variance",
        "validation accuracy",
        curves,
        help="On the left the statistics are noisy, on the right they have no noise at all.",
        x_scale="log",
    )


def _effect(key: str, label: str, part: str) -> Effect:
    return Effect(
        key,
        label,
        matters_from=_LEAST,
        why="Two points, ten of the 500 held-out digits; the 38 wrong labels are 20 points.",
        scale="difference",
        part=part,
        form=".3f",
    )


def _remarks(result: Result) -> str:
    held = {metric.key: metric.median for metric in result.metrics}
    names = {
        "none": "without a norm",
        "whole": "with batch norm on all",
        _SMALLEST: "on 4 at a time",
    }
    said = [
        f"{held[f'{name}_level']:.1%} {words}"
        for name, words in names.items()
        if f"{name}_level" in held
    ]
    return f"Accuracy on new digits at 85 % of the given labels: {', '.join(said)}."


EXPERIMENT = Experiment(
    SPEC,
    shard,
    summarize,
    effects=(
        _effect("during", "Accuracy that the noise adds, at 85 % of the given labels", _DURING),
        _effect("end", "Accuracy that the noise adds in the end", _END),
    ),
    controls=(
        Control("whole_given", "Given labels met without noise", _MEMORIZED, part=_END, form=".1%"),
        Control("helps", "What dropout adds in the end", _LEAST, part=_END, form=".3f"),
    ),
    remarks=_remarks,
)

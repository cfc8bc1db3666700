"""How much gradient reaches the first layer of a deep net, for three activations."""

from collections.abc import Mapping

import numpy as np
import torch

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
from bn_core.probing import statistics
from bn_core.results import Curve, ExperimentSpec, Metric, Panel, Result, TaskGenerator

Array = np.ndarray
_DEPTHS = (2, 4, 6, 8, 10)
_DEEPEST = _DEPTHS[-1]
_ARMS = ("none", "before")
_ACTIVATIONS = {
    "sigmoid": ("sigmoid", "xavier"),
    "tanh": ("tanh", "xavier"),
    "relu": ("ReLU", "he"),
}
_LEAST_GAIN = 10.0
_LEARNED = 0.5

SPEC = ExperimentSpec(
    slug="vanish",
    title="Vanishing gradients",
    claim="Batch norm lessens vanishing gradients.",
    source="Ioffe & Szegedy 2015 (1502.03167), sections 1 and 3.3",
    claims=(2,),
    question="In a 10-layer sigmoid net, how much of the last layer's gradient reaches the first?",
    answers=("About the same", "A hundredth", "Less than a thousandth"),
    method=(
        "Nets of 2 to 10 layers of sigmoid, tanh or ReLU units (He's initial weights for ReLU, "
        "Xavier's for the others) see one mini-batch of digits. The length of the first layer's "
        "gradient is divided by that of the last hidden layer's; where the ratio r is 1 or more, "
        "nothing has vanished. Then the deepest nets are trained for 300 steps, to see whether it "
        "matters."
    ),
    formula=r"r = \|\nabla_{W_1} L\| \,/\, \|\nabla_{W_L} L\|, \qquad "
    r"gain = \min(r_{BN}, 1) / \min(r_{none}, 1)",
    paper_found=(
        "The authors trained nets with sigmoid units that would not train without batch norm, and "
        "give unsaturated inputs as the reason."
    ),
    disagreement=(
        "Gradients vanish by layers that shrink them: with suitable initial weights those of tanh "
        "and ReLU layers hardly do, and batch norm has little to lessen. In very deep nets it "
        "makes gradients grow instead: see its experiment."
    ),
    shards=_ARMS,
    link="depth=10&act=sigmoid&init=xavier&lr=0.1&steps=300",
)


def shard(name: str, seeds: int, first_seed: int, quick: bool) -> TaskGenerator:
    """Measure the ratio at every depth, then train the deepest net, for each activation."""
    steps = 100 if quick else 300
    work = Shard(len(_ACTIVATIONS) * (len(_DEPTHS) + steps))
    for activation, (label, initialization) in _ACTIVATIONS.items():
        base = Config(
            activation=activation,
            initialization=initialization,
            replicas=seeds,
            seed=first_seed,
        )
        words, config = f"{arm_label(name)}, {label}", arm_config(name, base)
        ratios = np.zeros((seeds, 0))
        for depth in _DEPTHS:
            trainer = make_trainer(config.changed({"depth": depth}))
            ratios = np.c_[ratios, gradient_ratio(trainer)]
            work.put(**{f"{activation}_ratio": ratios})
            yield work.advance(f"{words}, {depth} layers")
        trainer = make_trainer(config.changed({"depth": _DEEPEST}))
        yield from work.train(trainer, steps, words)
        work.put(**{f"{activation}_accuracy": validation_accuracy(trainer)})
    return work.complete()


def gradient_ratio(trainer: Trainer) -> Array:
    """Return |grad W_1| / |grad W_L| of the hidden layers for the first batch, (K,)."""
    inputs, labels = trainer.batches.first()
    hidden = trainer.net.hidden
    with trainer.net.evaluation_mode(statistics="batch"):
        loss = statistics.losses(trainer.net(inputs), labels).sum()
    gradients = torch.autograd.grad(loss, [hidden[0].weight, hidden[-1].weight])
    first, last = statistics.matrix_norms(list(gradients)).double().numpy().T
    return first / last


def lessened(plain: Array, normalized: Array) -> Array:
    """Return min(r_normalized, 1) / min(r_plain, 1), (R,): how many times less has vanished.

    A first layer that gets more than the last has lost nothing: growth is not less vanishing.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.minimum(normalized, 1) / np.minimum(plain, 1)


def summarize(partials: Mapping[str, PartialResult]) -> Result:
    """Return the ratio by depth for each activation, and what the deepest nets have learned."""
    metrics = [
        one
        for name in _ARMS
        if is_complete(partials, [name])
        for one in _metrics(name, partials[name])
    ]
    if is_complete(partials, _ARMS):
        for activation, (label, _) in _ACTIVATIONS.items():
            plain, normalized = (partials[name][f"{activation}_ratio"][:, -1] for name in _ARMS)
            words = f"{label}: times less vanished with BN"
            metrics.append(Metric(f"{activation}_gain", words, lessened(plain, normalized)))
    panels = tuple(_panel(partials, activation) for activation in _ACTIVATIONS)
    return Result(panels, tuple(metrics))


def _metrics(name: str, found: PartialResult) -> list[Metric]:
    metrics = []
    for activation, (label, _) in _ACTIVATIONS.items():
        key, words = f"{activation}_{name}", f"{label}, {arm_label(name)}"
        deepest, accuracy = found[f"{activation}_ratio"][:, -1], found[f"{activation}_accuracy"]
        metrics += [
            Metric(key, f"{words}: first over last gradient, {_DEEPEST} layers", deepest, ".2g"),
            Metric(f"{key}_accuracy", f"{words}: accuracy after training", accuracy, ".1%"),
        ]
    return metrics


def _panel(partials: Mapping[str, PartialResult], activation: str) -> Panel:
    curves = []
    for name in (one for one in _ARMS if f"{activation}_ratio" in partials.get(one, {})):
        ratios = partials[name][f"{activation}_ratio"]
        depths = np.array(_DEPTHS[: ratios.shape[1]], float)
        curves.append(Curve(arm_label(name), depths, ratios, arm=name, kind="points"))
    return Panel(
        activation,
        f"{_ACTIVATIONS[activation][0]}: gradient of the first layer, before training",
        "hidden layers",
        "first layer's gradient / last hidden layer's",
        tuple(curves),
        help="1 means that all layers get as much. The axis is logarithmic.",
        y_scale="log",
        marks=((1.0, "as much as the last"),),
    )


def _remarks(result: Result) -> str:
    measured = "; ".join(
        f"{label} {result[f'{activation}_none'].words()} without and "
        f"{result[f'{activation}_before'].words()} with batch norm, accuracy after training "
        f"{result[f'{activation}_none_accuracy'].words()} and "
        f"{result[f'{activation}_before_accuracy'].words()}"
        for activation, (label, _) in _ACTIVATIONS.items()
    )
    return f"First over last gradient: {measured}."


EXPERIMENT = Experiment(
    SPEC,
    shard,
    summarize,
    effects=tuple(
        Effect(
            f"{activation}_gain",
            "First over last gradient (at most 1), with batch norm over without",
            matters_from=_LEAST_GAIN,
            why="An order of magnitude over ten layers: less than 1.3 times in each of them.",
            part=label,
        )
        for activation, (label, _) in _ACTIVATIONS.items()
    ),
    controls=tuple(
        Control(
            f"{activation}_before_accuracy",
            "Accuracy of the net with batch norm after training",
            at_least=_LEARNED,
            part=label,
            form=".1%",
        )
        for activation, (label, _) in _ACTIVATIONS.items()
    ),
    remarks=_remarks,
)

"""A net of random weights of which only gamma and beta learn (Frankle, Schwab & Morcos 2020)."""

from collections.abc import Mapping

import numpy as np
from torch import nn

from bn_core.config import Config
from bn_core.datasets.digits import VALIDATION_DIGITS
from bn_core.experiments.base import (
    Experiment,
    PartialResult,
    Shard,
    Trainer,
    error_ratio,
    is_complete,
    make_trainer,
    validation_accuracy,
)
from bn_core.experiments.effects import Control, Effect
from bn_core.results import Curve, ExperimentSpec, Metric, Panel, Result, TaskGenerator

Array = np.ndarray
_EVERY = 25
_LEARNED = 0.9
_TRAINED = {
    "affine": "gamma and beta only",
    "output": "output layer only",
    "all": "everything",
}
_COLOURS = {"affine": "neutral-1", "output": "neutral-2", "all": "before"}

SPEC = ExperimentSpec(
    slug="affine",
    title="Only gamma and beta learn",
    claim="A net of random weights learns well if nothing but its gamma and beta is trained.",
    source="Frankle, Schwab & Morcos 2020 (2003.00152), abstract and section 4",
    claims=(),
    question="2,560 of 283,658 numbers learn: gamma and beta. What accuracy does the net reach?",
    answers=("Hardly better than guessing", "About three quarters", "More than 90 %"),
    method=(
        "A net of 5 ReLU layers, 256 units each, with batch norm keeps PyTorch's random weights. "
        "Adam trains gamma and beta at rate 0.01, 800 steps, and leaves the output layer random "
        "too. For comparison it trains the output layer alone, which has about as many numbers, "
        "and in a third net everything."
    ),
    formula=r"y = \gamma \hat x + \beta, \qquad W \text{ fixed}",
    paper_found=(
        "Deep residual nets reached 82 % on CIFAR-10 this way, far more than with as many other "
        "weights chosen at random; about a third of the units ended switched off."
    ),
    disagreement=(
        "Digits are far easier than CIFAR-10, so the output layer alone does well too. What counts "
        "is the order of the two, and how near either comes to training everything."
    ),
    shards=tuple(_TRAINED),
)


def shard(name: str, seeds: int, first_seed: int, quick: bool) -> TaskGenerator:
    """Train one share of the parameters, evaluated every 25 steps."""
    config = Config(
        depth=5,
        width=256,
        normalization="batch",
        optimizer="adam",
        learning_rate=0.01,
        replicas=seeds,
        seed=first_seed,
        steps=200 if quick else 800,
    )
    trainer, work = make_trainer(config), Shard(config.steps)
    work.put(count=trainer.net.learn_only(parameters(trainer, name)))
    words = f"training {_TRAINED[name]}"
    yield from work.train(trainer, config.steps, words, every=_EVERY, measure=_accuracy)
    return work.complete()


def parameters(trainer: Trainer, name: str) -> list[nn.Parameter]:
    """Return the parameters that learn: "affine" (gamma and beta), "output" or "all"."""
    match name:
        case "affine":
            return [parameter for norm in trainer.net.norms for parameter in norm.parameters()]
        case "output":
            return list(trainer.net.output.parameters())
        case _:
            return list(trainer.net.parameters())


def _accuracy(trainer: Trainer) -> dict[str, Array]:
    return {"accuracy": validation_accuracy(trainer)}


def summarize(partials: Mapping[str, PartialResult]) -> Result:
    """Return accuracy over the steps for each share that learns, and its end."""
    curves, metrics = [], []
    for name, found in partials.items():
        if "steps" not in found:
            continue
        label = f"{_TRAINED[name]} ({found['count']:,} numbers)"
        curves.append(Curve(label, found["steps"], found["accuracy"], colour=_COLOURS[name]))
        if found.get("complete"):
            metrics.append(Metric(name, f"Trained: {label}", found["accuracy"][:, -1], ".3f"))
    if is_complete(partials, [*_TRAINED]):
        output, affine = (partials[name]["accuracy"][:, -1] for name in ("output", "affine"))
        ratio = error_ratio(output, affine, VALIDATION_DIGITS)
        metrics.append(Metric("ratio", "Errors: output layer / gamma and beta", ratio, ".2f"))
    panel = Panel(
        "accuracy",
        "Accuracy, by what is allowed to learn",
        "step",
        "validation accuracy",
        tuple(curves),
        help="Frozen numbers keep their random start; the running averages of batch norm move in "
        "all three nets.",
        y_range=(0.0, 1.02),
    )
    return Result((panel,), tuple(metrics))


EXPERIMENT = Experiment(
    SPEC,
    shard,
    summarize,
    effects=(
        Effect(
            "affine",
            "Accuracy if gamma and beta alone are trained",
            matters_from=_LEARNED,
            why="90 %, the accuracy from which nets count as trained in all experiments here.",
            scale="difference",
            reference=0.1,
            part="learning well",
        ),
        Effect(
            "ratio",
            "Errors of the net whose output layer is trained over those of this one",
            matters_from=1.25,
            why="A quarter more errors: less is a few of 500 digits, as between two seeds.",
            part="more than the output layer alone",
            form=".2f",
        ),
    ),
    controls=(Control("all", "Accuracy if everything is trained", at_least=_LEARNED, form=".1%"),),
)

"""A net of random weights of which only gamma and beta learn (Frankle, Schwab & Morcos 2020)."""

from collections.abc import Mapping

import numpy as np
from torch import nn

from bn_core.config import Config
from bn_core.experiments.base import (
    PartialResult,
    Trainer,
    UnconvertedExperiment,
    complete,
    progress,
)
from bn_core.results import Curve, ExperimentSpec, Metric, Panel, Result, TaskGenerator, Verdict

_EVERY = 25
_LEAST_RIGHT = 0.9
_PARTS = {
    "affine": "gamma and beta only",
    "output": "output layer only",
    "all": "everything",
}
_ARMS = {"affine": "before", "output": "none", "all": ""}

SPEC = ExperimentSpec(
    slug="affine",
    title="Only gamma and beta learn",
    claim="A net of random weights learns well if nothing but its gamma and beta is trained.",
    source="Frankle, Schwab & Morcos 2020 (2003.00152), abstract and section 4",
    claims=(),
    question="2,560 of 283,658 numbers learn: gamma and beta. How often is the net right?",
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
    shards=tuple(_PARTS),
)


def part(name: str, seeds: int, quick: bool) -> TaskGenerator:
    """Train one share of the parameters, judged every 25 steps."""
    config = Config(
        depth=5,
        width=256,
        normalization="batch",
        optimizer="adam",
        learning_rate=0.01,
        replicas=seeds,
        steps=200 if quick else 800,
    )
    trainee = Trainer(config)
    count = freeze_all_but(trainee, name)
    at, right = [], []
    piece: PartialResult = {}
    for step in range(1, config.steps + 1):
        trainee.step()
        if step % _EVERY == 0:
            at.append(step)
            right.append(trainee.evaluate()[1].numpy())
            piece = {"steps": np.array(at), "accuracy": np.array(right).T, "count": count}
        yield progress(step, config.steps, f"training {_PARTS[name]}, step {step}", piece)
    return complete(piece)


def freeze_all_but(trainee: Trainer, name: str) -> int:
    """Let only "affine", "output" or "all" learn; return how many numbers of one net that is."""
    chosen = {id(parameter) for parameter in _parameters(trainee, name)}
    for parameter in trainee.net.parameters():
        parameter.requires_grad_(id(parameter) in chosen)
    return sum(p.numel() for p in _parameters(trainee, name)) // trainee.config.replicas


def _parameters(trainee: Trainer, name: str) -> list[nn.Parameter]:
    net = trainee.net
    match name:
        case "affine":
            return [parameter for norm in net.norms for parameter in norm.parameters()]
        case "output":
            return list(net.output.parameters())
        case _:
            return list(net.parameters())


def summarize(pieces: Mapping[str, PartialResult]) -> Result:
    """Return accuracy over the steps for each share that learns, and its end."""
    curves, measures = [], []
    for name, piece in pieces.items():
        if "steps" not in piece:
            continue
        label = f"{_PARTS[name]} ({piece['count']:,} numbers)"
        curves.append(Curve(label, piece["steps"], piece["accuracy"], arm=_ARMS[name]))
        if piece.get("complete"):
            measures.append(Metric(name, f"Trained: {label}", piece["accuracy"][:, -1], ".3f"))
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
    return Result((panel,), tuple(measures))


def judge(finding: Result) -> Verdict:
    """The claim holds if gamma and beta reach 90 % and beat the output layer, for every seed."""
    affine, output, everything = (finding[name] for name in _PARTS)
    words = (
        f"Training gamma and beta only: right on {affine.words()}; the output layer only: "
        f"{output.words()}; everything: {everything.words()}."
    )
    learned = (affine.values >= _LEAST_RIGHT).all()
    if learned and (affine.values > output.values).all():
        return Verdict("holds", words)
    return Verdict("depends" if learned else "fails", words)


EXPERIMENT = UnconvertedExperiment(SPEC, part, summarize, judge)

"""How much gradient reaches the first layer of a deep net of S-shaped units."""

from collections.abc import Mapping

import numpy as np
import torch

from bn_core import measures
from bn_core.config import Config
from bn_core.experiments.base import (
    PartialResult,
    Trainer,
    UnconvertedExperiment,
    complete,
    progress,
)
from bn_core.results import Curve, ExperimentSpec, Metric, Panel, Result, TaskGenerator, Verdict

_DEPTHS = (2, 4, 6, 8, 10)
_DEEPEST = _DEPTHS[-1]
_ARMS = {"none": ("none", "No norm"), "before": ("batch", "BN before")}
_LEAST_GAIN = 100.0
_LEAST_LEARNT, _MOST_LEARNT = 0.5, 0.2

SPEC = ExperimentSpec(
    slug="vanish",
    title="Vanishing gradients",
    claim="Batch norm lessens vanishing gradients.",
    source="Ioffe & Szegedy 2015 (1502.03167), sections 1 and 3.3",
    claims=(2,),
    question="In a 10-layer sigmoid net, how much of the last layer's gradient reaches the first?",
    answers=("About the same", "A hundredth", "Less than a thousandth"),
    method=(
        "Nets of 2 to 10 layers of sigmoid units with Xavier's initial weights see one mini-batch "
        "of digits. The length of the first layer's gradient is divided by that of the last hidden "
        "layer's. Then the deepest net is trained, to see whether it matters."
    ),
    formula=r"r = \|\nabla_{W_1} L\| \,/\, \|\nabla_{W_L} L\|",
    paper_found=(
        "The authors trained nets with sigmoid units that would not train without batch norm, and "
        "give unsaturated inputs as the reason."
    ),
    disagreement=(
        "Gradients vanish by layers that shrink them; other initial weights, ReLU and shortcuts "
        "help as well. In very deep nets batch norm makes them grow instead: see its experiment."
    ),
    shards=tuple(_ARMS),
    link="depth=10&act=sigmoid&init=xavier&lr=0.1&steps=300",
)


def part(name: str, seeds: int, quick: bool) -> TaskGenerator:
    """Measure the ratio at every depth, then train the deepest net."""
    base = Config(
        activation="sigmoid",
        initialization="xavier",
        normalization=_ARMS[name][0],
        replicas=seeds,
        steps=100 if quick else 300,
    )
    ratios = np.full((seeds, len(_DEPTHS)), np.nan)
    total = base.steps + len(_DEPTHS)
    for index, depth in enumerate(_DEPTHS):
        ratios[:, index] = ratio(Trainer(base.changed({"depth": depth})))
        yield progress(index, total, f"{_ARMS[name][1]}, {depth} layers", {"ratio": ratios})
    trainee = Trainer(base.changed({"depth": _DEEPEST}))
    for step in range(base.steps):
        trainee.step()
        words = f"training {_DEEPEST} layers, {_ARMS[name][1]}, step {step}"
        yield progress(len(_DEPTHS) + step, total, words, {"ratio": ratios})
    return complete({"ratio": ratios, "accuracy": trainee.evaluate()[1].numpy()})


def ratio(trainee: Trainer) -> np.ndarray:
    """Return |grad W_1| / |grad W_L| of the hidden layers for the first batch, (K,)."""
    inputs, labels = trainee.batches.first()
    hidden = [layer.linear.weight for layer in trainee.net.hidden]
    with trainee.net.evaluation_mode(statistics="batch"):
        loss = measures.losses(trainee.net(inputs), labels).sum()
    gradients = torch.autograd.grad(loss, [hidden[0], hidden[-1]])
    lengths = measures.matrix_norms(list(gradients)).double().numpy()
    return lengths[:, 0] / lengths[:, 1]


def summarize(pieces: Mapping[str, PartialResult]) -> Result:
    """Return the ratio by depth, and what the deepest net has learnt."""
    curves, found = [], []
    for name, piece in pieces.items():
        label = _ARMS[name][1]
        curves.append(Curve(label, np.array(_DEPTHS, float), piece["ratio"], arm=name))
        if piece.get("complete"):
            deepest = piece["ratio"][:, -1]
            words = f"{label}: first over last gradient, {_DEEPEST} layers"
            found.append(Metric(name, words, deepest, ".2g"))
            words = f"{label}: accuracy after training"
            found.append(Metric(f"{name} accuracy", words, piece["accuracy"], ".1%"))
    panel = Panel(
        "ratio",
        "How much gradient reaches the first layer, before training",
        "hidden layers",
        "first layer's gradient / last hidden layer's",
        tuple(curves),
        help="1 means that all layers get as much. The axis is logarithmic.",
        y_scale="log",
        marks=((1.0, "as much as the last"),),
    )
    return Result((panel,), tuple(found))


def judge(finding: Result) -> Verdict:
    """It holds if batch norm lets a hundred times more through, and that lets the net learn."""
    plain, normalized = finding["none"], finding["before"]
    learnt = [finding[f"{name} accuracy"] for name in _ARMS]
    words = (
        f"First over last gradient in {_DEEPEST} layers: {plain.words()} without, "
        f"{normalized.words()} with. Accuracy after training: {learnt[0].words()} and "
        f"{learnt[1].words()}."
    )
    more = normalized.values / plain.values
    matters = (learnt[1].values >= _LEAST_LEARNT) & (learnt[0].values <= _MOST_LEARNT)
    if (more >= _LEAST_GAIN).all() and matters.all():
        return Verdict("holds", words)
    return Verdict("depends" if (more > 1).all() else "fails", words)


EXPERIMENT = UnconvertedExperiment(SPEC, part, summarize, judge)

"""What a net predicts when nobody switches it out of training mode."""

from collections.abc import Mapping

import numpy as np
import torch

from bn_core.config import Config
from bn_core.experiments.base import (
    PartialResult,
    Trainer,
    UnconvertedExperiment,
    complete,
    progress,
)
from bn_core.randomness import generator
from bn_core.results import Curve, ExperimentSpec, Metric, Panel, Result, TaskGenerator, Verdict

_SIZES = (2, 5, 10, 25, 50, 100, 250)
_SORTED_SIZE = 50
_MOST_SORTED = 0.2
_LEAST_RIGHT = 0.9
_WAYS = {"shuffled": "training mode, shuffled", "sorted": "training mode, sorted by class"}
_ARMS = {"before": ("batch", "Batch norm"), "layer": ("layer", "Layer norm")}

SPEC = ExperimentSpec(
    slug="eval",
    title="Forgetting eval()",
    claim="A net left in training mode lets the rest of the batch decide what it predicts.",
    source="Ioffe & Szegedy 2015 (1502.03167), section 3.1 and Algorithm 2",
    claims=(13,),
    question="Judged in training mode on batches of 50 sorted by class, how often is it right?",
    answers=("As often as with eval()", "About half the time", "No better than guessing"),
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
        "population's. A stream of one class, or a batch of two, brings it out."
    ),
    shards=tuple(_ARMS),
    link="depth=3&init=he&batch=64&lr=0.1&steps=400&eval=batch",
)


def part(name: str, seeds: int, quick: bool) -> TaskGenerator:
    """Train one arm, then let it predict in every way."""
    config = Config(
        depth=3,
        initialization="he",
        normalization=_ARMS[name][0],
        replicas=seeds,
        steps=150 if quick else 400,
    )
    trainee, total = Trainer(config), config.steps + 2 * len(_SIZES)
    for step in range(config.steps):
        trainee.step()
        yield progress(step, total, f"training with {_ARMS[name][1]}, step {step}")
    piece = {"running": trainee.evaluate()[1].numpy()}
    piece |= {way: np.full((seeds, len(_SIZES)), np.nan) for way in _WAYS}
    for index, way in enumerate(_WAYS):
        order = _order(trainee, way)
        for number, size in enumerate(_SIZES):
            done, right = config.steps + index * len(_SIZES) + number, np.zeros(seeds)
            for count, chosen in enumerate(order.split(size)):
                if count % 10 == 0:
                    yield progress(done, total, f"{way}, batches of {size}", piece)
                right += right_answers(trainee, chosen)
            piece[way][:, number] = right / len(order)
    return complete(piece)


def _order(trainee: Trainer, way: str) -> torch.Tensor:
    """Return in which order the validation data come, (N,)."""
    labels = trainee.dataset.validation_labels
    if way == "sorted":
        return labels.argsort(stable=True)
    return torch.randperm(len(labels), generator=generator(trainee.config.seed, "data", 11))


def right_answers(trainee: Trainer, chosen: torch.Tensor) -> np.ndarray:
    """Return how many of the chosen validation data are put right in training mode, (K,).

    They are one batch, so its mean and variance normalize each of them; ``chosen`` is (B,).
    """
    inputs = trainee.dataset.validation_inputs[chosen]
    labels = trainee.dataset.validation_labels[chosen]
    return trainee.evaluate("batch", inputs, labels)[1].numpy() * len(chosen)


def summarize(pieces: Mapping[str, PartialResult]) -> Result:
    """Return accuracy over the size of the batch, and how far training mode is from eval()."""
    measures: list[Metric] = []
    at = _SIZES.index(_SORTED_SIZE)
    for name, piece in pieces.items():
        if not piece.get("complete"):
            continue
        label, right = _ARMS[name][1], piece["running"]
        measures.append(Metric(f"{name} eval", f"{label}: with eval()", right, ".2f"))
        found = piece["sorted"][:, at]
        words = f"{label}: sorted by class, {_SORTED_SIZE}"
        measures.append(Metric(f"{name} sorted", words, found, ".2f"))
        for size in (50, 10, 2):
            found = piece["shuffled"][:, _SIZES.index(size)]
            words = f"{label}: shuffled, batches of {size}"
            measures.append(Metric(f"{name} {size}", words, found, ".2f"))
    return Result((_panel(pieces),), tuple(measures))


def _panel(pieces: Mapping[str, PartialResult]) -> Panel:
    curves = []
    piece = pieces.get("before", {})
    if "running" in piece:
        level = np.repeat(piece["running"][:, None], len(_SIZES), axis=1)
        curves.append(Curve("Batch norm, eval()", np.array(_SIZES), level, arm="before"))
        for tone, (way, words) in enumerate(_WAYS.items()):
            curves.append(Curve(f"Batch norm, {words}", np.array(_SIZES), piece[way], tone=tone))
    if "sorted" in pieces.get("layer", {}):
        label = f"Layer norm, {_WAYS['sorted']}"
        curves.append(Curve(label, np.array(_SIZES), pieces["layer"]["sorted"], arm="layer"))
    return Panel(
        "accuracy",
        "One net, judged in eval() and in training mode",
        "examples in a batch",
        "validation accuracy",
        tuple(curves),
        help="The weights never change; only where batch norm takes its mean and variance from "
        "does. Layer norm takes them from each example alone, so the batch cannot matter.",
        x_scale="log",
        y_range=(0.0, 1.02),
    )


def judge(finding: Result) -> Verdict:
    """The claim holds if a good net guesses on sorted batches, for every seed."""
    right, mixed, pair = (finding[f"before {key}"] for key in ("eval", "50", "2"))
    ordered = finding["before sorted"]
    words = (
        f"With eval() the net is right on {right.words()}. In training mode it is right on "
        f"{ordered.words()} of the digits in batches of {_SORTED_SIZE} sorted by class, on "
        f"{pair.words()} in shuffled batches of 2, and on {mixed.words()} in shuffled ones of 50."
    )
    good = right.values >= _LEAST_RIGHT
    spoiled = ordered.values <= _MOST_SORTED
    if (good & spoiled).all():
        return Verdict("holds", words)
    return Verdict("depends" if (good & spoiled).any() else "fails", words)


EXPERIMENT = UnconvertedExperiment(SPEC, part, summarize, judge)

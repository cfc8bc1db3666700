"""How finely the gain of the initial weights must be tuned, with and without batch norm."""

import math
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from bn_core import measures
from bn_core.config import Config
from bn_core.experiments.base import (
    PartialResult,
    Trainer,
    UnconvertedExperiment,
    complete,
    progress,
)
from bn_core.probes import capture_activations
from bn_core.results import Curve, ExperimentSpec, Metric, Panel, Result, TaskGenerator, Verdict

_ARMS = {"none": ("none", "No norm"), "before": ("batch", "BN before")}
_GAINS = (0.5, 0.75, 1.0, 1.25, 5 / 3, 2.25, 3.0)
_PROBE = 300
_CONFIDENCE = 0.1
_EVEN, _UNEVEN, _STILL_MOVES = 1.2, 5.0, 1.0

SPEC = ExperimentSpec(
    slug="gain",
    title="The gain of tanh layers",
    claim="With batch norm the gain of the initial weights no longer matters.",
    source="Karpathy, makemore part 3 (lecture, 2022); Ioffe & Szegedy 2015 (1502.03167), "
    "section 3.3",
    claims=(6, 11, 10),
    question="With batch norm, what still changes when the gain goes from 0.5 to 3?",
    answers=("Nothing", "How many units saturate", "How fast the weights change"),
    method=(
        "Six layers of 100 tanh units. Weights are drawn from N(0, gain² / inputs), with seven "
        "gains; the output layer has gain 0.1 throughout, so that the net begins without an "
        "opinion. Before training 300 images pass through, and we keep the last hidden layer's "
        "standard deviation and the share of its outputs beyond 0.97. Then comes one step at rate "
        "0.1, of which we keep how far each layer's weights moved. The link shows gain 5/3 in "
        "the Lab, where the gain holds for the output layer too."
    ),
    formula=r"r = \log_{10} \frac{\mathrm{std}(\eta\,\partial L / \partial W)}{\mathrm{std}(W)}"
    r", \qquad W \to cW \;\Rightarrow\; r \to r - 2\log_{10} c",
    paper_found=(
        "In the lecture 5/3 is the gain at which plain tanh layers neither die out nor saturate; "
        "with batch norm the histograms look alike at any gain, but the update-to-data ratio "
        "still shifts, so the rate must be tuned anew."
    ),
    disagreement=(
        "The plain net's best gain depends on the activation and on the depth. A rate of update "
        "near -3 is a rule of thumb, not a law."
    ),
    shards=tuple(_ARMS),
    link="depth=6&width=100&act=tanh&init=he&gain=1.1785&steps=300",
)


def part(name: str, seeds: int, quick: bool) -> TaskGenerator:
    """Look at one arm at every gain, and take one step."""
    found = {key: np.full((seeds, len(_GAINS)), np.nan) for key in ("std", "saturated", "update")}
    for index, gain in enumerate(_GAINS):
        label = f"{_ARMS[name][1]}, gain {gain:.3g}"
        yield progress(2 * index, 2 * len(_GAINS), label, _copied(found))
        trainee = _trainee(name, gain, seeds)
        std, saturated = last_layer(trainee)
        found["std"][:, index], found["saturated"][:, index] = std.numpy(), saturated.numpy()
        yield progress(2 * index + 1, 2 * len(_GAINS), label, _copied(found))
        found["update"][:, index] = update(trainee).numpy()
    yield progress(1, 1, "done", _copied(found))
    return complete(found)


def _copied(found: Mapping[str, np.ndarray]) -> PartialResult:
    return {key: values.copy() for key, values in found.items()}


def _trainee(name: str, gain: float, seeds: int) -> Trainer:
    config = Config(
        depth=6,
        width=100,
        activation="tanh",
        initialization="he",
        gain=gain / math.sqrt(2),  # He's variance is 2 / inputs; here it is gain^2 / inputs
        normalization=_ARMS[name][0],
        replicas=seeds,
    )
    trainee = Trainer(config)
    with torch.no_grad():
        trainee.net.output.weight.mul_(_CONFIDENCE / gain)
    return trainee


@torch.no_grad()
def last_layer(trainee: Trainer) -> tuple[Tensor, Tensor]:
    """Return the last hidden layer's std and saturated share over a probe, (K,) each.

    std of all its outputs (N C values); share of |tanh| > 0.97. Source: makemore part 3.
    """
    probe = trainee.dataset.train_inputs[:_PROBE].expand(trainee.config.replicas, _PROBE, -1)
    with trainee.net.evaluation_mode(statistics="batch"), capture_activations(trainee.net) as heard:
        trainee.net(probe)
    outputs = heard["post_activation"][-1].unsqueeze(0)
    _, std = measures.moments(outputs)
    return std[0], measures.saturated_share(outputs, trainee.config.activation)[0]


def update(trainee: Trainer) -> Tensor:
    """Take one step; return log10(std(step) / std(weights)), median over hidden layers, (K,)."""
    weights = [layer.linear.weight for layer in trainee.net.hidden]
    before = [weight.detach().clone() for weight in weights]
    trainee.step()
    ratios = measures.update_ratios(before, [weight.detach() for weight in weights])
    return ratios.median(dim=1).values.log10()


def summarize(pieces: Mapping[str, PartialResult]) -> Result:
    """Return spread, saturation and update ratio over the gain, and how much each one changes."""
    panels = (
        _panel(pieces, "std", "Spread of the last hidden layer", "std of its outputs"),
        _panel(pieces, "saturated", "Saturation of the last hidden layer", "share beyond 0.97"),
        _panel(
            pieces,
            "update",
            "First update, relative to the weights",
            "log10 of the ratio",
            marks=((-3.0, "rule of thumb"),),
        ),
    )
    return Result(panels, tuple(one for key in pieces for one in _measures(key, pieces[key])))


def _panel(
    pieces: Mapping[str, PartialResult],
    key: str,
    title: str,
    y_label: str,
    marks: tuple[tuple[float, str], ...] = (),
) -> Panel:
    gains = np.array(_GAINS)
    curves = (Curve(_ARMS[name][1], gains, piece[key], arm=name) for name, piece in pieces.items())
    return Panel(key, title, "gain of the weights", y_label, tuple(curves), marks=marks)


def _measures(name: str, piece: PartialResult) -> list[Metric]:
    label, std = _ARMS[name][1], piece["std"]
    saturated, moved = piece["saturated"][:, -1], np.ptp(piece["update"], axis=1)
    ratio = std.max(axis=1) / std.min(axis=1)
    return [
        Metric(f"{name}_low", f"{label}: std at gain 0.5", std[:, 0]),
        Metric(f"{name}_high", f"{label}: std at gain 3", std[:, -1]),
        Metric(f"{name}_saturated", f"{label}: saturated at gain 3", saturated, ".0%"),
        Metric(f"{name}_ratio", f"{label}: largest std / smallest", ratio),
        Metric(f"{name}_update", f"{label}: range of log10 of the update", moved, ".2f"),
    ]


def judge(finding: Result) -> Verdict:
    """The claim holds in part: outputs no longer notice the gain, updates still do."""
    none, before = finding["none_ratio"], finding["before_ratio"]
    update = finding["before_update"]
    words = (
        f"From gain 0.5 to 3 the last layer's std changes by a factor of {none.words()} without "
        f"batch norm and {before.words()} with it; saturation at gain 3 is "
        f"{finding['none_saturated'].words()} against {finding['before_saturated'].words()}. "
        f"But with batch norm the first update still changes by {update.words()} powers of ten."
    )
    even = (before.values <= _EVEN).all() and (none.values >= _UNEVEN).all()
    if not even:
        return Verdict("fails", words)
    if (update.values >= _STILL_MOVES).all():
        return Verdict("depends", words)
    return Verdict("holds", words)


EXPERIMENT = UnconvertedExperiment(SPEC, part, summarize, judge)

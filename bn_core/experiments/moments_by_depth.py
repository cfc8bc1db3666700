"""How the size of activations grows with the depth of a residual net (De & Smith 2020)."""

from collections.abc import Iterator, Mapping

import numpy as np
import torch
from torch import Tensor

from bn_core.config import Config
from bn_core.datasets.loading import load
from bn_core.experiments.base import PartialResult, UnconvertedExperiment, complete, progress
from bn_core.residual import ResidualNet
from bn_core.results import Curve, ExperimentSpec, Metric, Panel, Result, TaskGenerator, Verdict

_ARMS = {"none": ("none", "No norm"), "before": ("batch", "BN in each branch")}
_BLOCKS, _QUICK_BLOCKS, _WIDTH, _EXAMPLES = 30, 15, 128, 256
_GROWTH, _SLOPE = (1.8, 2.3), (0.9, 1.1)
_HELP = {
    "squares": "On the skip path, behind each block. A straight line here is exponential growth.",
    "linear": "A straight line here is growth by a fixed amount: each branch adds a variance of 1.",
    "means": "The mean of each unit over the examples, squared, averaged over the units. What "
    "enters a branch is normalized again, so batch norm's branches do not see it.",
}

SPEC = ExperimentSpec(
    slug="depth",
    title="Means and variances through the depth",
    claim="Without batch norm activations grow exponentially with depth; batch norm stops that.",
    source="Bjorck et al. 2018 (1806.02375), section 3; De & Smith 2020 (2002.10444), section 3",
    claims=(10,),
    question="A residual net of 30 blocks, not trained yet. What does batch norm make of the "
    "activations' growth with depth?",
    answers=("They stay level", "They grow a little with every block", "They double every block"),
    method=(
        "An untrained residual net: 30 blocks of width 128, each adding W ReLU(norm(x)) to x, "
        "with He's weights. 256 digits pass through. After every block we take the mean square "
        "of all activations, and the mean square of the units' means. Without batch norm we fit "
        "a factor per block, with it the amount each block adds."
    ),
    formula=r"E[x_{l+1}^2] \approx 2\,E[x_l^2] \text{ (none)}, \qquad "
    r"E[x_{l+1}^2] \approx E[x_l^2] + 1 \text{ (batch norm)}",
    paper_found=(
        "Bjorck et al. measured channel means and variances that grow almost exponentially with "
        "depth in a residual net without batch norm, and stay small with it. De & Smith derive "
        "doubling without it and linear growth with it."
    ),
    disagreement=(
        "Doubling comes from the skip connection: block and input are of one size and are added. "
        "In a net without skips He's weights alone keep the size, with or without batch norm; "
        "the Lab's view by depth shows it."
    ),
    shards=tuple(_ARMS),
    link="arch=residual&depth=20&width=128&init=he&lr=0.01&steps=200",
)


def part(name: str, seeds: int, quick: bool) -> TaskGenerator:
    """Follow one arm's activations from block to block."""
    normalization, label = _ARMS[name]
    blocks = _QUICK_BLOCKS if quick else _BLOCKS
    config = Config(width=_WIDTH, initialization="he", normalization=normalization, replicas=seeds)
    data = load(config)
    inputs = data.train_inputs[:_EXAMPLES]
    piece = {"squares": np.zeros((seeds, 0)), "means": np.zeros((seeds, 0))}
    yield progress(0, blocks, f"{label}, drawing weights", piece)
    net = ResidualNet(config, inputs.shape[1], len(data.classes), blocks)
    squares, means = [], []
    for done, x in enumerate(stream(net, inputs.expand(seeds, *inputs.shape))):
        squares.append(mean_square(x).numpy())
        means.append(mean_square(x.mean(dim=1, keepdim=True)).numpy())
        piece = {"squares": np.array(squares).T, "means": np.array(means).T}
        yield progress(done, blocks, f"{label}, block {done}", piece)
    return complete(piece)


@torch.no_grad()
def stream(net: ResidualNet, x: Tensor) -> Iterator[Tensor]:
    """Yield what enters the first block, then what leaves each block, (K, N, C).

    Batch norm uses the moments of these examples; its running averages stay.
    """
    for norm in net.norms:
        norm.track_statistics = False
    x = net.stem(x)
    yield x
    for block in net.blocks:
        x = block(x)
        yield x
    for norm in net.norms:
        norm.track_statistics = True


def mean_square(x: Tensor) -> Tensor:
    """Return E[x^2] over examples and units, (K,): x (K, N, C)."""
    return x.square().mean(dim=(1, 2))


def growth(squares: np.ndarray) -> np.ndarray:
    """Return the factor per block, (K,): exp of the least-squares slope of log E[x^2], (K, L)."""
    return np.exp(_slope(np.log(squares)))


def added(squares: np.ndarray) -> np.ndarray:
    """Return what each block adds, (K,): the least-squares slope of E[x^2], (K, L)."""
    return _slope(squares)


def _slope(values: np.ndarray) -> np.ndarray:
    return np.polyfit(np.arange(values.shape[1]), values.T, 1)[0]


def summarize(pieces: Mapping[str, PartialResult]) -> Result:
    """Return the mean squares by depth, and each arm's growth."""
    panels = (
        _panel("squares", "Mean square of the activations", "E[x²]", pieces),
        _panel("linear", "The same with batch norm, even scale", "E[x²]", pieces, alone=True),
        _panel("means", "How far the units' means are from zero", "mean square", pieces),
    )
    measured = [
        one
        for name, piece in pieces.items()
        if piece["squares"].shape[1] > 2
        for one in _measures(name, piece)
    ]
    return Result(panels, tuple(measured))


def _panel(
    key: str, title: str, y_label: str, pieces: Mapping[str, PartialResult], alone: bool = False
) -> Panel:
    """Return a panel of both arms on a log axis, or of batch norm ``alone`` on an even one."""
    source = "squares" if alone else key
    curves = tuple(
        Curve(_ARMS[name][1], np.arange(piece[source].shape[1]), piece[source], arm=name)
        for name, piece in pieces.items()
        if name == "before" or not alone
    )
    return Panel(
        key,
        title,
        "block",
        y_label,
        curves,
        help=_HELP[key],
        y_scale="linear" if alone else "log",
    )


def _measures(name: str, piece: PartialResult) -> list[Metric]:
    label, squares = _ARMS[name][1], piece["squares"]
    return [
        Metric(f"{name}_growth", f"{label}: factor per block", growth(squares), ".2f"),
        Metric(f"{name}_added", f"{label}: added per block", added(squares), ".3g"),
        Metric(f"{name}_last", f"{label}: E[x²] behind the last block", squares[:, -1]),
    ]


def judge(finding: Result) -> Verdict:
    """The claim holds if activations double without and grow by one with batch norm."""
    factor, amount = finding["none_growth"], finding["before_added"]
    words = (
        f"Without batch norm E[x²] is multiplied by {factor.words()} at every block; with it "
        f"each block adds {amount.words()}. Behind the last block that makes "
        f"{finding['none_last'].words()} against {finding['before_last'].words()}."
    )
    doubles = bool(((factor.values >= _GROWTH[0]) & (factor.values <= _GROWTH[1])).all())
    steady = bool(((amount.values >= _SLOPE[0]) & (amount.values <= _SLOPE[1])).all())
    if doubles and steady:
        return Verdict("holds", words)
    if (finding["none_last"].values > finding["before_last"].values).all():
        return Verdict("depends", "Batch norm grows less, but not as theory says. " + words)
    return Verdict("fails", words)


EXPERIMENT = UnconvertedExperiment(SPEC, part, summarize, judge)

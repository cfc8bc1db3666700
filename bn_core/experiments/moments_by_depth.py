"""How the size of activations grows with the depth of a residual net (De & Smith 2020)."""

from collections.abc import Iterator, Mapping

import numpy as np
import torch
from torch import Tensor

from bn_core.config import Config
from bn_core.datasets.loading import load_per_seed
from bn_core.experiments.base import (
    Experiment,
    PartialResult,
    Shard,
    arm_config,
    arm_label,
    is_complete,
)
from bn_core.experiments.effects import Effect
from bn_core.nets import Net, linear_stem
from bn_core.results import Curve, ExperimentSpec, Metric, Panel, Result, TaskGenerator

Array = np.ndarray
_ARMS = ("none", "before")
_BLOCKS, _QUICK_BLOCKS, _WIDTH, _EXAMPLES = 30, 15, 128, 256
_LEAST_GROWTH, _EVEN = 1.5, 1.5
_HELP = {
    "squares": "On the shortcut, behind each block. A straight line here is exponential growth.",
    "linear": "A straight line here is growth by a fixed amount: each branch adds a variance of 1.",
    "means": "The mean of each unit over the examples, squared, averaged over the units. What "
    "enters a branch is normalized again, so batch norm's branches do not see it.",
}

SPEC = ExperimentSpec(
    slug="depth",
    title="Means and variances through the depth",
    claim="Without batch norm the activations of a residual net grow exponentially with depth; "
    "batch norm makes the growth linear.",
    source="Bjorck et al. 2018 (1806.02375), section 3; De & Smith 2020 (2002.10444), section 3",
    claims=(10,),
    question="A residual net of 30 blocks, not trained yet. What does batch norm make of the "
    "activations' growth with depth?",
    answers=("They stay level", "They grow a little with every block", "They double every block"),
    method=(
        "An untrained residual net: 30 blocks of width 128, each adding W ReLU(norm(x)) to x, "
        "with He's weights. 256 digits pass through. After every block we take the mean square "
        "of all activations, and the mean square of the units' means. Without batch norm a factor "
        "per block is fitted; with it, what the second half of the blocks adds is compared with "
        "what the first half adds: linear growth adds the same."
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
    shards=_ARMS,
    link="arch=residual&depth=20&width=128&init=he&lr=0.01&steps=200",
)


def shard(name: str, seeds: int, first_seed: int, quick: bool) -> TaskGenerator:
    """Follow one arm's activations from block to block."""
    blocks = _QUICK_BLOCKS if quick else _BLOCKS
    base = Config(width=_WIDTH, initialization="he", replicas=seeds, seed=first_seed)
    config, data = arm_config(name, base), load_per_seed(base)
    work = Shard(blocks + 2)
    yield work.advance(f"{arm_label(name)}, drawing weights")
    net = linear_stem(config, data.input_shape, len(data.classes), blocks)
    squares = means = np.zeros((seeds, 0))
    for block, x in enumerate(activations(net, data.train_inputs[:, :_EXAMPLES])):
        squares = np.c_[squares, mean_square(x).numpy()]
        means = np.c_[means, mean_square(x.mean(dim=1, keepdim=True)).numpy()]
        work.put(squares=squares, means=means)
        yield work.advance(f"{arm_label(name)}, block {block}")
    return work.complete()


@torch.no_grad()
def activations(net: Net, x: Tensor) -> Iterator[Tensor]:
    """Yield what enters the first block, then what leaves each block, (K, N, C).

    Batch norm uses the moments of these examples; its running averages stay.
    """
    with net.evaluation_mode(statistics="batch"):
        for layer in net.hidden:
            x = layer(x)
            yield x


def mean_square(x: Tensor) -> Tensor:
    """Return E[x^2] over examples and units, (K,): x (K, N, C)."""
    return x.square().mean(dim=(1, 2))


def growth(squares: Array) -> Array:
    """Return the factor per block, (K,): exp of the least-squares slope of log E[x^2], (K, L)."""
    return np.exp(added(np.log(squares)))


def added(squares: Array) -> Array:
    """Return what each block adds, (K,): the least-squares slope of E[x^2], (K, L)."""
    blocks = np.arange(squares.shape[1]) - (squares.shape[1] - 1) / 2
    return squares @ blocks / (blocks @ blocks)


def halves(squares: Array) -> Array:
    """Return what the last L // 2 blocks add over what the first L // 2 add, (K,); 1 if linear."""
    half = (squares.shape[1] - 1) // 2
    return (squares[:, -1] - squares[:, -1 - half]) / (squares[:, half] - squares[:, 0])


def summarize(partials: Mapping[str, PartialResult]) -> Result:
    """Return the mean squares by depth, and each arm's growth."""
    shown = {name: partials[name] for name in _ARMS if "squares" in partials.get(name, {})}
    panels = (
        _panel("squares", "Mean square of the activations", "E[x²]", shown),
        _panel("linear", "The same with batch norm, even scale", "E[x²]", shown, alone=True),
        _panel("means", "How far the units' means are from zero", "mean square", shown),
    )
    ended = [name for name in shown if is_complete(partials, [name])]
    return Result(
        panels, tuple(one for name in ended for one in _metrics(name, shown[name]["squares"]))
    )


def _panel(
    key: str, title: str, y_label: str, shown: Mapping[str, PartialResult], alone: bool = False
) -> Panel:
    """Return a panel of both arms on a log axis, or of batch norm ``alone`` on an even one."""
    source = "squares" if alone else key
    curves = tuple(
        Curve(arm_label(name), np.arange(found[source].shape[1]), found[source], arm=name)
        for name, found in shown.items()
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


def _metrics(name: str, squares: Array) -> list[Metric]:
    label = arm_label(name)
    return [
        Metric(f"{name}_growth", f"{label}: factor per block", growth(squares), ".2f"),
        Metric(f"{name}_added", f"{label}: added per block", added(squares), ".3g"),
        Metric(f"{name}_halves", f"{label}: added, second half / first", halves(squares), ".3g"),
        Metric(f"{name}_last", f"{label}: E[x²] behind the last block", squares[:, -1]),
    ]


def _remarks(result: Result) -> str:
    return (
        f"Theory says a factor of 2 without batch norm and 1 added with it; with batch norm each "
        f"block adds {result['before_added'].words()}. Behind the last block E[x²] is "
        f"{result['none_last'].words()} without and {result['before_last'].words()} with it."
    )


EXPERIMENT = Experiment(
    SPEC,
    shard,
    summarize,
    effects=(
        Effect(
            "none_growth",
            "Factor by which E[x²] grows per block without batch norm",
            matters_from=_LEAST_GROWTH,
            why="Half of the way to the doubling that theory says: 190,000 times in 30 blocks.",
            part="exponential growth without batch norm",
            form=".2f",
            lost="had activations that were zero or not finite",
        ),
        Effect(
            "before_halves",
            "What the second half of the blocks adds over what the first half adds",
            matters_from=_EVEN,
            why="Half as much again; growth by 5 % a block would already double it.",
            direction="within",
            part="linear growth with batch norm",
            form=".2f",
            lost="had activations that shrank or were not finite",
        ),
    ),
    remarks=_remarks,
)

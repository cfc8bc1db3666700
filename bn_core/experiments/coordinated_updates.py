"""How much of the decrease that a gradient promises a step of descent brings, by depth and rate."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from bn_core.config import Config
from bn_core.experiments.base import (
    Experiment,
    PartialResult,
    Shard,
    arm_config,
    arm_label,
    exact_trainer,
    is_complete,
    loss_and_gradient,
)
from bn_core.experiments.effects import Control, Effect
from bn_core.nets import Net
from bn_core.probing.smoothness import as_vectors
from bn_core.probing.statistics import losses
from bn_core.results import Curve, ExperimentSpec, Metric, Panel, Result, TaskGenerator
from bn_core.training import Batch

Array = np.ndarray
_ARMS = ("none", "before")
_DEPTHS = (2, 5, 10, 20)
_RATES = (1e-6, 1e-5, 1e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0)
_BATCHES, _QUICK_BATCHES = 4, 1
_LEAST_GAIN = 0.2
_LEAST_TINY = 0.9
_LOWEST_DRAWN = -1.0
_PARTS = {5: (0.1, "5 layers at rate 0.1"), 20: (0.01, "20 layers at rate 0.01")}
"""The rate that counts for nets of a depth, and the name of that part."""
_COLOURS = {
    0.1: {"none": "none", "before": "before"},
    0.01: {"none": "neutral-1", "before": "neutral-2"},
}
"""The styles of the panel by depth: for each rate that of each arm."""

SPEC = ExperimentSpec(
    slug="updates",
    title="Updates of many layers at once",
    claim="Batch norm makes the updates of many layers fit together: a step brings more of the "
    "decrease that the gradient promises.",
    source="Goodfellow, Bengio & Courville 2016, Deep Learning, section 8.7.1",
    claims=(4,),
    question="Twenty ReLU layers before training, one step at rate 0.01. How much of the promised "
    "decrease of the loss does the net with batch norm get?",
    answers=("More than the net without", "About as much", "Less than the net without"),
    method=(
        "A gradient promises that a small step lowers the loss by the rate times its squared "
        "length. ReLU nets of 2 to 20 layers with He's initial weights, in float64, take one step "
        "from their start and the loss of the same 64 digits is computed again; each number is "
        "the mean over four batches. For comparison each layer takes its part of the step alone, "
        "and the decreases are added up."
    ),
    formula=r"r(\eta) = \frac{L(\theta) - L(\theta - \eta g)}{\eta \lVert g \rVert^2}, \qquad "
    r"r_{single}(\eta) = \frac{\sum_l \left[L(\theta) - L(\theta - \eta g_l)\right]}"
    r"{\eta \lVert g \rVert^2}",
    paper_found=(
        "Goodfellow et al. explain on a chain of linear layers that updates which are right for "
        "each layer alone go wrong when all layers move, through products of the updates, and say "
        "that batch norm significantly reduces this problem. They measure nothing."
    ),
    disagreement=(
        "At the start a deep net with batch norm has gradients that grow from layer to layer, so a "
        "step of the same rate is a far larger one: with 20 layers the rate has to be smaller. "
        "One step says little about training: after some steps the lengths are others."
    ),
    shards=_ARMS,
    link="depth=5&init=he&lr=0.1&steps=100",
)


def shard(name: str, seeds: int, first_seed: int, quick: bool) -> TaskGenerator:
    """Take steps of every size from the start of one arm's nets of every depth."""
    count = _QUICK_BATCHES if quick else _BATCHES
    work, found = Shard(count * len(_DEPTHS)), dict[str, Array]()
    for depth in _DEPTHS:
        config = Config(depth=depth, initialization="he", replicas=seeds, seed=first_seed)
        trainer = exact_trainer(arm_config(name, config))
        rows = []
        for number in range(1, count + 1):
            rows.append(shares(trainer.net, trainer.batches.next(), _RATES))
            yield work.advance(f"{arm_label(name)}, {depth} layers, batch {number}")
        for kind in ("joint", "single"):
            found[f"{kind}_{depth}"] = np.mean([row[kind] for row in rows], axis=0)
        work.put(**found)
    return work.complete()


def shares(net: Net, batch: Batch, rates: tuple[float, ...]) -> dict[str, Array]:
    """Return the share of the promised decrease by rate, (K, rates): joint and single steps.

    joint: (L(theta) - L(theta - eta g)) / (eta |g|^2), all parameters moved; single: the decreases
    of one layer moved at a time, added up. -inf where the loss is not finite.
    """
    loss, gradient = loss_and_gradient(net, batch)
    squared = as_vectors(gradient, net.config.replicas).square().sum(dim=1)
    slopes = dict(zip(net.parameters(), gradient, strict=True))
    layers = [list(layer.parameters()) for layer in (*net.hidden, net.output)]
    found: dict[str, list[Tensor]] = {"joint": [], "single": []}
    for rate in rates:
        joint = loss - _loss_moved(net, batch, slopes, rate)
        alone = [
            loss - _loss_moved(net, batch, {one: slopes[one] for one in layer}, rate)
            for layer in layers
        ]
        found["joint"].append(joint / (rate * squared))
        found["single"].append(torch.stack(alone).sum(dim=0) / (rate * squared))
    return {
        kind: torch.stack(rows, dim=1).nan_to_num(-torch.inf, -torch.inf, -torch.inf).numpy()
        for kind, rows in found.items()
    }


@torch.no_grad()
def _loss_moved(
    net: Net, batch: Batch, slopes: Mapping[torch.nn.Parameter, Tensor], rate: float
) -> Tensor:
    """Return the loss, (K,), with some parameters moved against their gradients; puts them back."""
    kept = {one: one.detach().clone() for one in slopes}
    for one, slope in slopes.items():
        one -= rate * slope
    with net.evaluation_mode(statistics="batch"):
        moved = losses(net(batch[0]), batch[1])
    for one, value in kept.items():
        one.copy_(value)
    return moved


def summarize(partials: Mapping[str, PartialResult]) -> Result:
    """Return the shares by rate and by depth, and what batch norm adds to them."""
    began = {
        name: partials[name] for name in _ARMS if f"joint_{_DEPTHS[0]}" in partials.get(name, {})
    }
    panels = [_by_rate(began, depth) for depth in _PARTS]
    panels.append(_by_depth(began))
    metrics, reached = [], {}
    for name in (name for name in _ARMS if is_complete(partials, [name])):
        for depth, (rate, words) in _PARTS.items():
            share = partials[name][f"joint_{depth}"]
            reached[name, depth] = share[:, _RATES.index(rate)]
            label = f"{arm_label(name)}, {depth} layers"
            metrics += [
                Metric(
                    f"{name}_{depth}", f"{arm_label(name)}, {words}", reached[name, depth], ".3f"
                ),
                Metric(f"{name}_{depth}_tiny", f"{label} at rate 0.000001", share[:, 0], ".3f"),
            ]
    if is_complete(partials, _ARMS):
        for depth, (_, words) in _PARTS.items():
            with np.errstate(invalid="ignore"):
                gain = reached["before", depth] - reached["none", depth]
            metrics.append(
                Metric(f"gain_{depth}", f"Batch norm minus no norm, {words}", gain, ".3f")
            )
    return Result(tuple(panel for panel in panels if panel.curves), tuple(metrics))


def _by_rate(began: Mapping[str, PartialResult], depth: int) -> Panel:
    curves = tuple(
        Curve(
            f"{arm_label(name)}, {words}",
            np.array(_RATES),
            np.maximum(found[f"{kind}_{depth}"], _LOWEST_DRAWN),
            arm=name,
            faint=kind == "single",
        )
        for name, found in began.items()
        if f"joint_{depth}" in found
        for kind, words in (("joint", "all layers"), ("single", "one at a time"))
    )
    return Panel(
        f"rates_{depth}",
        f"Share of the promised decrease, {depth} layers",
        "learning rate",
        "decrease / promised decrease",
        curves,
        help="1: the loss falls as the gradient promises. Below 0 it rises; values below -1 are "
        "drawn there. Faint: each layer moves alone, and the decreases are added.",
        x_scale="log",
        y_range=(_LOWEST_DRAWN - 0.02, 1.05),
    )


def _by_depth(began: Mapping[str, PartialResult]) -> Panel:
    curves = []
    for rate, colours in _COLOURS.items():
        for name, found in began.items():
            depths = [depth for depth in _DEPTHS if f"joint_{depth}" in found]
            rows = [found[f"joint_{depth}"][:, _RATES.index(rate)] for depth in depths]
            y = np.maximum(np.column_stack(rows), _LOWEST_DRAWN)
            label = f"{arm_label(name)}, rate {rate:g}"
            curves.append(
                Curve(label, np.array(depths), y, arm=name, kind="points", colour=colours[name])
            )
    return Panel(
        "depths",
        "Share of the promised decrease by depth",
        "hidden layers",
        "decrease / promised decrease",
        tuple(curves),
        help="All layers move, at rate 0.1 or 0.01.",
        y_range=(_LOWEST_DRAWN - 0.02, 1.05),
    )


EXPERIMENT = Experiment(
    SPEC,
    shard,
    summarize,
    effects=tuple(
        Effect(
            f"gain_{depth}",
            "Share of the promised decrease with batch norm minus that without",
            matters_from=_LEAST_GAIN,
            why="A fifth of what the gradient promises.",
            scale="difference",
            part=words,
            form=".3f",
        )
        for depth, (_, words) in _PARTS.items()
    ),
    controls=tuple(
        Control(
            f"{name}_{depth}_tiny",
            f"Share at rate 0.000001, {words}, where the promise is nearly exact",
            at_least=_LEAST_TINY,
            at_most=2 - _LEAST_TINY,
            part=part,
            form=".3f",
        )
        for depth, (_, part) in _PARTS.items()
        for name, words in (("none", "without batch norm"), ("before", "with batch norm"))
    ),
)

"""What of the nets' diagram moves while they train; what stands still is in ``diagram_nets``.

All numbers are medians over the seeds that have not diverged, losses and accuracies over all:
where most have diverged, so has the median, and the others' numbers stand beside it.
"""

import dataclasses
import math
from typing import TypedDict

import numpy as np

from bn_core.comparison import Comparison
from bn_core.config import Config
from bn_core.diagnosis import NOT_FINITE, NetState, diagnose, remaining
from bn_core.figures import record_queries as queries
from bn_core.figures.diagram_nets import map_size
from bn_core.figures.distributions import MIDDLES, WIDTHS
from bn_core.figures.view import View
from bn_core.records import SITES, DataSummary, NetStatistics, Record, Snapshot

Array = np.ndarray

DENSITY_POINTS = 49
"""Odd, so that one lies at zero."""
DENSITY_TOP = 100

_ROUNDING = 1e-6
"""Of the standard deviation, in single precision."""
_HALF_AXES = (4.0, 10.0, 30.0, 100.0, 1_000.0, 10_000.0)
"""The distributions' axis reaches this far on either side; 4 shows a deviation of 1."""

_SHARES = {"relu": "dead", "tanh": "saturated", "sigmoid": "saturated"}
"""What can go wrong with the outputs of an activation: the field of the statistics."""

_SITE_WORDS = {
    "pre_activation": "into the activation",
    "post_activation": "out of the activation",
    "normalized": "out of the normalization",
}


class LayerState(TypedDict):
    """What passes a layer at one step."""

    density: list[int]
    """Of what enters the activation, at even places of the axis, as shares of 100."""
    std: str
    share: str
    """How many units are dead or outputs saturated; empty where neither can be."""
    sick: str
    """What is wrong with the layer in a word; empty if nothing is."""
    gradient: float | None
    """log10 of the norm of its weights' gradient; None where there is no finite one."""
    maps: list[list[str]]
    """Of each example the first channels behind the activation: a hexadecimal digit a pixel, row by
    row, from the layer's lowest value to its highest; empty where there are no channels."""


class LaneState(TypedDict):
    """One arm's nets at one step."""

    layers: list[LayerState]
    """The output layer's is the last; nothing enters an activation there."""
    outputs: list[list[int]]
    """The predicted probability of each class in percent, a list for each example."""
    of: str
    """What the accuracy is over: "median of 3 seeds"; empty for one seed."""
    accuracy: str
    loss: str
    kind: str
    words: str
    """The state of the nets."""


class SiteState(TypedDict):
    """The distribution at one place of a layer."""

    words: str
    density: list[int]
    numbers: str


class Enlarged(TypedDict):
    """One layer of every net, with the distributions at all places; a list for each arm."""

    layer: int
    name: str
    """What the layer is called: "Layer 3", or "Time step 3" in recurrent nets."""
    lanes: list[list[SiteState]]


class Diagram(TypedDict):
    """What of the diagram moves while the nets train."""

    at: int | None
    """The step at which the nets were measured; None before they are built."""
    axis: float
    """The distributions are drawn from minus this to this."""
    lanes: list[LaneState]
    large: Enlarged | None


def diagram(
    record: Record,
    cursor: int | None = None,
    live: Snapshot | None = None,
    view: View | None = None,
) -> Diagram:
    """Return the state of each net at the cursor, a snapshot's index; None is the newest there is.

    ``live`` is a newer measurement than the record's, and is shown unless there is a cursor. The
    layer that the view names is shown large.
    """
    record = record if cursor is not None else up_to_date(record, live)
    snapshot, states = queries.snapshot_at(record, cursor), diagnose(record, cursor)
    half = _half_axis(snapshot)
    large = view.layer if view is not None and view.layer <= record.comparison.depth else 0
    return Diagram(
        at=snapshot.step,
        axis=half,
        lanes=[_lane_state(record, arm, snapshot, state, half) for arm, state in enumerate(states)],
        large=_enlarged(record, snapshot, large, half) if large else None,
    )


def unbuilt_diagram(comparison: Comparison) -> Diagram:
    """Return the state of nets that are still to be built: nothing of them has been measured."""
    lanes = [
        LaneState(
            layers=_unmeasured(config),
            outputs=[],
            of="",
            accuracy="-",
            loss="loss -",
            kind="unbuilt",
            words="not built yet",
        )
        for config in comparison.configs
    ]
    return Diagram(at=None, axis=_HALF_AXES[0], lanes=lanes, large=None)


def up_to_date(record: Record, live: Snapshot | None) -> Record:
    """Return the record with what was measured since, and without nets that were lost since."""
    snapshots = record.snapshots
    if live is not None and snapshots and live.step > snapshots[-1].step:
        snapshots = (*snapshots, live)
    lost = [queries.divergence_of(record, arm) is not None for arm in range(len(record.configs))]
    if snapshots and any(lost):
        left = tuple(
            None if gone else arm for gone, arm in zip(lost, snapshots[-1].arms, strict=True)
        )
        snapshots = (*snapshots[:-1], Snapshot(snapshots[-1].step, left))
    return dataclasses.replace(record, snapshots=snapshots)


def densities(histogram: Array, half: float) -> Array:
    """Return densities, (L, P), of counts on HISTOGRAM_EDGES, (L, B), at P even places.

    The places lie from -half to half; each layer's highest density anywhere is DENSITY_TOP.
    """
    per_value = histogram.astype(np.float64) / WIDTHS
    places = np.linspace(-half, half, DENSITY_POINTS)
    drawn = np.array([np.interp(places, MIDDLES, layer) for layer in per_value])
    drawn = drawn.reshape(len(histogram), DENSITY_POINTS)
    outside = (per_value * (np.abs(MIDDLES) > half)).max(axis=1, keepdims=True)
    highest = np.maximum(drawn.max(axis=1, keepdims=True), outside)
    return np.rint(DENSITY_TOP * drawn / np.maximum(highest, 1e-300)).astype(int)


def _half_axis(snapshot: Snapshot) -> float:
    """Return how far the axis reaches: at least half of all layers fit into it."""
    moments = [_moments(arm) for arm in snapshot.arms if arm is not None]
    reaches = np.concatenate([np.abs(mean) + 2 * std for mean, std in moments] or [np.zeros(0)])
    typical = float(queries.middle(reaches, 0)) if len(reaches) else 0.0
    return next((half for half in _HALF_AXES if typical <= half), _HALF_AXES[-1])


def _moments(statistics: NetStatistics, site: str = "pre_activation") -> tuple[Array, Array]:
    """Return mean and deviation of what passes a site of each layer, (L,) each."""
    at = SITES.index(site)
    mean, std = statistics.mean[:, at], statistics.std[:, at]
    return queries.middle(mean, 0), queries.middle(std, 0)


def _lane_state(
    record: Record, arm: int, snapshot: Snapshot, state: NetState, half: float
) -> LaneState:
    statistics, config = snapshot.arms[arm], record.configs[arm]
    kind, words = state.kind, state.words
    if statistics is None:
        layers = _lost_layers(config, state)
        return LaneState(
            layers=layers, outputs=[], of="", accuracy="-", loss="loss -", kind=kind, words=words
        )
    accuracy, loss = _accuracy_and_loss(statistics)
    return LaneState(
        layers=_layer_states(config, statistics, dict(state.sick_layers), half),
        outputs=_outputs(record.summary, statistics),
        of="" if config.replicas == 1 else f"median of {config.replicas} seeds",
        accuracy=accuracy,
        loss=loss,
        kind=kind,
        words=words,
    )


def _accuracy_and_loss(statistics: NetStatistics) -> tuple[str, str]:
    """Return the medians over the seeds; where that is a seed that diverged, what the others have.

    A seed that diverged counts as the worst.
    """
    losses, shares = statistics.validation_loss, statistics.validation_accuracy
    lost = ~np.isfinite(losses)
    loss = float(queries.median(np.where(lost, np.inf, losses), 0))
    if math.isfinite(loss):
        accuracy = queries.median(np.where(lost, 0.0, shares), 0)
        return f"{100 * float(accuracy):.0f} %", f"loss {queries.plain(loss)}"
    if lost.all():
        return "diverged", "loss -"
    who = remaining(int((~lost).sum()), len(lost))
    share, rest = (float(queries.median(values[~lost], 0)) for values in (shares, losses))
    return "diverged", f"{who}: {100 * share:.0f} %, loss {queries.plain(rest)}"


def _lost_layers(config: Config, state: NetState) -> list[LayerState]:
    """Return layers without numbers; the one whose numbers were the first to be lost says so."""
    layers = _unmeasured(config)
    if state.layer is not None:
        layers[state.layer - 1]["sick"] = NOT_FINITE
    return layers


def _unmeasured(config: Config) -> list[LayerState]:
    return [
        LayerState(density=[], std="", share="", sick="", gradient=None, maps=[])
        for _ in range(config.depth + 1)
    ]


def _layer_states(
    config: Config, statistics: NetStatistics, sick: dict[int, str], half: float
) -> list[LayerState]:
    hills = densities(statistics.histogram[SITES.index("pre_activation")], half)
    _, stds = _moments(statistics)
    shares = _share_words(config, statistics)
    norms = queries.middle(statistics.gradient_norm, 0)
    maps = _maps(statistics)
    layers = [
        LayerState(
            density=hill.tolist(),
            std=queries.plain(std) if math.isfinite(std) else "",
            share=share,
            sick=sick.get(number, ""),
            gradient=_power(norm),
            maps=maps[number - 1],
        )
        for number, (hill, std, share, norm) in enumerate(
            zip(hills, stds, shares, norms[:-1], strict=True), start=1
        )
    ]
    output = LayerState(density=[], std="", share="", sick="", gradient=_power(norms[-1]), maps=[])
    return [*layers, output]


def _maps(statistics: NetStatistics) -> list[list[list[str]]]:
    """Return the feature maps of each hidden layer as ``LayerState`` has them."""
    layers = statistics.outline[:-1]
    if not statistics.feature_maps.size:
        return [[] for _ in range(statistics.dead.shape[1])]
    found = []
    for maps, layer in zip(statistics.feature_maps, layers, strict=True):
        height, width = map_size(layer)
        cut = maps[:, : layer.units, :height, :width]
        found.append([[_digits(one) for one in example] for example in cut] if height else [])
    return found


def _digits(shades: Array) -> str:
    return "".join("0123456789abcdef"[shade >> 4] for shade in shades.ravel().tolist())


def _share_words(config: Config, statistics: NetStatistics) -> list[str]:
    field = _SHARES.get(config.hidden_activation)
    if field is None:
        return [""] * statistics.dead.shape[1]
    shares = queries.shares(statistics, field).tolist()
    return [f"{100 * share:.0f} % {field}" if math.isfinite(share) else "" for share in shares]


def _power(norm: float) -> float | None:
    """Return log10 of a norm; that of zero is as small as numbers get."""
    if not math.isfinite(norm):
        return None
    return round(math.log10(norm), 2) if norm > 0 else -99.0


def _outputs(summary: DataSummary, statistics: NetStatistics) -> list[list[int]]:
    """Return softmax(z) of the examples in percent, from softmax(z) - onehot(y)."""
    rows = list(summary.example_rows)
    shares = statistics.output_gradient[rows].astype(np.float64)
    shares[np.arange(len(rows)), summary.row_labels[rows]] += 1
    percent = np.where(np.isfinite(shares), 100 * shares, 0)
    return np.rint(percent.clip(0, 100)).astype(int).tolist()


def _enlarged(record: Record, snapshot: Snapshot, layer: int, half: float) -> Enlarged:
    return Enlarged(
        layer=layer,
        name=f"{record.comparison.layer_word.capitalize()} {layer}",
        lanes=[
            _sites(config, statistics, layer - 1, half)
            for config, statistics in zip(record.configs, snapshot.arms, strict=True)
        ],
    )


def _sites(
    config: Config, statistics: NetStatistics | None, index: int, half: float
) -> list[SiteState]:
    """Return the places of one layer; none where the net lacks the layer or has ended."""
    if statistics is None or index >= statistics.mean.shape[2]:
        return []
    share, found = _share_words(config, statistics)[index], []
    for at, (site, words) in enumerate(_SITE_WORDS.items()):
        mean, std = (float(moment[index]) for moment in _moments(statistics, site))
        if not math.isfinite(mean):
            continue
        # A mean that rounding alone leaves is none.
        mean = mean if abs(mean) > _ROUNDING * std else 0.0
        numbers = f"mean {queries.plain(mean)}, std {queries.plain(std)}"
        with_share = f"{numbers}, {share}" if site == "post_activation" and share else numbers
        hill = densities(statistics.histogram[at, index : index + 1], half)[0]
        found.append(SiteState(words=words, density=hill.tolist(), numbers=with_share))
    return found

"""The nets as a diagram: ``nets`` is what stands still while they train, ``diagram`` what moves.

A layer is a label, its stages as chips, and a distribution, so that any kind of net can be drawn.
"""

import math
from typing import TypedDict

import numpy as np

from bn_core.config import Config
from bn_core.figures import record_queries as queries
from bn_core.figures.distributions import MIDDLES, WIDTHS
from bn_core.figures.theme import arm_styles
from bn_core.records import SITES, DataSummary, LayerOutline, NetStatistics, Record, Snapshot

Array = np.ndarray

DENSITY_POINTS = 49
"""Odd, so that one lies at zero."""
DENSITY_TOP = 100
MOST_POINTS = 80

_HALF_AXES = (4.0, 10.0, 30.0, 100.0, 1_000.0, 10_000.0)
"""The distributions' axis reaches this far on either side; 4 shows a deviation of 1."""

_NORMS = {
    "batch": ("BN", "batch normalization"),
    "layer": ("LN", "layer normalization"),
    "group": ("GN", "group normalization"),
    "instance": ("IN", "instance normalization"),
    "ghost": ("GBN", "ghost batch normalization"),
    "renorm": ("BRN", "batch renormalization"),
}
_ACTIVATIONS = {
    "relu": "ReLU",
    "tanh": "tanh",
    "sigmoid": "sigmoid",
    "leaky_relu": "LReLU",
    "gelu": "GELU",
}
_SHARES = {"relu": "dead", "tanh": "saturated", "sigmoid": "saturated"}
"""What can go wrong with the outputs of an activation: the field of the statistics."""


class Chip(TypedDict):
    """A stage of a layer."""

    kind: str
    """"linear", "norm", "activation", "dropout", "shortcut" or another stage of a net."""
    text: str
    words: str
    present: bool
    """False for a normalization that the layer lacks and could have."""


class Block(TypedDict):
    """A layer: its chips stand in the order in which its stages run."""

    layer: int
    """Counted from 1; 0 for the output layer."""
    label: str
    units: int
    chips: list[Chip]


class Lane(TypedDict):
    """One arm's net, its output layer last."""

    arm: str
    label: str
    colour: str
    dash: str
    blocks: list[Block]


class Examples(TypedDict):
    """A few examples of the data that the nets are shown."""

    kind: str
    images: list[list[list[int]]]
    """Shades from 0 to 255, a list for each row of pixels."""
    points: list[tuple[float, float, int]]
    """Points of a plane within -1..1, with their classes."""
    shown: list[tuple[float, float]]
    """The examples among them."""
    classes: list[str]
    truths: list[int]
    """The true class of each example."""
    words: str


class Nets(TypedDict):
    """What of the diagram does not move while the nets train."""

    lanes: list[Lane]
    examples: Examples


class LayerState(TypedDict):
    """What passes a layer at one step, medians over the seeds."""

    density: list[int]
    """Of what enters the activation, at even places of the axis, as shares of 100."""
    std: str
    share: str
    """How many units are dead or outputs saturated; empty where neither can be."""
    sick: str
    """What is wrong with the layer in a word; empty if nothing is."""
    gradient: float | None
    """log10 of the norm of its weights' gradient; None where there is no finite one."""


class LaneState(TypedDict):
    """One arm's nets at one step, medians over the seeds."""

    layers: list[LayerState]
    """The output layer's is the last; nothing enters an activation there."""
    outputs: list[list[int]]
    """The predicted probability of each class in percent, a list for each example."""
    accuracy: str
    loss: str
    kind: str
    words: str
    """The state of the nets."""


class Diagram(TypedDict):
    """What of the diagram moves while the nets train."""

    at: int
    """The step at which the nets were measured."""
    axis: float
    """The distributions are drawn from minus this to this."""
    lanes: list[LaneState]


def nets(record: Record) -> Nets:
    """Return the lanes with their blocks and chips, and the examples."""
    first = record.snapshots[0].arms if record.snapshots else ()
    styles = arm_styles(record.comparison.arms)
    lanes = [
        Lane(
            arm=arm.name,
            label=arm.label,
            colour=style.colour,
            dash=style.dash,
            blocks=_blocks(config, statistics),
        )
        for arm, style, config, statistics in zip(
            record.comparison.arms, styles, record.configs, first, strict=False
        )
    ]
    return Nets(lanes=lanes, examples=_examples(record.summary))


def diagram(record: Record, cursor: int | None = None, live: Snapshot | None = None) -> Diagram:
    """Return the state of each net at the cursor, a snapshot's index; None is the newest there is.

    ``live`` is a newer measurement than the record's, and is shown unless there is a cursor.
    """
    snapshot = queries.snapshot_at(record, cursor)
    if cursor is None and live is not None and live.step >= snapshot.step:
        snapshot = live
    half = _half_axis(snapshot)
    return Diagram(
        at=snapshot.step,
        axis=half,
        lanes=[_lane_state(record, arm, snapshot, half) for arm in range(len(record.configs))],
    )


def densities(histogram: Array, half: float) -> Array:
    """Return densities, (L, P), of counts on HISTOGRAM_EDGES, (L, B), at P even places.

    The places lie from -half to half; each layer's highest density anywhere is DENSITY_TOP.
    """
    counts = histogram.astype(np.float64)
    per_value = counts / WIDTHS
    places = np.linspace(-half, half, DENSITY_POINTS)
    drawn = np.array([np.interp(places, MIDDLES, layer) for layer in per_value])
    drawn = drawn.reshape(len(counts), DENSITY_POINTS)
    peak = np.maximum(drawn.max(axis=1, keepdims=True), 1e-300)
    outside = (per_value * (np.abs(MIDDLES) > half)).max(axis=1, keepdims=True)
    return np.rint(DENSITY_TOP * drawn / np.maximum(peak, outside)).astype(int)


def _blocks(config: Config, statistics: NetStatistics | None) -> list[Block]:
    layers = statistics.outline if statistics else ()
    hidden = len(layers) - 1
    return [
        Block(
            layer=index + 1 if index < hidden else 0,
            label=layer.label,
            units=layer.units,
            chips=_chips(config, layer, index if index < hidden else None),
        )
        for index, layer in enumerate(layers)
    ]


def _chips(config: Config, layer: LayerOutline, index: int | None) -> list[Chip]:
    """Return a layer's chips; those of a hidden layer, at ``index``, show a missing norm too."""
    chips = [_chip(config, stage) for stage in layer.stages]
    if index is not None and "norm" not in layer.stages and "activation" in layer.stages:
        missing = _chip(config, "norm")
        missing["present"] = False
        behind = config.placement_of(index) == "after"
        chips.insert(layer.stages.index("activation") + behind, missing)
    return chips


def _chip(config: Config, stage: str) -> Chip:
    match stage:
        case "linear":
            text, words = "W", "weights"
        case "norm":
            text, words = _NORMS.get(config.normalization, _NORMS["batch"])
        case "activation":
            text = _ACTIVATIONS[config.activation]
            words = f"activation function {text}"
        case "dropout":
            text, words = "drop", f"dropout of {config.dropout:.0%}"
        case "shortcut":
            text, words = "+x", "shortcut: the layer's input is added"
        case _:
            text = words = stage
    return Chip(kind=stage, text=text, words=words, present=True)


def _examples(summary: DataSummary) -> Examples:
    shown = summary.examples.astype(np.float64)
    rows = list(summary.example_rows)
    is_image = shown.ndim == 4
    is_plane = shown.ndim == 2 and shown.shape[1:] == (2,) and summary.extent > 0
    extent = summary.extent or 1.0
    points = summary.points[:MOST_POINTS] / extent
    return Examples(
        kind="image" if is_image else "plane" if is_plane else "table",
        images=_shades(shown[:, 0]).tolist() if is_image else [],
        points=[
            (round(float(x), 3), round(float(y), 3), int(label))
            for (x, y), label in zip(points, summary.labels, strict=False)
        ],
        shown=[(float(x), float(y)) for x, y in (shown / extent).round(3)] if is_plane else [],
        classes=list(summary.classes),
        truths=[int(summary.row_labels[row]) for row in rows],
        words=_size_words(shown, is_image),
    )


def _shades(images: Array) -> Array:
    low, high = images.min(), images.max()
    return np.rint(255 * (images - low) / max(high - low, 1e-9)).astype(int)


def _size_words(shown: Array, is_image: bool) -> str:
    if is_image:
        return f"{' x '.join(str(size) for size in shown.shape[2:])} pixels"
    count = shown.shape[1] if shown.ndim == 2 else 0
    return f"{count} numbers" if count else ""


def _half_axis(snapshot: Snapshot) -> float:
    """Return how far the axis reaches: at least half of all layers fit into it."""
    reach = [_moments(arm) for arm in snapshot.arms if arm is not None]
    reaches = np.concatenate([np.abs(mean) + 2 * std for mean, std in reach] or [np.zeros(0)])
    typical = float(queries.middle(reaches, 0)) if len(reaches) else 0.0
    return next((half for half in _HALF_AXES if typical <= half), _HALF_AXES[-1])


def _moments(statistics: NetStatistics) -> tuple[Array, Array]:
    """Return mean and deviation of what enters the activation of each layer, (L,) each."""
    site = SITES.index("pre_activation")
    return (
        queries.middle(statistics.mean[:, site], 0),
        queries.middle(statistics.std[:, site], 0),
    )


def _lane_state(record: Record, arm: int, snapshot: Snapshot, half: float) -> LaneState:
    statistics, config = snapshot.arms[arm], record.configs[arm]
    words = _state_words(record, arm)
    if statistics is None:
        return LaneState(layers=[], outputs=[], accuracy="-", loss="-", kind="", words=words)
    lost = ~np.isfinite(statistics.validation_loss)
    loss = queries.median(np.where(lost, np.inf, statistics.validation_loss), 0)
    accuracy = queries.median(np.where(lost, 0.0, statistics.validation_accuracy), 0)
    return LaneState(
        layers=_layer_states(config, statistics, half),
        outputs=_outputs(record.summary, statistics),
        accuracy=f"{100 * float(accuracy):.0f} %",
        loss=queries.plain(float(loss)) if np.isfinite(loss) else "-",
        kind="",
        words=words,
    )


def _layer_states(config: Config, statistics: NetStatistics, half: float) -> list[LayerState]:
    hills = densities(statistics.histogram[SITES.index("pre_activation")], half)
    _, stds = _moments(statistics)
    field = _SHARES.get(config.activation, "")
    shares = queries.shares(statistics, field) if field else np.full(len(stds), np.nan)
    norms = queries.middle(statistics.gradient_norm, 0)
    layers = [
        LayerState(
            density=hill.tolist(),
            std=queries.plain(std) if math.isfinite(std) else "",
            share=f"{100 * share:.0f} % {field}" if math.isfinite(share) else "",
            sick="",
            gradient=_power(norm),
        )
        for hill, std, share, norm in zip(hills, stds, shares, norms[:-1], strict=True)
    ]
    output = LayerState(density=[], std="", share="", sick="", gradient=_power(norms[-1]))
    return [*layers, output]


def _power(norm: float) -> float | None:
    if not math.isfinite(norm):
        return None
    return round(max(math.log10(norm), -99.0), 2) if norm > 0 else -99.0


def _outputs(summary: DataSummary, statistics: NetStatistics) -> list[list[int]]:
    """Return softmax(z) of the examples in percent, from softmax(z) - onehot(y)."""
    rows = list(summary.example_rows)
    shares = statistics.output_gradient[rows].astype(np.float64)
    shares[np.arange(len(rows)), summary.row_labels[rows]] += 1
    percent = np.where(np.isfinite(shares), 100 * shares, 0)
    return np.rint(percent.clip(0, 100)).astype(int).tolist()


def _state_words(record: Record, arm: int) -> str:
    stopped = queries.divergence_of(record, arm)
    if stopped is not None:
        return f"diverged at step {stopped:,}"
    return "" if record.step else "not trained yet"

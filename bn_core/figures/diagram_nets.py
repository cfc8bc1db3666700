"""What of the nets' diagram stands still while they train: layers, their stages, and examples.

A layer is a label and its stages as chips, so that any kind of net can be drawn.
"""

from collections.abc import Sequence
from typing import TypedDict

import numpy as np

from bn_core.arms import MOST_ARMS
from bn_core.comparison import Comparison
from bn_core.config import Config
from bn_core.figures.theme import arm_styles
from bn_core.net_outlines import net_outline
from bn_core.records import LARGEST_MAP, DataSummary, LayerOutline, Record

Array = np.ndarray
Outline = tuple[LayerOutline, ...]

MOST_POINTS = 80
"""Points of a plane that are drawn."""

_NORMS = {
    "batch": ("BN", "Batch norm"),
    "layer": ("LN", "Layer norm"),
    "group": ("GN", "Group norm"),
    "instance": ("IN", "Instance norm"),
    "ghost": ("GBN", "Ghost batch norm"),
    "renorm": ("BRN", "Batch renormalization"),
    "rms": ("RMS", "Root-mean-square norm"),
    "weightnorm": ("WN", "Weight norm"),
    "weightstd": ("WS", "Weight standardization"),
}
_ACTIVATIONS = {
    "relu": "ReLU",
    "tanh": "tanh",
    "sigmoid": "sigmoid",
    "leaky_relu": "LReLU",
    "gelu": "GELU",
}

_CONVOLUTION = "conv", "Convolution, 3 x 3 weights"
_INCEPTION = (
    "1+3+5",
    "Inception block: convolutions of 1 x 1, 3 x 3 and 5 x 5 weights, and of 1 x 1 behind a 3 x 3 "
    "max pool, side by side; their channels stand in this order",
)
_CELLS = {
    "rnn": ("tanh", "Hidden state h = tanh(W x + W h)"),
    "gru": ("GRU", "Gates and hidden state of a GRU"),
    "lstm": ("LSTM", "Gates, cell state and hidden state of an LSTM"),
}


class Chip(TypedDict):
    """A stage of a layer."""

    kind: str
    """"linear", "norm", "activation", "dropout", "shortcut" or another stage of a net."""
    text: str
    words: str
    present: bool
    """False for a normalization that the layer lacks and could have."""
    movable: bool
    """Whether it can stand on either side of the activation."""


class Block(TypedDict):
    """A layer: its chips stand in the order in which its stages run."""

    layer: int
    """Counted from 1; 0 for the output layer."""
    label: str
    size: str
    """Its units in a word or two: "64", or "16 ch 8x8" for channels of 8 x 8 positions."""
    words: str
    map: tuple[int, int]
    """Height and width of each feature map as it is drawn; zeros where there are no channels."""
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
    """What of the diagram stands still while the nets train."""

    lanes: list[Lane]
    examples: Examples
    most: int
    """How many lanes there can be."""


def nets(record: Record) -> Nets:
    """Return the lanes with their blocks and chips, and the examples."""
    first = record.snapshots[0].arms if record.snapshots else ()
    outlines = [() if statistics is None else statistics.outline for statistics in first]
    lanes = _lanes(record.comparison, outlines)
    return Nets(lanes=lanes, examples=_examples(record.summary), most=MOST_ARMS)


def unbuilt_nets(comparison: Comparison) -> Nets | None:
    """Return the lanes of nets that are still to be built; the examples are still to be loaded.

    None where it is not known before of which layers they will be made.
    """
    outlines = [net_outline(config) for config in comparison.configs]
    if not all(outlines):
        return None
    kind = comparison.base.data_spec.kind
    none = Examples(kind=kind, images=[], points=[], shown=[], classes=[], truths=[], words="")
    return Nets(lanes=_lanes(comparison, outlines), examples=none, most=MOST_ARMS)


def _lanes(comparison: Comparison, outlines: Sequence[Outline]) -> list[Lane]:
    styles = arm_styles(comparison.arms)
    return [
        Lane(
            arm=arm.name,
            label=arm.label,
            colour=style.colour,
            dash=style.dash,
            blocks=_blocks(config, outline),
        )
        for arm, style, config, outline in zip(
            comparison.arms, styles, comparison.configs, outlines, strict=False
        )
    ]


def _blocks(config: Config, layers: Outline) -> list[Block]:
    hidden = len(layers) - 1
    return [
        Block(
            layer=index + 1 if index < hidden else 0,
            label=layer.label,
            size=_size(layer),
            words=_units_words(layer),
            map=map_size(layer),
            chips=_chips(config, layer, index if index < hidden else None),
        )
        for index, layer in enumerate(layers)
    ]


def map_size(layer: LayerOutline) -> tuple[int, int]:
    """Return height and width of a layer's feature maps as they are drawn; zeros without any."""
    if len(layer.positions) != 2:
        return 0, 0
    height, width = layer.positions
    return min(height, LARGEST_MAP), min(width, LARGEST_MAP)


def _size(layer: LayerOutline) -> str:
    if not layer.positions:
        return str(layer.units)
    return f"{layer.units} ch {'x'.join(map(str, layer.positions))}"


def _units_words(layer: LayerOutline) -> str:
    if not layer.positions:
        return f"{layer.units} units"
    size = " x ".join(map(str, layer.positions))
    return f"{layer.units} channels of {size} positions; the pictures are of the first four"


def _chips(config: Config, layer: LayerOutline, index: int | None) -> list[Chip]:
    """Return a layer's chips; those of a hidden layer, at ``index``, show a missing norm too."""
    chips = [_chip(config, stage, hidden=index is not None) for stage in layer.stages]
    if layer.positions and "linear" in layer.stages:
        text, words = _CONVOLUTION
        if config.architecture == "inception" and index:
            text, words = _INCEPTION
        found = Chip(kind="linear", text=text, words=words, present=True, movable=False)
        chips[layer.stages.index("linear")] = found
    if index is not None and config.normalizes_weights:
        _mark_weights(config, chips, layer, index)
    elif index is not None and "norm" not in layer.stages and "activation" in layer.stages:
        missing = _chip(config, "norm")
        missing["present"] = False
        chips.insert(_place_of_a_norm(config, layer, index), missing)
    return chips


def _place_of_a_norm(config: Config, layer: LayerOutline, index: int) -> int:
    """Return before which of a layer's chips a norm would stand that it lacks."""
    behind = config.placement_of(index) == "after"
    if "shortcut" in layer.stages and config.branch_start == "zero_gamma" and not behind:
        return layer.stages.index("linear") + 1
    return layer.stages.index("activation") + behind


def _mark_weights(config: Config, chips: list[Chip], layer: LayerOutline, index: int) -> None:
    """Show at the weights of a hidden layer that they are normalized, or could be.

    Where group norm follows, its chip is the one that is pressed.
    """
    at, (text, words) = layer.stages.index("linear"), _NORMS[config.normalization]
    if config.value_norm == "none":
        words = f"{words}: of the weights"
        present = config.normalizes(index)
        mark = Chip(kind="norm", text=text, words=words, present=present, movable=False)
        chips.insert(at + 1, mark)
        return
    if config.normalizes(index):
        chips[at]["text"] += f" {text}"
        chips[at]["words"] += f", {words.lower()}"
    elif "activation" in layer.stages:
        missing = _chip(config, "norm")
        missing["present"] = False
        chips.insert(_place_of_a_norm(config, layer, index), missing)


def _chip(config: Config, stage: str, *, hidden: bool = True) -> Chip:
    match stage:
        case "linear" if config.is_recurrent and hidden:
            text, words = "W", "Weights of the row and of the hidden state, the same at each step"
        case "activation" if config.is_recurrent:
            text, words = _CELLS[config.cell]
        case "linear":
            text, words = "W", "Weights"
        case "norm":
            text, words = _NORMS.get(config.value_norm, _NORMS["batch"])
            if config.is_recurrent:
                words = f"{words}, in front of the sum W x + W h at every time step"
        case "activation":
            text = _ACTIVATIONS[config.activation]
            words = f"Activation function {text}"
        case "input_norm":
            text, words = "BN in", "Batch norm of the inputs, in front of the first layer"
        case "pool":
            text, words = "pool", "Max pooling: the largest value of each 2 x 2 positions"
        case "average":
            text, words = "mean", "Global average pooling: the mean of each channel"
        case "scale":
            text, words = "alpha", "SkipInit: the branch times alpha, learned, 0 at first"
        case "dropout":
            text, words = "drop", f"Dropout of {config.dropout:.0%}"
        case "shortcut":
            text, words = "+x", "Shortcut: the layer's input is added"
        case _:
            text = words = stage
    movable = stage == "norm" and not config.is_recurrent
    return Chip(kind=stage, text=text, words=words, present=True, movable=movable)


def _examples(summary: DataSummary) -> Examples:
    shown = summary.examples.astype(np.float64)
    is_image = shown.ndim == 4
    is_plane = summary.extent > 0 and shown.shape[1:] == (2,)
    return Examples(
        kind="image" if is_image else "plane" if is_plane else "table",
        images=_shades(shown[:, 0]).tolist() if is_image else [],
        points=[
            (x, y, int(label))
            for (x, y), label in zip(_placed(summary.points, summary), summary.labels, strict=True)
        ][:MOST_POINTS],
        shown=_placed(shown, summary) if is_plane else [],
        classes=list(summary.classes),
        truths=[int(summary.row_labels[row]) for row in summary.example_rows],
        words=_size_words(shown, is_image),
    )


def _placed(points: Array, summary: DataSummary) -> list[tuple[float, float]]:
    """Return points of a plane with its ends at -1 and 1."""
    return [(float(x), float(y)) for x, y in (points / (summary.extent or 1.0)).round(3)]


def _shades(images: Array) -> Array:
    low, high = images.min(initial=0.0), images.max(initial=0.0)
    return np.rint(255 * (images - low) / max(high - low, 1e-9)).astype(int)


def _size_words(shown: Array, is_image: bool) -> str:
    if is_image:
        return f"{' x '.join(str(size) for size in shown.shape[2:])} pixels"
    count = shown.shape[1] if shown.ndim == 2 else 0
    return f"{count} numbers" if count else ""

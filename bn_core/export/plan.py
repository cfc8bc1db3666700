"""A net as a list of its parts, layer by layer, without building it.

What ``bn_core.nets`` builds is described here for programs that are written in another library;
tests hold both to the same parts in the same order.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from bn_core.config import Config
from bn_core.net_shapes import GATES, KERNEL, LayerShape, inception_weights, layer_shapes

PartKind = Literal[
    "image",
    "flatten",
    "linear",
    "conv",
    "norm",
    "activation",
    "pool",
    "average",
    "scale",
    "dropout",
    "recurrent",
    "input_norm",
]

SUBTRACTS_UNIT_MEAN = frozenset({"batch", "ghost", "renorm", "instance"})
"""Normalizations behind which a bias of the linear map would be subtracted again."""


@dataclass(frozen=True)
class Part:
    """One part of a layer: from ``inputs`` numbers or channels to ``units``.

    Only linear maps and convolutions have a bias. ``positions`` is height and width of the image
    that it puts out, empty for units; "image" and "flatten" change the shape of an example alone.
    ``first_gamma`` is the gamma of a norm before training, where it is not the config's.
    """

    kind: PartKind
    inputs: int
    units: int
    bias: bool = False
    positions: tuple[int, ...] = ()
    first_gamma: float | None = None
    weights: str = ""
    """How a linear map's or convolution's weights are normalized; "" where they are not."""


@dataclass(frozen=True)
class PlannedLayer:
    """The parts of one layer in the order in which they run.

    A shortcut adds the layer's input, in front of the pool.
    """

    title: str
    parts: tuple[Part, ...]
    shortcut: bool = False

    @property
    def branch(self) -> tuple[Part, ...]:
        """The parts that the shortcut passes by; none without a shortcut."""
        return tuple(part for part in self.parts if self.shortcut and part.kind != "pool")

    @property
    def new_channels(self) -> int:
        """How many channels the shortcut has to add to the layer's input, all of zeros."""
        entering = [part.inputs for part in self.branch]
        return self.parts[-1].units - entering[0] if entering else 0


def planned_layers(config: Config) -> tuple[PlannedLayer, ...]:
    """Return every layer of a config's net, the output layer last.

    A batch norm of the inputs comes first, as a layer of its own, with what makes them images.
    """
    layers = _layers(config)
    if not config.normalizes_inputs:
        return layers
    first, *others = layers
    image = tuple(part for part in first.parts if part.kind == "image")
    units = image[0].units if image else config.data_spec.inputs
    size = image[0].positions if image else ()
    inputs = PlannedLayer("inputs", (*image, Part("input_norm", units, units, positions=size)))
    return (inputs, replace(first, parts=first.parts[len(image) :]), *others)


def _layers(config: Config) -> tuple[PlannedLayer, ...]:
    if config.has_blocks:
        return _image_layers(config)
    if config.is_recurrent:
        return _recurrent_layers(config)
    spec = config.data_spec
    sizes = (spec.inputs, *config.layer_widths)
    residual = config.has_shortcuts
    hidden = [
        _block(config, index, sizes[index], sizes[index])
        if residual and index
        else _plain(config, index, sizes[index], sizes[index + 1])
        for index in range(config.depth)
    ]
    output = Part("linear", sizes[-1], len(spec.classes), bias=True)
    parts = (*_branch(config, config.depth - 1, sizes[-1]), output) if residual else (output,)
    return (*hidden, PlannedLayer("output", parts))


def recurrent_norms(config: Config) -> tuple[Part, ...]:
    """Return the norms of W x, of W h and of an LSTM's cell state; none without normalization."""
    if not config.is_normalized:
        return ()
    gates = GATES[config.cell] * config.width
    sizes = (gates, gates, config.width) if config.cell == "lstm" else (gates, gates)
    return tuple(Part("norm", size, size) for size in sizes)


def _recurrent_layers(config: Config) -> tuple[PlannedLayer, ...]:
    """Return a recurrent net's one layer, which stands for all time steps, and its output layer."""
    units, classes = config.width, len(config.data_spec.classes)
    bias = not config.has_beta
    inside = Part("recurrent", config.data_spec.inputs // config.time_steps, units, bias)
    output = Part("linear", units, classes, bias=True)
    hidden = PlannedLayer("the rows, one after the other", (inside, *_dropout(config, units)))
    return hidden, PlannedLayer("output", (output,))


def parameter_count(config: Config) -> int:
    """Return how many numbers one net of a config learns."""
    per_norm = config.bn_scale + config.learns_beta
    per_map = config.normalization == "weightnorm" or (
        config.bn_scale and config.value_norm == "none"
    )
    parts = [part for layer in planned_layers(config) for part in layer.parts]
    norms = sum(part.units for part in recurrent_norms(config)) if config.is_recurrent else 0
    hidden_shift = GATES[config.cell] * config.width if norms and config.learns_beta else 0
    inside = per_norm * norms - hidden_shift  # the norm of W h has no beta
    return inside + sum(_learned(part, per_norm, per_map, GATES[config.cell]) for part in parts)


def _learned(part: Part, per_norm: int, per_map: int, gates: int) -> int:
    """Return how many numbers a part learns.

    ``per_norm`` is how many a norm has for each unit, ``per_map`` a map with normalized weights,
    and ``gates`` how many the cell of a recurrent net has.
    """
    match part.kind:
        case "linear" | "conv":
            size = KERNEL**2 if part.kind == "conv" else 1
            return part.units * (part.inputs * size + part.bias + per_map * bool(part.weights))
        case "inception":
            of_each = part.bias + per_map * bool(part.weights)
            return inception_weights(part.inputs, part.units) + of_each * part.units
        case "recurrent":
            return gates * part.units * (part.inputs + part.units + 2 * part.bias)
        case "norm":
            return per_norm * part.units
        case "input_norm":
            return 2 * part.units
        case "scale":
            return 1
        case _:
            return 0


def _image_layers(config: Config) -> tuple[PlannedLayer, ...]:
    """Return the layers of a convolutional net."""
    *hidden, last = layer_shapes(config)
    layers = [_shaped(config, index, shape) for index, shape in enumerate(hidden)]
    output = Part("linear", last.fan_in, last.units, bias=True)
    if config.has_shortcuts:
        size = hidden[-1].leaving[1:]
        parts = _with_positions(_branch(config, config.depth - 1, last.fan_in), size)
        mean = Part("average", last.fan_in, last.fan_in)
        return (*layers, PlannedLayer("output", (*parts, mean, output)))
    flat = () if config.dense else (Part("flatten", last.fan_in, last.fan_in),)
    return (*layers, PlannedLayer("output", (*flat, output)))


def _shaped(config: Config, index: int, shape: LayerShape) -> PlannedLayer:
    if shape.kind == "linear":
        plain = _plain(config, index, shape.fan_in, shape.units)
        flat = (Part("flatten", shape.fan_in, shape.fan_in),) if index == len(config.blocks) else ()
        return replace(plain, parts=(*flat, *plain.parts))
    inputs, size = shape.entering[0], shape.positions
    image = (Part("image", inputs, inputs, positions=size),) if index == 0 else ()
    pool = (Part("pool", shape.units, shape.units),) if shape.pooled else ()
    if config.has_shortcuts and index:
        block = _block(config, index, inputs, shape.units)
        return replace(block, parts=(*_with_positions(block.parts, size), *pool))
    plain = _with_positions(_plain(config, index, inputs, shape.units).parts, size)
    plain = tuple(replace(p, kind=shape.kind) if p.kind == "conv" else p for p in plain)
    dropped = [part for part in plain if part.kind == "dropout"]
    behind = [part for part in plain if part.kind != "dropout"]
    return PlannedLayer(f"layer {index + 1}", (*image, *behind, *pool, *dropped))


def _with_positions(parts: Iterable[Part], size: tuple[int, ...]) -> tuple[Part, ...]:
    """Return the parts for images of a size; linear maps become convolutions."""
    return tuple(
        replace(part, kind="conv" if part.kind == "linear" else part.kind, positions=size)
        for part in parts
    )


def first_values(config: Config, norm: Part) -> tuple[float, float]:
    """Return what gamma and beta are before training; one that is not learned is 1, or 0."""
    gamma = config.initial_gamma if norm.first_gamma is None else norm.first_gamma
    gamma = gamma if config.bn_scale else 1.0
    return gamma, config.initial_beta if config.learns_beta else 0.0


def _plain(config: Config, index: int, inputs: int, units: int) -> PlannedLayer:
    before = config.placement_of(index) == "before"
    norm = _norm(config, index, units)
    subtracted = before and norm and config.value_norm in SUBTRACTS_UNIT_MEAN
    linear = _linear(config, index, inputs, units, bias=not subtracted)
    activation = Part("activation", units, units)
    behind = (*norm, activation) if before else (activation, *norm)
    return PlannedLayer(f"layer {index + 1}", (linear, *behind, *_dropout(config, units)))


def _block(config: Config, index: int, inputs: int, units: int) -> PlannedLayer:
    parts = [*_branch(config, index, inputs), _linear(config, index, inputs, units, bias=True)]
    if config.branch_start == "zero_gamma" and config.normalizes_values(index):
        parts = list(_zero_gamma(config, index, inputs, units))
    scale = (Part("scale", units, units),) if config.branch_start == "skipinit" else ()
    parts += [*scale, *_dropout(config, units)]
    return PlannedLayer(f"layer {index + 1}", tuple(parts), shortcut=True)


def _linear(config: Config, index: int, inputs: int, units: int, *, bias: bool) -> Part:
    """Return the linear map of a hidden layer."""
    normalized = config.normalizes_weights and config.normalizes(index)
    weights = config.normalization if normalized else ""
    return Part("linear", inputs, units, bias=bias, weights=weights)


def _zero_gamma(config: Config, index: int, inputs: int, units: int) -> Iterator[Part]:
    """Yield the parts of a branch whose norm begins with gamma 0: see ``residual_layer``."""
    after = config.placement_of(index) == "after"
    subtracted = not after and config.value_norm in SUBTRACTS_UNIT_MEAN
    norm = Part("norm", inputs if after else units, inputs if after else units, first_gamma=0.0)
    linear = _linear(config, index, inputs, units, bias=not subtracted)
    yield Part("activation", inputs, inputs)
    yield from (norm, linear) if after else (linear, norm)


def _branch(config: Config, index: int, units: int) -> Iterator[Part]:
    """Yield what stands in front of the linear map of a block, or of a residual net's output."""
    activation, norm = Part("activation", units, units), _norm(config, index, units)
    before = config.placement_of(index) == "before"
    yield from (*norm, activation) if before else (activation, *norm)


def _norm(config: Config, index: int, units: int) -> tuple[Part, ...]:
    return (Part("norm", units, units),) if config.normalizes_values(index) else ()


def _dropout(config: Config, units: int) -> tuple[Part, ...]:
    return (Part("dropout", units, units),) if config.dropout else ()

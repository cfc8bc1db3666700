"""A net as a list of its parts, layer by layer, without building it.

What ``bn_core.nets`` builds is described here for programs that are written in another library;
tests hold both to the same parts in the same order.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from bn_core.config import Config
from bn_core.net_shapes import KERNEL, LayerShape, layer_shapes

PartKind = Literal["image", "flatten", "linear", "conv", "norm", "activation", "pool", "dropout"]

SUBTRACTS_UNIT_MEAN = frozenset({"batch", "ghost", "renorm", "instance"})
"""Normalizations behind which a bias of the linear map would be subtracted again."""


@dataclass(frozen=True)
class Part:
    """One part of a layer: from ``inputs`` numbers or channels to ``units``.

    Only linear maps and convolutions have a bias. ``positions`` is height and width of the image
    that it puts out, empty for units; "image" and "flatten" change the shape of an example alone.
    """

    kind: PartKind
    inputs: int
    units: int
    bias: bool = False
    positions: tuple[int, ...] = ()


@dataclass(frozen=True)
class PlannedLayer:
    """The parts of one layer in the order in which they run; a shortcut adds the layer's input."""

    title: str
    parts: tuple[Part, ...]
    shortcut: bool = False


def planned_layers(config: Config) -> tuple[PlannedLayer, ...]:
    """Return every layer of a config's net, the output layer last."""
    if config.needs_images:
        return _image_layers(config)
    spec = config.data_spec
    sizes = (spec.inputs, *config.layer_widths)
    residual = config.architecture == "residual"
    hidden = [
        _block(config, index, sizes[index])
        if residual and index
        else _plain(config, index, sizes[index], sizes[index + 1])
        for index in range(config.depth)
    ]
    output = Part("linear", sizes[-1], len(spec.classes), bias=True)
    parts = (*_branch(config, config.depth - 1, sizes[-1]), output) if residual else (output,)
    return (*hidden, PlannedLayer("output", parts))


def parameter_count(config: Config) -> int:
    """Return how many numbers one net of a config learns."""
    per_norm = config.bn_scale + config.learns_beta
    return sum(
        _weights(part) + part.bias * part.units
        if part.kind in ("linear", "conv")
        else per_norm * part.units * (part.kind == "norm")
        for layer in planned_layers(config)
        for part in layer.parts
    )


def _weights(part: Part) -> int:
    return part.inputs * part.units * (KERNEL**2 if part.kind == "conv" else 1)


def _image_layers(config: Config) -> tuple[PlannedLayer, ...]:
    """Return the layers of a convolutional net."""
    *hidden, last = layer_shapes(config)
    layers = [_shaped(config, index, shape) for index, shape in enumerate(hidden)]
    output = Part("linear", last.fan_in, last.units, bias=True)
    flat = () if config.dense else (Part("flatten", last.fan_in, last.fan_in),)
    return (*layers, PlannedLayer("output", (*flat, output)))


def _shaped(config: Config, index: int, shape: LayerShape) -> PlannedLayer:
    if shape.kind == "linear":
        plain = _plain(config, index, shape.fan_in, shape.units)
        flat = (Part("flatten", shape.fan_in, shape.fan_in),) if index == len(config.blocks) else ()
        return replace(plain, parts=(*flat, *plain.parts))
    inputs, size = shape.entering[0], shape.positions
    image = (Part("image", inputs, inputs, positions=size),) if index == 0 else ()
    linear, *behind = _plain(config, index, inputs, shape.units).parts
    dropped = [part for part in behind if part.kind == "dropout"]
    behind = [replace(part, positions=size) for part in behind if part.kind != "dropout"]
    conv = replace(linear, kind="conv", positions=size)
    pool = (Part("pool", shape.units, shape.units),) if shape.pooled else ()
    return PlannedLayer(f"layer {index + 1}", (*image, conv, *behind, *pool, *dropped))


def first_values(config: Config) -> tuple[float, float]:
    """Return what gamma and beta are before training; one that is not learned is 1, or 0."""
    gamma = config.initial_gamma if config.bn_scale else 1.0
    return gamma, config.initial_beta if config.learns_beta else 0.0


def _plain(config: Config, index: int, inputs: int, units: int) -> PlannedLayer:
    before = config.placement_of(index) == "before"
    norm = _norm(config, index, units)
    subtracted = before and norm and config.normalization in SUBTRACTS_UNIT_MEAN
    linear = Part("linear", inputs, units, bias=not subtracted)
    activation = Part("activation", units, units)
    behind = (*norm, activation) if before else (activation, *norm)
    return PlannedLayer(f"layer {index + 1}", (linear, *behind, *_dropout(config, units)))


def _block(config: Config, index: int, units: int) -> PlannedLayer:
    linear = Part("linear", units, units, bias=True)
    parts = (*_branch(config, index, units), linear, *_dropout(config, units))
    return PlannedLayer(f"layer {index + 1}", parts, shortcut=True)


def _branch(config: Config, index: int, units: int) -> Iterator[Part]:
    """Yield what stands in front of the linear map of a block, or of a residual net's output."""
    activation, norm = Part("activation", units, units), _norm(config, index, units)
    before = config.placement_of(index) == "before"
    yield from (*norm, activation) if before else (activation, *norm)


def _norm(config: Config, index: int, units: int) -> tuple[Part, ...]:
    return (Part("norm", units, units),) if config.normalizes(index) else ()


def _dropout(config: Config, units: int) -> tuple[Part, ...]:
    return (Part("dropout", units, units),) if config.dropout else ()

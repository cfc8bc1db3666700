"""A net as a list of its parts, layer by layer, without building it.

What ``bn_core.nets`` builds is described here for programs that are written in another library;
tests hold both to the same parts in the same order.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from bn_core.config import Config

PartKind = Literal["linear", "norm", "activation", "dropout"]

SUBTRACTS_UNIT_MEAN = frozenset({"batch", "ghost", "renorm", "instance"})
"""Normalizations behind which a bias of the linear map would be subtracted again."""


@dataclass(frozen=True)
class Part:
    """One part of a layer: from ``inputs`` numbers to ``units``; only linear maps have a bias."""

    kind: PartKind
    inputs: int
    units: int
    bias: bool = False


@dataclass(frozen=True)
class PlannedLayer:
    """The parts of one layer in the order in which they run; a shortcut adds the layer's input."""

    title: str
    parts: tuple[Part, ...]
    shortcut: bool = False


def planned_layers(config: Config) -> tuple[PlannedLayer, ...]:
    """Return every layer of a config's net, the output layer last."""
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
    per_norm = config.bn_scale + config.bn_shift
    return sum(
        part.inputs * part.units + part.bias * part.units
        if part.kind == "linear"
        else per_norm * part.units * (part.kind == "norm")
        for layer in planned_layers(config)
        for part in layer.parts
    )


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

"""Multi-layer perceptrons: linear map, norm and activation, as many times as there are layers."""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

from torch import nn

from bn_core.config import Config
from bn_core.nets.layers import NORM_AFTER, NORM_BEFORE, Layer, activation, dropout, linear_map
from bn_core.nets.net import Net
from bn_core.normalization import normalization

Extra = Callable[[int], nn.Module]
"""Makes the module in front of the activation of the layer with that index, from 0."""


def hidden_layer(
    config: Config,
    index: int,
    inputs: int,
    units: int | None = None,
    *,
    norm: bool | None = None,
    extra: nn.Module | None = None,
    activate: nn.Module | None = None,
) -> Layer:
    """Return layer ``index``, counted from 0: linear map, norm, activation, dropout.

    ``units`` are the config's width for that layer by default, ``norm`` whether the config
    normalizes it, ``activate`` the config's activation. The linear map has no bias where a
    normalization that subtracts each unit's mean follows directly: it would subtract it again.
    """
    units = config.width_of(index) if units is None else units
    wanted = config.normalizes(index) if norm is None else norm
    normalized = normalization(config, units) if wanted else None
    before = config.placement_of(index) == "before"
    order = NORM_BEFORE if before else NORM_AFTER
    subtracted = before and normalized is not None and normalized.subtracts_unit_mean
    return Layer(
        linear_map(config, index, inputs, units, bias=not subtracted),
        order=order,
        norm=normalized,
        extra=extra,
        activation=activation(config) if activate is None else activate,
        dropout=dropout(config, index),
    )


def output_layer(config: Config, index: int, inputs: int, classes: int) -> Layer:
    """Return the linear map to the logits, as layer ``index``, counted from 0."""
    return Layer(linear_map(config, index, inputs, classes), order=NORM_BEFORE)


def mlp(
    config: Config,
    input_shape: tuple[int, ...],
    classes: int,
    *,
    widths: Sequence[int] | None = None,
    extra: Extra | None = None,
    activate: Callable[[], nn.Module] | None = None,
) -> Net:
    """Return an MLP with the config's widths, or with ``widths``, one for each hidden layer.

    ``extra`` puts a module of its own in front of each activation; ``activate`` makes other
    activations than the config's, ``nn.Identity`` for a linear net.
    """
    sizes = [math.prod(input_shape), *(config.layer_widths if widths is None else widths)]
    layers = [
        hidden_layer(
            config,
            index,
            inputs,
            units,
            extra=None if extra is None else extra(index),
            activate=None if activate is None else activate(),
        )
        for index, (inputs, units) in enumerate(pairwise(sizes))
    ]
    output = output_layer(config, len(layers), sizes[-1], classes)
    return Net(config, input_shape, layers, output)

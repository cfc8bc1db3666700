"""Residual nets in pre-activation order: each block adds W a(norm(x)) + b to its input."""

import math
from typing import Any, Protocol

from bn_core.config import Config
from bn_core.nets.layers import (
    BRANCH_NORM_AFTER,
    BRANCH_NORM_BEFORE,
    BRANCH_NORM_LAST,
    NORM_BEFORE,
    BranchScale,
    Layer,
    Linear,
    Stage,
    activation,
    dropout,
    linear_map,
)
from bn_core.nets.mlp import hidden_layer
from bn_core.nets.net import Net
from bn_core.normalization import normalization


class MakeLinear(Protocol):
    """Makes the linear map, or convolution, of the layer with that index, from 0."""

    def __call__(
        self, config: Config, index: int, inputs: int, outputs: int, /, *, bias: bool
    ) -> Linear:
        """Return it with its initial weights."""
        ...


def residual_layer(
    config: Config, index: int, inputs: int, units: int, make: MakeLinear, **others: Any
) -> Layer:
    """Return one residual layer: y = x + W a(norm(x)) + b, x (K, N, I, ...), y (K, N, O, ...).

    Without a normalization norm(x) = x; placed after the activation it is norm(a(x)). With SkipInit
    the branch is multiplied by a learned alpha that begins at 0 (De & Smith 2020, 2002.10444). With
    zero-gamma the branch ends with its norm, y = x + norm(W a(x)), whose gamma begins at 0 (Goyal
    et al. 2017, 1706.02677, 5.1); placed after the activation the norm stays there. Source: the
    pre-activation order of He et al. 2016 (1603.05027), with one linear map as the branch.
    """
    zero_gamma = config.branch_start == "zero_gamma"
    normalized = config.normalizes_values(index)
    order = _branch_order(config, index)
    if zero_gamma and normalized and order is BRANCH_NORM_BEFORE:
        order = BRANCH_NORM_LAST
    first = config.changed({"initial_gamma": 0.0}) if zero_gamma else config
    last = order is BRANCH_NORM_LAST
    norm = normalization(first, units if last else inputs) if normalized else None
    subtracted = last and norm is not None and norm.subtracts_unit_mean
    return Layer(
        make(config, index, inputs, units, bias=not subtracted),
        order=order,
        norm=norm,
        activation=activation(config),
        scale=BranchScale(config.replicas) if config.branch_start == "skipinit" else None,
        dropout=dropout(config, index),
        shortcut=True,
        **others,
    )


def block(config: Config, index: int, units: int) -> Layer:
    """Return one residual layer of units, x and y (K, N, C): see ``residual_layer``."""
    return residual_layer(config, index, units, units, linear_map)


def normalized_output(
    config: Config, index: int, inputs: int, classes: int, **others: Any
) -> Layer:
    """Return the output layer, y = W a(norm(x)) + b, x (K, N, C), y (K, N, classes).

    Its norm stands behind the last hidden layer and is there where that one is normalized.
    """
    return Layer(
        linear_map(config, index, inputs, classes),
        order=_branch_order(config, index - 1),
        norm=normalization(config, inputs) if config.normalizes(index - 1) else None,
        activation=activation(config),
        **others,
    )


def residual(config: Config, input_shape: tuple[int, ...], classes: int) -> Net:
    """Return the config's residual net: a plain layer, blocks, norm, activation, output."""
    inputs, width = math.prod(input_shape), config.layer_widths[0]
    layers = [hidden_layer(config, 0, inputs)]
    layers += [block(config, index, width) for index in range(1, config.depth)]
    return Net(config, input_shape, layers, normalized_output(config, config.depth, width, classes))


def linear_stem(config: Config, input_shape: tuple[int, ...], classes: int, blocks: int) -> Net:
    """Return a residual net of any number of blocks behind a linear map without activation."""
    inputs, width = math.prod(input_shape), config.width
    layers = [Layer(linear_map(config, 0, inputs, width), order=NORM_BEFORE)]
    layers += [block(config, index, width) for index in range(1, blocks + 1)]
    return Net(config, input_shape, layers, normalized_output(config, blocks + 1, width, classes))


def _branch_order(config: Config, index: int) -> tuple[Stage, ...]:
    """Return the order of the branch whose norm is that of hidden layer ``index``, from 0."""
    return BRANCH_NORM_BEFORE if config.placement_of(index) == "before" else BRANCH_NORM_AFTER

"""Residual MLPs in pre-activation order: each block adds W a(norm(x)) + b to its input."""

import math

from bn_core.config import Config
from bn_core.nets.layers import (
    BRANCH_NORM_AFTER,
    BRANCH_NORM_BEFORE,
    NORM_BEFORE,
    Layer,
    Stage,
    activation,
    dropout,
    linear_map,
)
from bn_core.nets.mlp import hidden_layer
from bn_core.nets.net import Net
from bn_core.normalization import normalization


def block(config: Config, index: int, units: int) -> Layer:
    """Return one residual layer: y = x + W a(norm(x)) + b, x and y (K, N, C).

    Without a normalization norm(x) = x; placed after the activation it is norm(a(x)). Source: the
    pre-activation order of He et al. 2016 (arXiv 1603.05027), with one linear map as the branch.
    """
    return Layer(
        linear_map(config, index, units, units),
        order=_branch_order(config, index),
        norm=normalization(config, units) if config.normalizes(index) else None,
        activation=activation(config),
        dropout=dropout(config, index),
        shortcut=True,
    )


def normalized_output(config: Config, index: int, inputs: int, classes: int) -> Layer:
    """Return the output layer, y = W a(norm(x)) + b, x (K, N, C), y (K, N, classes).

    Its norm stands behind the last hidden layer and is there where that one is normalized.
    """
    return Layer(
        linear_map(config, index, inputs, classes),
        order=_branch_order(config, index - 1),
        norm=normalization(config, inputs) if config.normalizes(index - 1) else None,
        activation=activation(config),
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

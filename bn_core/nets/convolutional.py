"""Convolutional nets: blocks of convolution, norm, activation and pool, then dense layers."""

import math

from bn_core.config import Config
from bn_core.net_shapes import LayerShape, image_shapes
from bn_core.nets.convolution import MaxPool, convolution
from bn_core.nets.inception import inception
from bn_core.nets.layers import NORM_AFTER, NORM_BEFORE, Layer, activation, dropout
from bn_core.nets.mlp import hidden_layer, output_layer
from bn_core.nets.net import Net
from bn_core.normalization import normalization

_MAKERS = {"conv": convolution, "inception": inception}


def convolution_block(config: Config, index: int, shape: LayerShape) -> Layer:
    """Return layer ``index``, from 0: convolution, norm, activation, 2x2 max pool, dropout.

    The convolution is one of 3x3, or the four of an Inception block.

    The norm of a channel takes its mean and variance over examples and positions, N H W values.
    The convolution has no bias where a norm that subtracts each channel's mean follows directly.
    """
    norm = normalization(config, shape.units) if config.normalizes(index) else None
    before = config.placement_of(index) == "before"
    subtracted = before and norm is not None and norm.subtracts_unit_mean
    return Layer(
        _MAKERS[shape.kind](config, index, shape.entering[0], shape.units, bias=not subtracted),
        order=NORM_BEFORE if before else NORM_AFTER,
        norm=norm,
        activation=activation(config),
        pool=MaxPool() if shape.pooled else None,
        dropout=dropout(config, index),
        example_shape=shape.entering,
    )


def convolutional(config: Config, input_shape: tuple[int, ...], classes: int) -> Net:
    """Return the config's convolutional net for images (C, H, W).

    Errors: ``ValueError`` if examples are no images.
    """
    *hidden, last = image_shapes(config, checked_image(input_shape), classes)
    layers = []
    for index, shape in enumerate(hidden):
        if shape.positions:
            layers.append(convolution_block(config, index, shape))
        else:
            layer = hidden_layer(config, index, shape.fan_in, shape.units)
            layer.example_shape = (shape.fan_in,)
            layers.append(layer)
    output = output_layer(config, len(hidden), last.fan_in, classes)
    output.example_shape = (math.prod(last.entering),)
    return Net(config, input_shape, layers, output)


def checked_image(input_shape: tuple[int, ...], kind: str = "convolutional") -> tuple[int, ...]:
    """Return the shape of an example, (C, H, W), of a net of some kind.

    Errors: ``ValueError`` if it is no image's.
    """
    if len(input_shape) != 3:
        raise ValueError(f"A {kind} net needs images (C, H, W); these are {input_shape}.")
    return input_shape

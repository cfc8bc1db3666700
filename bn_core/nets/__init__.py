"""Nets as compositions of layers, K replicas side by side; ``registry`` lists them."""

from bn_core.nets.layers import ACTIVATIONS, Dropout, Layer, Linear
from bn_core.nets.mlp import hidden_layer, mlp, output_layer
from bn_core.nets.net import Net, ProbedLayer
from bn_core.nets.registry import ARCHITECTURES, build
from bn_core.nets.residual import block, linear_stem, residual

__all__ = [
    "ACTIVATIONS",
    "ARCHITECTURES",
    "Dropout",
    "Layer",
    "Linear",
    "Net",
    "ProbedLayer",
    "block",
    "build",
    "hidden_layer",
    "linear_stem",
    "mlp",
    "output_layer",
    "residual",
]

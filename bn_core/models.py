"""The nets: K replicas of one multi-layer perceptron, side by side in each tensor."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

import torch
from torch import Tensor, nn

from bn_core.config import Config
from bn_core.initialization import initial_bias, initial_weight
from bn_core.normalization import Normalization, normalization
from bn_core.randomness import generator


class Linear(nn.Module):
    """y = x W + b for K nets at once: x (K, N, I), W (K, I, O), b (K, 1, O), y (K, N, O)."""

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight)
        self.bias = None if bias is None else nn.Parameter(bias)

    def forward(self, x: Tensor) -> Tensor:
        """Return the mapped activations, (K, N, O)."""
        if self.bias is None:
            return torch.bmm(x, self.weight)
        return torch.baddbmm(self.bias, x, self.weight)


class Dropout(nn.Module):
    """Zero a share p of the values in training and divide the rest by 1 - p.

    Each replica draws from its own generator, so a replica's masks do not depend on its
    neighbours. Source: Srivastava et al. 2014.
    """

    def __init__(self, share: float, generators: list[torch.Generator]) -> None:
        super().__init__()
        self.share, self.generators = share, generators

    def forward(self, x: Tensor) -> Tensor:
        """Return ``x`` with values dropped, (K, N, C)."""
        if not self.training:
            return x
        kept = 1 - self.share
        masks = [torch.empty(x.shape[1:]).bernoulli_(kept, generator=g) for g in self.generators]
        return x * torch.stack(masks) / kept


ACTIVATIONS = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "leaky_relu": nn.LeakyReLU,
    "gelu": nn.GELU,
}


class Layer(nn.Module):
    """One hidden layer: linear, normalization before or after the activation, dropout.

    The linear map has no bias where a normalization that subtracts each unit's mean follows
    directly: it would subtract the bias again.
    """

    linear_first: ClassVar[bool] = True

    def __init__(self, config: Config, index: int, inputs: int) -> None:
        super().__init__()
        self.norm = normalization(config)
        self.norm_first = self.norm is not None and config.placement == "before"
        follows = self.norm_first and self.linear_first
        useless = follows and self.norm is not None and self.norm.subtracts_unit_mean
        shape = (config, index, inputs, config.width)
        self.linear = Linear(initial_weight(*shape), None if useless else initial_bias(*shape))
        self.activation = ACTIVATIONS[config.activation]()
        self.dropout = Dropout(config.dropout, _dropout_draws(config, index))

    def forward(self, x: Tensor) -> Tensor:
        """Return the layer's output, (K, N, C)."""
        x = self._activated(self.linear(x))
        return self.dropout(x) if self.dropout.share else x

    def _activated(self, x: Tensor) -> Tensor:
        return activated(x, self.norm, self.activation, norm_first=self.norm_first)


def activated(
    x: Tensor, norm: Normalization | None, activation: nn.Module, *, norm_first: bool
) -> Tensor:
    """Return a(norm(x)), norm(a(x)), or a(x) where there is no normalization; (K, N, C)."""
    if norm is None:
        return activation(x)
    return activation(norm(x)) if norm_first else norm(activation(x))


class Block(Layer):
    """One residual layer: y = x + W a(norm(x)) + b, x and y (K, N, C).

    Without a normalization norm(x) = x; placed after the activation it is norm(a(x)). Source: the
    pre-activation order of He et al. 2016 (arXiv 1603.05027), with one linear map as the branch.
    """

    linear_first = False

    def forward(self, x: Tensor) -> Tensor:
        """Return the input plus what the branch makes of it, (K, N, C)."""
        branch = self.linear(self._activated(x))
        return x + (self.dropout(branch) if self.dropout.share else branch)


class Head(Linear):
    """The output layer of a residual net: y = W a(norm(x)) + b, x (K, N, C), y (K, N, classes).

    Placed after the activation the normalization is norm(a(x)), as in the blocks.
    """

    def __init__(self, config: Config, weight: Tensor, bias: Tensor) -> None:
        super().__init__(weight, bias)
        self.norm, self.norm_first = normalization(config), config.placement == "before"
        self.activation = ACTIVATIONS[config.activation]()

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits, (K, N, classes)."""
        x = activated(x, self.norm, self.activation, norm_first=self.norm_first)
        return super().forward(x)


def _dropout_draws(config: Config, index: int) -> list[torch.Generator]:
    seeds = range(config.seed, config.seed + config.replicas)
    return [generator(s, "dropout", index) for s in seeds]


class Net(nn.Module):
    """K replicas of an MLP, plain or residual: hidden layers, then the output layer."""

    def __init__(self, config: Config, inputs: int, classes: int) -> None:
        super().__init__()
        self.config = config
        sizes = [inputs] + [config.width] * (config.depth - 1)
        residual = config.architecture == "residual"
        kinds = [Layer] + [Block if residual else Layer] * (config.depth - 1)
        self.layers = nn.ModuleList(
            kind(config, index, size)
            for index, (kind, size) in enumerate(zip(kinds, sizes, strict=True))
        )
        last = (config, config.depth, config.width, classes)
        output = (initial_weight(*last), initial_bias(*last))
        self.output = Head(config, *output) if residual else Linear(*output)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits, (K, N, classes), of inputs (K, N, inputs)."""
        for layer in self.layers:
            x = layer(x)
        return self.output(x)

    @property
    def hidden(self) -> list[Layer]:
        """The hidden layers, first to last."""
        return [layer for layer in self.layers if isinstance(layer, Layer)]

    @property
    def linears(self) -> list[Linear]:
        """Every linear map, the output layer last."""
        return [layer.linear for layer in self.hidden] + [self.output]

    @property
    def norms(self) -> list[Normalization]:
        """Every normalization, first to last."""
        last = [self.output.norm] if isinstance(self.output, Head) else []
        return [
            norm for norm in [*(layer.norm for layer in self.hidden), *last] if norm is not None
        ]

    @contextmanager
    def evaluation_mode(self, *, statistics: str) -> Iterator[None]:
        """Run the net without leaving a trace in it: no dropout, no averages moved.

        ``statistics`` is "batch" or "running": which moments those use meanwhile that keep
        running averages.
        """
        norms, dropouts = self.norms, [layer.dropout for layer in self.hidden]
        for norm in norms:
            norm.training, norm.track_statistics = statistics == "batch", False
        for dropout in dropouts:
            dropout.training = False
        try:
            yield
        finally:
            for norm in norms:
                norm.training = norm.track_statistics = True
            for dropout in dropouts:
                dropout.training = True

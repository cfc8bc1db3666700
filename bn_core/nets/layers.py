"""What nets are made of: linear maps for K replicas at once, dropout, and layers in stages."""

from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from bn_core.config import Config
from bn_core.nets.initialization import initial_bias, initial_weight
from bn_core.normalization import (
    OF_LINEAR_MAP,
    Normalization,
    Reparametrization,
    reparametrization,
)
from bn_core.randomness import generator

Stage = Literal[
    "linear", "norm", "extra", "activation", "pool", "average", "scale", "dropout", "shortcut"
]

NORM_BEFORE: tuple[Stage, ...] = ("linear", "norm", "extra", "activation", "pool", "dropout")
NORM_AFTER: tuple[Stage, ...] = ("linear", "extra", "activation", "norm", "pool", "dropout")
_OF_A_SUM: tuple[Stage, ...] = ("scale", "dropout", "shortcut", "pool")
BRANCH_NORM_BEFORE: tuple[Stage, ...] = (
    *("norm", "extra", "activation", "average", "linear"),
    *_OF_A_SUM,
)
BRANCH_NORM_AFTER: tuple[Stage, ...] = (
    *("extra", "activation", "norm", "average", "linear"),
    *_OF_A_SUM,
)
BRANCH_NORM_LAST: tuple[Stage, ...] = ("extra", "activation", "linear", "norm", *_OF_A_SUM)

ACTIVATIONS: Mapping[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "leaky_relu": nn.LeakyReLU,
    "gelu": nn.GELU,
}


class Linear(nn.Module):
    """y = x W + b for K nets at once: x (K, N, I), W (K, I, O), b (K, 1, O), y (K, N, O).

    With a ``reparametrization`` r it is y = x r(W) + b: ``weight`` stays what is learned, W.
    """

    reparametrization: Reparametrization | None

    def __init__(
        self,
        weight: Tensor,
        bias: Tensor | None,
        reparametrization: Reparametrization | None = None,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight)
        self.bias = None if bias is None else nn.Parameter(bias)
        self.register_module("reparametrization", reparametrization)

    @property
    def factors(self) -> Tensor:
        """What inputs are multiplied by: the weights, or their reparametrization."""
        one = self.reparametrization
        return self.weight if one is None else one(self.weight)

    @property
    def units(self) -> int:
        """How many units it puts out, O."""
        return self.weight.shape[2]

    def forward(self, x: Tensor) -> Tensor:
        """Return the mapped activations, (K, N, O)."""
        if self.bias is None:
            return torch.bmm(x, self.factors)
        return torch.baddbmm(self.bias, x, self.factors)


class Dropout(nn.Module):
    """Zero a share p of the values in training and divide the rest by 1 - p.

    Each replica draws from its own generator, so a replica's masks do not depend on its
    neighbours. Source: Srivastava et al. 2014.
    """

    def __init__(self, share: float, generators: list[torch.Generator]) -> None:
        super().__init__()
        self.share, self.generators = share, generators

    def forward(self, x: Tensor) -> Tensor:
        """Return ``x``, (K, N, C) or (K, N, C, ...), with values dropped."""
        if not self.training or not self.share:
            return x
        kept = 1 - self.share
        masks = [torch.empty(x.shape[1:]).bernoulli_(kept, generator=g) for g in self.generators]
        return x * torch.stack(masks) / kept


class BranchScale(nn.Module):
    """y = alpha x, with one learned alpha for each net, 0 at first; x (K, N, C, ...), alpha (K,).

    At the end of a residual branch this is SkipInit: the block begins as the identity. Source: De
    & Smith 2020 (2002.10444), section 4.
    """

    def __init__(self, replicas: int) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.zeros(replicas))

    def forward(self, x: Tensor) -> Tensor:
        """Return the scaled branch, of the same shape."""
        return x * self.alpha.view(-1, *(1,) * (x.dim() - 1))


class Layer(nn.Module):
    """One layer: its stages run one after the other; a stage that is None is left out.

    ``order`` says which stage runs when, so norm before or after the activation, and before or
    after the linear map, are the same layer in another order. With ``shortcut`` the layer's input
    is added at that place of the order: y = x + stages(x); channels that x lacks count as zero (He
    et al. 2015, 1512.03385, option A). ``extra`` is any module in front of the activation, ``pool``
    and ``average`` are over positions, ``scale`` multiplies a residual branch. ``example_shape`` is
    what each example is reshaped to first: pixels in a row become an image, or an image a row of
    numbers.
    """

    linear: Linear
    norm: Normalization | None
    extra: nn.Module | None
    activation: nn.Module | None
    pool: nn.Module | None
    average: nn.Module | None
    scale: nn.Module | None
    dropout: Dropout | None

    def __init__(
        self,
        linear: Linear,
        *,
        order: tuple[Stage, ...],
        norm: Normalization | None = None,
        extra: nn.Module | None = None,
        activation: nn.Module | None = None,
        pool: nn.Module | None = None,
        average: nn.Module | None = None,
        scale: nn.Module | None = None,
        dropout: Dropout | None = None,
        shortcut: bool = False,
        example_shape: tuple[int, ...] | None = None,
    ) -> None:
        super().__init__()
        self.order, self.shortcut, self.example_shape = order, shortcut, example_shape
        self.register_module("norm", norm)
        self.register_module("linear", linear)
        self.register_module("extra", extra)
        self.register_module("activation", activation)
        self.register_module("pool", pool)
        self.register_module("average", average)
        self.register_module("scale", scale)
        self.register_module("dropout", dropout)

    @property
    def weight(self) -> nn.Parameter:
        """The weights of the linear map, (K, I, O), or convolution, (K, O, I, 3, 3)."""
        return self.linear.weight

    @property
    def bias(self) -> nn.Parameter | None:
        """The bias of the linear map, (K, 1, O); None where there is none."""
        return self.linear.bias

    @property
    def positions(self) -> tuple[int, ...]:
        """Height and width of each channel of a convolution; empty for units."""
        return () if self.example_shape is None else self.example_shape[1:]

    @property
    def stages(self) -> list[nn.Module]:
        """The modules of the layer in the order in which they run."""
        modules = (self._modules.get(name) for name in self.order)
        return [module for module in modules if module is not None]

    @property
    def stage_names(self) -> tuple[str, ...]:
        """What the stages are, in the order in which they run; "shortcut" adds the input."""
        return tuple(
            name
            for name in self.order
            if (self.shortcut if name == "shortcut" else self._modules[name] is not None)
        )

    @property
    def norm_first(self) -> bool:
        """Whether a normalization stands in front of the activation."""
        before = self.order.index("norm") < self.order.index("activation")
        return self.norm is not None and before

    def forward(self, x: Tensor) -> Tensor:
        """Return the layer's output, (K, N, O, ...), of its input (K, N, I, ...)."""
        if self.example_shape is not None:
            x = x.reshape(*x.shape[:2], *self.example_shape)
        y = x
        for name in self.order:
            if name == "shortcut":
                y = _added(x, y) if self.shortcut else y
            else:
                module = self._modules[name]
                y = y if module is None else module(y)
        return y


def _added(x: Tensor, y: Tensor) -> Tensor:
    """Return x + y, where channels that x (K, N, I, ...) lacks of y (K, N, O, ...) are zero."""
    lacking = y.shape[2] - x.shape[2]
    if lacking:
        ends = (*(0, 0) * (x.dim() - 3), 0, lacking)
        x = functional.pad(x.transpose(0, 1), ends).transpose(0, 1)
    return x + y


def linear_map(
    config: Config, index: int, inputs: int, outputs: int, *, bias: bool = True
) -> Linear:
    """Return a linear map with the initial weights of layer ``index``, counted from 0.

    Its weights are normalized where the config wants that for this hidden layer. Every layer draws
    from a stream of its own: leaving out the bias changes no other number.
    """
    shape = (config, index, inputs, outputs)
    weight = initial_weight(*shape)
    normalized = reparametrization(config, index, weight, OF_LINEAR_MAP)
    return Linear(weight, initial_bias(*shape) if bias else None, normalized)


def dropout(config: Config, index: int) -> Dropout | None:
    """Return the dropout of layer ``index``, or None where the config drops nothing."""
    if not config.dropout:
        return None
    seeds = range(config.seed, config.seed + config.replicas)
    return Dropout(config.dropout, [generator(seed, "dropout", index) for seed in seeds])


def activation(config: Config) -> nn.Module:
    """Return a new activation of the kind a config names."""
    return ACTIVATIONS[config.activation]()

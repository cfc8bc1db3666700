"""Many nets of one shape trained at once, each with a rate, a weight decay and a gain of its own.

K replicas: the S seeds of each of M cells, cell by cell, K = M S.
"""

import copy
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from bn_core.config import Config
from bn_core.datasets.dataset import Dataset
from bn_core.datasets.loading import load
from bn_core.nets import Dropout, Net, build
from bn_core.training import Trainer
from bn_core.training.batches import Batch


@dataclass(frozen=True)
class CellSettings:
    """What differs between cells that are trained as one batch, a number a cell."""

    learning_rate: tuple[float, ...]
    weight_decay: tuple[float, ...]
    gain: tuple[float, ...]

    @property
    def cells(self) -> int:
        """How many cells there are, M."""
        return len(self.learning_rate)


class ReplicaTrainer(Trainer):
    """The nets of M cells with S seeds each, in training by the Lab's own trainer.

    A cell's nets begin with the weights, meet the batches and drop the units that the Lab's nets of
    the same seeds have. ``double`` computes in float64.
    """

    def __init__(self, config: Config, settings: CellSettings, *, double: bool = False) -> None:
        dataset = load(config)
        if double:
            dataset = dataclasses.replace(
                dataset,
                train_inputs=dataset.train_inputs.double(),
                validation_inputs=dataset.validation_inputs.double(),
            )
        self.settings = settings
        super().__init__(config, dataset, replicated(config, settings, dataset, double=double))

    @property
    def replicas(self) -> int:
        """How many nets there are, K."""
        return self.settings.cells * self.config.replicas

    @cached_property
    def optimizer(self) -> "ReplicaOptimizer":
        """The config's optimizer with a rate and a weight decay for each replica."""
        return ReplicaOptimizer(self.net, self.config, self.settings)

    def next_batch(self) -> Batch:
        """Return the next batch, (K, B, D) and (K, B): that of its seed for each replica."""
        inputs, labels = self.batches.next()
        cells = self.settings.cells
        return inputs.repeat(cells, 1, 1), labels.repeat(cells, 1)

    def validation_accuracy(self) -> Tensor:
        """Return the share of held-out examples that each net classifies right, (K,)."""
        dataset = self.dataset
        inputs = dataset.validation_inputs.expand(self.replicas, -1, -1)
        logits = self.net.evaluated(inputs, statistics=self.config.evaluate_with)
        return (logits.argmax(dim=2) == dataset.validation_labels).double().mean(dim=1)


def replicated(config: Config, settings: CellSettings, dataset: Dataset, *, double: bool) -> Net:
    """Return the config's nets, S seeds, once for each of M cells: (M S, ...) in each tensor.

    Initial weights are multiplied by each cell's gain instead of the config's.
    """
    shape = dataset.input_shape, len(dataset.classes)
    plain = config.changed({"gain": 1.0})
    originals = build(plain, *shape)
    enlarged = copy.copy(plain)  # a config itself has no more replicas than the Lab offers
    object.__setattr__(enlarged, "replicas", settings.cells * config.replicas)
    net = build(enlarged, *shape)
    copies = {
        name: _repeated(value, settings.cells) for name, value in originals.state_dict().items()
    }
    net.load_state_dict(copies)
    with torch.no_grad():
        gains = _of_each_replica(settings.gain, config.replicas, torch.float32)
        for weight in net.weights:
            weight *= gains.view(-1, *(1,) * (weight.dim() - 1))
    _repeat_generators(originals, net, settings.cells)
    return net.double() if double else net


def _repeated(value: Tensor, cells: int) -> Tensor:
    """Return a tensor (S, ...), or (S C,), as (M S, ...): the replicas lie first."""
    return value.repeat(cells, *(1,) * (value.dim() - 1)) if value.dim() else value


def _repeat_generators(originals: Net, net: Net, cells: int) -> None:
    """Give each replica's dropout a generator in the state of its seed's."""
    for one, other in zip(originals.modules(), net.modules(), strict=True):
        if isinstance(one, Dropout) and isinstance(other, Dropout):
            other.generators = [
                torch.Generator().set_state(source.get_state())
                for _ in range(cells)
                for source in one.generators
            ]


def _of_each_replica(values: Sequence[float], seeds: int, dtype: torch.dtype) -> Tensor:
    """Return a cell's value for each of its replicas, (K,)."""
    return torch.tensor(values, dtype=dtype).repeat_interleave(seeds)


class ReplicaOptimizer:
    """SGD, momentum, RMSprop or Adam as ``torch.optim`` has them, with a rate for each replica.

    g <- g + decay W for weights;  theta <- theta - rate u, where u is

    - sgd: g;  momentum: b <- 0.9 b + g, u = b;
    - rmsprop: v <- 0.99 v + 0.01 g^2, u = g / (sqrt(v) + 1e-8);
    - adam: m <- 0.9 m + 0.1 g, v <- 0.999 v + 0.001 g^2,
      u = m / (1 - 0.9^t) / (sqrt(v / (1 - 0.999^t)) + 1e-8).
    """

    def __init__(self, net: Net, config: Config, settings: CellSettings) -> None:
        self.kind, self.steps = config.optimizer, 0
        self.param_groups: list[dict[str, Any]] = [{"params": list(net.parameters())}]
        weights, dtype = {id(weight) for weight in net.weights}, net.output.weight.dtype
        rates = _of_each_replica(settings.learning_rate, config.replicas, dtype)
        decays = _of_each_replica(settings.weight_decay, config.replicas, dtype)
        decay = decays if any(settings.weight_decay) else None
        self._moved = [
            _Moved(p, rates, decay if id(p) in weights else None) for p in net.parameters()
        ]

    @torch.no_grad()
    def step(self) -> None:
        """Move every parameter that has a gradient."""
        self.steps += 1
        for one in self._moved:
            if one.parameter.grad is not None:
                one.parameter.data.addcmul_(self._update(one, one.gradient()), one.minus_rate)

    def _update(self, one: "_Moved", gradient: Tensor) -> Tensor:
        match self.kind:
            case "sgd":
                return gradient
            case "momentum":
                return one.state("b").mul_(0.9).add_(gradient)
            case "rmsprop":
                square = one.state("v").mul_(0.99).addcmul_(gradient, gradient, value=0.01)
                return gradient / square.sqrt().add_(1e-8)
            case _:
                mean = one.state("m").mul_(0.9).add_(gradient, alpha=0.1)
                square = one.state("v").mul_(0.999).addcmul_(gradient, gradient, value=0.001)
                root = (square / (1 - 0.999**self.steps)).sqrt_().add_(1e-8)
                return mean / (1 - 0.9**self.steps) / root


class _Moved:
    """A parameter seen as one row for each replica, with the numbers of its replicas."""

    def __init__(self, parameter: nn.Parameter, rates: Tensor, decay: Tensor | None) -> None:
        self.parameter = parameter
        # gamma and beta lie flat, (K C,): each replica's numbers are neighbours.
        flat = parameter.dim() == 1
        width = parameter.shape[0] // len(rates) if flat else 1
        shape = (-1, *(1,) * (parameter.dim() - 1))
        self.minus_rate = -rates.repeat_interleave(width).view(shape)
        self._decay = None if decay is None else decay.repeat_interleave(width).view(shape)
        self._states: dict[str, Tensor] = {}

    def gradient(self) -> Tensor:
        """Return the gradient with that of the weight decay."""
        gradient = self.parameter.grad
        assert gradient is not None, "asked of parameters that have one"
        if self._decay is None:
            return gradient
        return gradient.addcmul(self.parameter.data, self._decay)

    def state(self, name: str) -> Tensor:
        """Return a running average of this parameter, zero at first."""
        if name not in self._states:
            self._states[name] = torch.zeros_like(self.parameter.data)
        return self._states[name]

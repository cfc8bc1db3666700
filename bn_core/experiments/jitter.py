"""Noise on the units of a net, and how far their means jump from step to step.

K replicas, N examples, C units.
"""

import numpy as np
import torch
from torch import Tensor, nn

from bn_core.experiments.base import Trainer
from bn_core.randomness import generator


class Jitter(nn.Module):
    """Shift and stretch each unit at random, never the same at two steps: a <- s a + m.

    For each unit and step mu ~ U(-.5, .5) and sigma ~ U(1, 1.25); for each example of it
    m ~ U(mu - .1, mu + .1) and s ~ N(sigma, .1). Each replica draws from a generator of its own.
    In evaluation it does nothing. Source: Santurkar et al. 2018 (1805.11604), Figure 2.
    """

    def __init__(self, draws: list[torch.Generator]) -> None:
        super().__init__()
        self.draws = draws

    def forward(self, x: Tensor) -> Tensor:
        """Return the shifted and stretched units, (K, N, C) as ``x``."""
        if not self.training:
            return x
        noise = [self._noise(x.shape[1], x.shape[2], draw) for draw in self.draws]
        stretch, shift = (torch.stack(each) for each in zip(*noise, strict=True))
        return x * stretch + shift

    @staticmethod
    def _noise(examples: int, units: int, draw: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return s and m of one replica, (N, C) each."""
        of_units = torch.rand(2, 1, units, generator=draw)
        mu, sigma = of_units[0] - 0.5, 1 + of_units[1] / 4
        shift = mu + (torch.rand(examples, units, generator=draw) - 0.5) / 5
        return sigma + torch.randn(examples, units, generator=draw) / 10, shift


def add_noise(trainee: Trainer) -> list[Jitter]:
    """Put noise of its own between the norm and the activation of every hidden layer."""
    first = trainee.config.seed
    seeds = range(first, first + trainee.config.replicas)
    added = []
    for index, layer in enumerate(trainee.net.hidden):
        added.append(Jitter([generator(seed, "dropout", index, 1) for seed in seeds]))
        layer.activation = nn.Sequential(added[-1], layer.activation)
    return added


class Jumps:
    """How far the means of a layer's units jump from one batch to the next, in units of their std.

    mean over units of |mean_{t+1} - mean_t| / std_t, (K,) a step, of what enters an activation.
    """

    def __init__(self, activation: nn.Module) -> None:
        self.seen: list[np.ndarray] = []
        self.listening = True
        self._last: tuple[Tensor, Tensor] | None = None
        activation.register_forward_hook(self._hear)

    def _hear(self, _module: nn.Module, inputs: tuple[Tensor], _output: Tensor) -> None:
        if not self.listening:
            return
        values = inputs[0].detach()
        mean, std = values.mean(dim=1), values.std(dim=1, correction=0)
        if self._last is not None:
            self.seen.append(((mean - self._last[0]).abs() / self._last[1]).mean(dim=1).numpy())
        self._last = mean, std

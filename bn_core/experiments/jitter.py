"""Noise on the units of a net, and how far their means jump from step to step.

K replicas, N examples, C units.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from bn_core.config import Config
from bn_core.datasets.dataset import Dataset
from bn_core.datasets.loading import load
from bn_core.nets import mlp
from bn_core.probing import capture
from bn_core.randomness import generator
from bn_core.training import Trainer


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


def jitter(config: Config, index: int) -> Jitter:
    """Return the noise of layer ``index``, counted from 0, with a generator for each replica."""
    seeds = range(config.seed, config.seed + config.replicas)
    return Jitter([generator(seed, "dropout", index, 1) for seed in seeds])


def noisy_trainer(config: Config, dataset: Dataset | None = None) -> Trainer:
    """Return nets in training with noise between the norm and the activation of every layer."""
    dataset = dataset or load(config)
    classes = len(dataset.classes)
    net = mlp(config, dataset.input_shape, classes, extra=lambda index: jitter(config, index))
    return Trainer(config, dataset, net)


@contextmanager
def unit_jumps(activation: nn.Module) -> Iterator[list[np.ndarray]]:
    """Collect how far the means of a layer's units jump from one training batch to the next.

    mean over units of |mean_{t+1} - mean_t| / std_t, (K,) for each step but the first, of what
    enters the activation. Passes in evaluation mode are not counted.
    """
    found: list[np.ndarray] = []
    last: list[Tensor] = []

    def receive(entered: Tensor, _left: Tensor) -> None:
        if not activation.training:
            return
        mean, std = entered.mean(dim=1), entered.std(dim=1, correction=0)
        if last:
            found.append(((mean - last[0]).abs() / last[1]).mean(dim=1).numpy())
        last[:] = mean, std

    with capture((activation, receive)):
        yield found

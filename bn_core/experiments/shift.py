"""Nets of linear layers, and the two kinds of internal covariate shift a step causes in them.

K replicas, C units.
"""

from collections.abc import Generator

import numpy as np
import torch
from torch import Tensor, nn

from bn_core.config import Config
from bn_core.datasets.dataset import Dataset
from bn_core.datasets.loading import load
from bn_core.nets import Net, mlp
from bn_core.probing import statistics
from bn_core.probing.smoothness import cosine, gradient_distance
from bn_core.training import Trainer

_PROBE = 300
Rows = dict[str, list[np.ndarray]]
Moments = tuple[Tensor, Tensor]
"""Mean and standard deviation of each unit, (K, C) each."""


def deep_linear(config: Config, layers: int, dataset: Dataset | None = None) -> Trainer:
    """Return nets of so many linear layers in training, the config's norm behind all but the last.

    f(x) = x W_1 W_2 .. W_k. Source: Santurkar et al. 2018 (1805.11604), section 2.2.
    """
    dataset = dataset or load(config)
    widths = [config.width] * (layers - 1)
    net = mlp(
        config, dataset.input_shape, len(dataset.classes), widths=widths, activate=nn.Identity
    )
    return Trainer(config, dataset, net)


def measured_step(trainer: Trainer, watched: int, rows: Rows) -> Generator[None, None, None]:
    """Take a step; write down how far it shifts each layer's gradient and one layer's input.

    ``rows`` gains cosine and distance, (K, L) each, and the drift of mean and std, (K,) each.
    """
    net, probe = trainer.net, trainer.dataset.train_inputs[..., :_PROBE, :]
    batch, parameters = trainer.batches.next(), copied(net)
    entering = moments_entering(trainer, watched, probe)
    trainer.step(batch)
    gradients = [linear.weight.grad for linear in net.linears]
    shifted = yield from shifted_gradients(net, batch, parameters)
    pairs = [
        (first.flatten(1), second.flatten(1))
        for first, second in zip(gradients, shifted, strict=True)
        if first is not None
    ]
    of_mean, of_std = drift(entering, moments_entering(trainer, watched, probe))
    cosines = torch.stack([cosine(*pair) for pair in pairs], dim=1)
    distances = torch.stack([gradient_distance(*pair) for pair in pairs], dim=1)
    found = {"cosine": cosines, "distance": distances, "mean": of_mean, "std": of_std}
    for key, values in found.items():
        rows[key].append(values.numpy())


def shifted_gradients(
    net: Net, batch: tuple[Tensor, Tensor], before: list[Tensor]
) -> Generator[None, None, list[Tensor]]:
    """Return G'_i, (K, I, O), of each linear map: the layers below moved, it and the rest not.

    G'_i = grad of L(W_1^{t+1} .. W_{i-1}^{t+1}, W_i^t .. W_k^t) w.r.t. W_i. ``before`` holds the
    net's parameters of step t; the net is at step t + 1, and is again in the end. It yields
    after each layer. Source: Santurkar et al. 2018 (1805.11604), Definition 2.1.
    """
    after, stages = copied(net), [*net.layers, net.output]
    found: list[Tensor] = []
    with net.evaluation_mode(statistics="batch"):
        inputs = [batch[0]]
        with torch.no_grad():
            for stage in stages[:-1]:
                inputs.append(stage(inputs[-1]))
        restore(net, before)
        for index, linear in enumerate(net.linears):
            values = inputs[index]
            for stage in stages[index:]:
                values = stage(values)
            loss = statistics.losses(values, batch[1]).sum()
            found.append(torch.autograd.grad(loss, [linear.weight])[0])
            yield
    restore(net, after)
    return found


def copied(net: nn.Module) -> list[Tensor]:
    """Return copies of a net's parameters, in its own order."""
    return [parameter.detach().clone() for parameter in net.parameters()]


@torch.no_grad()
def restore(net: nn.Module, values: list[Tensor]) -> None:
    """Give a net's parameters other values, in its own order."""
    for parameter, value in zip(net.parameters(), values, strict=True):
        parameter.copy_(value)


@torch.no_grad()
def moments_entering(trainer: Trainer, layer: int, inputs: Tensor) -> Moments:
    """Return the moments of what enters a layer, counted from 0; inputs (N, D) or (K, N, D).

    Batch norm uses the statistics of these inputs, as in training; the nets are left as they are.
    """
    values = trainer.for_each_replica(inputs)
    with trainer.net.evaluation_mode(statistics="batch"):
        for below in trainer.net.hidden[:layer]:
            values = below(values)
    axes = (1, *range(3, values.dim()))  # the examples, and the positions if there are any
    return values.mean(dim=axes), values.std(dim=axes, correction=0)


def drift(before: Moments, after: Moments) -> tuple[Tensor, Tensor]:
    """Return how far mean and spread moved, as shares of the spread, over all units: (K,) each.

    mean over units of |m' - m| / s, and of |s' - s| / s; m, s: (K, C). Ioffe & Szegedy 2015
    (1502.03167), section 2, call such a change internal covariate shift.
    """
    (mean, std), (new_mean, new_std) = before, after
    alive = torch.where(std > 0, std, torch.nan)  # a unit that never varies has no spread to share
    of_mean, of_std = (new_mean - mean).abs() / alive, (new_std - std).abs() / alive
    return of_mean.nanmean(dim=1), of_std.nanmean(dim=1)

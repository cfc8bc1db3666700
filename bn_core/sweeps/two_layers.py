"""The net whose border of trainability was said to be fractal: 16-16-1, tanh, a rate a layer.

Sohl-Dickstein 2024 (2402.06184): full batch, mean squared error, no bias. Here 64 random points,
in float64: close to the border the smallest difference decides.
"""

import torch
from torch import Tensor

from bn_core.randomness import generator
from bn_core.results import Progress, TaskGenerator
from bn_core.sweeps.measuring import LossHistory
from bn_core.sweeps.stability_map import FIELDS, nothing
from bn_core.sweeps.sweep import Line

UNITS, POINTS = 16, 64
LEVEL = 0.95
"""Share of mean(y^2), the loss of a net that puts out 0, below which a net has learned."""

_STEPS_A_TURN = 10
_EPSILON = 1e-5


def two_layer_line(line: Line) -> TaskGenerator:
    """Train the nets of a line of rates; yield progress, return its ``LineResult``."""
    sweep, result = line.sweep, nothing(line)
    rates = torch.tensor(
        [[_rate(line, cell, number) for cell in line.cells] for number in (1, 2)],
        dtype=torch.float64,
    ).view(2, -1, 1, 1)
    normalized = sweep.arms[line.arm].name != "none"
    for index, seed in enumerate(sweep.seeds):
        points, targets, *weights = _start(seed)
        first, second = (weight.repeat(len(line.cells), 1, 1) for weight in weights)
        history = LossHistory(len(line.cells), LEVEL * float(targets.square().mean()))
        for step in range(1, sweep.base.steps + 1):
            losses, *gradients = _loss_and_gradients(points, targets, first, second, normalized)
            history.note(losses.numpy())
            if not history.finite.any():
                break
            first.addcmul_(gradients[0], -rates[0])
            second.addcmul_(gradients[1], -rates[1])
            if step % _STEPS_A_TURN == 0:
                share = (index + step / sweep.base.steps) / len(sweep.seeds)
                yield Progress(share, line.label)
        found = {
            "fate": history.fate(),
            "learned_at": history.learned_at,
            "diverged_at": history.diverged_at,
            "loss": history.final_loss(),
        }
        for name in (name for name in FIELDS if name in found):
            getattr(result, name)[:, index] = found[name]
    return result


def _rate(line: Line, cell: tuple[int, int], number: int) -> float:
    sweep, (x, y) = line.sweep, cell
    along_x = sweep.x.name == f"rate_{number}"
    return sweep.x_values[x] if along_x else sweep.y_values[y]


def _start(seed: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return points (64, 16), targets (64, 1) and both weights, (1, 16, 16) and (1, 16, 1)."""
    data, weights = generator(seed, "data"), generator(seed, "weights")
    return (
        torch.randn(POINTS, UNITS, generator=data, dtype=torch.float64),
        torch.randn(POINTS, 1, generator=data, dtype=torch.float64),
        torch.randn(1, UNITS, UNITS, generator=weights, dtype=torch.float64) / UNITS**0.5,
        torch.randn(1, UNITS, 1, generator=weights, dtype=torch.float64) / UNITS**0.5,
    )


def _loss_and_gradients(
    points: Tensor, targets: Tensor, first: Tensor, second: Tensor, normalized: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """Return l = mean (tanh(h) W2 - y)^2 and dl/dW1, dl/dW2, h = X W1 or its normalization.

    K nets: W1 (K, 16, 16), W2 (K, 16, 1), l (K,). xhat = (h - mu) / sqrt(var + epsilon) over the
    points, whose derivative is dh = (g - mean(g) - xhat mean(g xhat)) / sqrt(var + epsilon).
    """
    h = points @ first  # (K, 64, 16)
    deviation = None
    if normalized:
        h = h - h.mean(dim=1, keepdim=True)
        deviation = (h.square().mean(dim=1, keepdim=True) + _EPSILON).sqrt()
        h = h / deviation
    a = h.tanh()
    error = a @ second - targets  # (K, 64, 1)
    g = error * (2 / POINTS)
    second_gradient = a.transpose(1, 2) @ g
    g = (g @ second.transpose(1, 2)) * (1 - a.square())
    if deviation is not None:
        along = (g * h).mean(dim=1, keepdim=True)
        g = (g - g.mean(dim=1, keepdim=True) - h * along) / deviation
    first_gradient = points.T @ g
    return error.square().mean(dim=(1, 2)), first_gradient, second_gradient

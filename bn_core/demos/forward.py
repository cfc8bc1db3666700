"""Batch norm's forward pass, step by step, on a small batch."""

import numpy as np
import torch

from bn_core.demos.checking import read_table
from bn_core.normalization.base import batch_moments, normalize, scale_and_shift
from bn_core.normalization.batch_norm import BatchNorm
from bn_core.randomness import generator
from bn_core.results import Curve, Panel, Progress, Result, Stage, TaskGenerator

Array = np.ndarray
Rows = tuple[tuple[float, ...], ...]
_BATCHES = 400
_SIZES = (2, 4, 8, 16, 32, 64, 128, 256)
_TERMS = 4
"""Terms of a sum that are written out before it is cut short."""


def tensor(rows: Rows) -> torch.Tensor:
    """Return a checked table as one replica's batch, (1, N, C) float64."""
    columns = [str(c + 1) for c in range(len(rows[0]) if rows else 0)]
    return torch.from_numpy(read_table(rows, columns))[None]


def layer(units: int, gamma: float, beta: float, epsilon: float) -> BatchNorm:
    """Return the project's batch norm of so many units in float64, with one gamma and one beta."""
    made = BatchNorm(1, units, epsilon=epsilon, reference=True).double()
    with torch.no_grad():
        assert made.flat_gamma is not None and made.flat_beta is not None
        made.flat_gamma.fill_(gamma)
        made.flat_beta.fill_(beta)
    return made


def forward(rows: Rows, gamma: float, beta: float, epsilon: float) -> TaskGenerator:
    """Take a batch (N, C) through batch norm; the last stage is what the layer itself puts out."""
    yield Progress(0.0, "normalizing")
    x = tensor(rows)
    mean, variance = batch_moments(x)
    xhat = normalize(x, mean, variance, epsilon)
    norm = layer(x.shape[2], gamma, beta, epsilon)
    with torch.no_grad():
        y = norm(x)
        by_hand = scale_and_shift(xhat, norm.gamma, norm.beta)
    assert torch.equal(y, by_hand), "the steps shown are the layer's own"
    values = {"x": x, "mean": mean, "variance": variance, "xhat": xhat, "y": y}
    found = {name: value[0].numpy() for name, value in values.items()}
    return Result(
        panels=_distributions(found),
        facts={"stages": _stages(found), "lines": _lines(found, gamma, beta, epsilon)},
    )


def _stages(found: dict[str, Array]) -> tuple[Stage, ...]:
    titles = {
        "x": ("x", "the batch"),
        "mean": ("μ", "mean of each unit"),
        "variance": ("σ²", "biased variance"),
        "xhat": ("x̂", "normalized"),
        "y": ("y", "scaled and shifted"),
    }
    return tuple(Stage(name, *titles[name], found[name]) for name in titles)


def _lines(
    found: dict[str, Array], gamma: float, beta: float, epsilon: float
) -> list[list[list[str]]]:
    """Return for each value of the batch its formulas with the numbers filled in."""
    x, xhat, y = found["x"], found["xhat"], found["y"]
    mean, variance = found["mean"][0], found["variance"][0]
    count = len(x)

    def of(n: int, c: int) -> list[str]:
        m, v = short(mean[c]), short(variance[c])
        total = _sum([short(value) for value in x[:, c]])
        squares = _sum([f"({short(value)} - {m})²" for value in x[:, c]])
        return [
            f"μ = ({total}) / {count} = {result(mean[c])}",
            f"σ² = ({squares}) / {count} = {v}",
            f"x̂ = ({short(x[n, c])} - {m}) / √({v} + {epsilon:g}) = {result(xhat[n, c])}",
            f"y = γ x̂ + β = {short(gamma)} · {short(xhat[n, c])} + {short(beta)} "
            f"= {result(y[n, c])}",
        ]

    return [[of(n, c) for c in range(x.shape[1])] for n in range(count)]


def short(value: float) -> str:
    """Return a number as it stands in the middle of a formula: in brackets if it is negative."""
    text = result(value)
    return f"({text})" if text.startswith("-") else text


def result(value: float) -> str:
    """Return a number as it stands at the end of a formula."""
    return f"{value:.4g}" if abs(value) >= 1e-12 else "0"


def _sum(terms: list[str]) -> str:
    shown = terms if len(terms) <= _TERMS + 1 else [*terms[: _TERMS - 1], "…", terms[-1]]
    return " + ".join(shown)


def _distributions(found: dict[str, Array]) -> tuple[Panel, ...]:
    units = found["x"].shape[1]
    names = tuple(f"unit {c + 1}" for c in range(units))
    made = []
    for name, title in (("x", "x: before"), ("xhat", "x̂: normalized"), ("y", "y: after")):
        values = found[name]
        spots = np.repeat(np.arange(units), len(values)) + _aside(len(values), units)
        curve = Curve("value", spots, values.T.reshape(1, -1), colour="neutral-2", kind="points")
        made.append(Panel(name, title, "", "value", (curve,), categories=names, help=_HELP))
    return tuple(made)


_HELP = "Every value of the batch, unit by unit; they are spread sideways only to be seen."


def _aside(rows: int, units: int) -> Array:
    return np.tile(np.linspace(-0.25, 0.25, rows) if rows > 1 else np.zeros(1), units)


def noise(rows: Rows) -> TaskGenerator:
    """Draw many batches of each size from the reader's first column; how much do moments vary?

    Independent draws with replacement: std of the mean is sigma / sqrt(B); the mean of the biased
    variance is sigma^2 (B - 1) / B.
    """
    x = tensor(rows)[0, :, 0]
    sigma = float(x.std(correction=0))
    if x.min() == x.max():  # by rounding, sigma may be a little more than zero
        raise ValueError("The first column has equal values: every batch has the same moments.")
    of_mean, of_variance, average = [], [], []
    for index, size in enumerate(_SIZES):
        yield Progress(index / len(_SIZES), f"drawing batches of {size}")
        drawn = torch.randint(len(x), (_BATCHES, size, 1), generator=generator(0, "batches", size))
        mean, variance = batch_moments(x[drawn])
        of_mean.append(float(mean.std()) / sigma)
        of_variance.append(float(variance.std()) / sigma**2)
        average.append(float(variance.mean()) / sigma**2)
    sizes = np.array(_SIZES, float)
    return Result((_noise_panel(sizes, of_mean, of_variance), _bias_panel(sizes, average)))


def _noise_panel(sizes: Array, of_mean: list[float], of_variance: list[float]) -> Panel:
    curves = (
        Curve("mean, in σ", sizes, np.array([of_mean]), colour="neutral-2"),
        Curve("variance, in σ²", sizes, np.array([of_variance]), colour="neutral-3"),
        Curve("theory of the mean: 1 / √B", sizes, 1 / np.sqrt(sizes)[None], faint=True),
    )
    words = f"Standard deviation over {_BATCHES} batches drawn from the first column."
    return Panel(
        "noise", "How much mean and variance vary", "batch size B", "standard deviation", curves,
        words, x_scale="log", y_scale="log",
    )  # fmt: skip


def _bias_panel(sizes: Array, average: list[float]) -> Panel:
    curves = (
        Curve("biased variance of a batch", sizes, np.array([average]), colour="neutral-3"),
        Curve("theory: (B - 1) / B", sizes, (1 - 1 / sizes)[None], faint=True),
    )
    words = (
        "The biased variance is too small on average; times B / (B - 1) it is not. Batch norm "
        "normalizes by the biased one. For inference PyTorch stores the unbiased one, Keras 3 the "
        "biased one."
    )
    return Panel(
        "bias", "Mean of the biased variance", "batch size B", "share of σ²", curves, words,
        x_scale="log", y_range=(0.0, 1.1),
    )  # fmt: skip

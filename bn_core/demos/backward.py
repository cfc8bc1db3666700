"""Batch norm's backward pass by the paper's equations, checked against autograd."""

import math

import numpy as np
import torch
from torch import Tensor

from bn_core.demos.forward import Rows, layer, short, tensor
from bn_core.normalization.base import batch_moments, normalize
from bn_core.randomness import generator
from bn_core.results import Metric, Progress, Result, Stage, TaskGenerator

Array = np.ndarray


def gradients(x: Tensor, dy: Tensor, gamma: float, epsilon: float) -> dict[str, Tensor]:
    """Return every gradient on the way from dy back to x, for x, dy: (K, N, C).

    dxhat = dy gamma;  dvar = sum dxhat (x - mu) (-1/2) (var + epsilon)^(-3/2);
    dmu = -sum dxhat / sqrt(var + epsilon) - dvar 2/m sum (x - mu);
    dx = dxhat / sqrt(var + epsilon) + dvar 2 (x - mu) / m + dmu / m;
    dgamma = sum dy xhat;  dbeta = sum dy. Source: Ioffe & Szegedy 2015 (1502.03167), section 3.
    """
    mean, variance = batch_moments(x)
    xhat, root = normalize(x, mean, variance, epsilon), torch.sqrt(variance + epsilon)
    count, off = x.shape[1], x - mean
    dxhat = dy * gamma
    dvar = (dxhat * off).sum(1, keepdim=True) * -0.5 * root**-3
    dmu = -(dxhat / root).sum(1, keepdim=True) - dvar * 2 * off.mean(1, keepdim=True)
    dx = dxhat / root + dvar * 2 * off / count + dmu / count
    dgamma, dbeta = (dy * xhat).sum(1, keepdim=True), dy.sum(1, keepdim=True)
    return {
        "dxhat": dxhat, "dvar": dvar, "dmu": dmu, "dx": dx, "dgamma": dgamma, "dbeta": dbeta,
        "xhat": xhat,
    }  # fmt: skip


def backward(rows: Rows, upstream: Rows, gamma: float, epsilon: float) -> TaskGenerator:
    """Take an upstream gradient dy (N, C) back through batch norm, and check it with autograd."""
    yield Progress(0.0, "differentiating")
    x, dy = tensor(rows), tensor(upstream)
    if x.shape != dy.shape:
        raise ValueError(
            f"The upstream gradient has {dy.shape[1]} rows and {dy.shape[2]} columns, the batch "
            f"{x.shape[1]} and {x.shape[2]}. Give them the same size."
        )
    found = gradients(x, dy, gamma, epsilon)
    automatic = _automatic(x, dy, gamma, epsilon)
    shown = {name: value[0].numpy() for name, value in {"x": x, "dy": dy, **found}.items()}
    return Result(
        metrics=_checks(found, automatic),
        facts={"stages": _stages(shown), "lines": _lines(shown, gamma, epsilon)},
    )


def _automatic(x: Tensor, dy: Tensor, gamma: float, epsilon: float) -> dict[str, Tensor]:
    """Return dx, dgamma and dbeta as autograd finds them through the project's own layer."""
    norm, watched = layer(x.shape[2], gamma, 0.0, epsilon), x.clone().requires_grad_()
    norm(watched).backward(dy)
    assert watched.grad is not None and norm.flat_gamma is not None and norm.flat_beta is not None
    assert norm.flat_gamma.grad is not None and norm.flat_beta.grad is not None
    return {
        "dx": watched.grad,
        "dgamma": norm.flat_gamma.grad.view(1, 1, -1),
        "dbeta": norm.flat_beta.grad.view(1, 1, -1),
    }


def _checks(found: dict[str, Tensor], automatic: dict[str, Tensor]) -> tuple[Metric, ...]:
    metrics = [
        Metric(name, f"{words}: largest difference from autograd", _one(found[name] - other), ".1e")
        for (name, other), words in zip(automatic.items(), ("dx", "dγ", "dβ"), strict=True)
    ]
    metrics.append(Metric("sum", "Largest |Σ dx| of a unit", _one(found["dx"].sum(1)), ".1e"))
    along = (found["dx"] * found["xhat"]).sum(1)
    metrics.append(Metric("along", "Largest |Σ dx·x̂| of a unit", _one(along), ".1e"))
    return tuple(metrics)


def _one(tensor: Tensor) -> Array:
    return np.array([float(tensor.abs().max())])


def _stages(shown: dict[str, Array]) -> tuple[Stage, ...]:
    titles = {
        "dy": ("dy", "upstream gradient"),
        "dxhat": ("dx̂", "= dy γ"),
        "dvar": ("dσ²", "one for each unit"),
        "dmu": ("dμ", "one for each unit"),
        "dx": ("dx", "what goes on back"),
        "dgamma": ("dγ", "= Σ dy x̂"),
        "dbeta": ("dβ", "= Σ dy"),
    }
    return tuple(Stage(name, *titles[name], shown[name]) for name in titles)


def _lines(shown: dict[str, Array], gamma: float, epsilon: float) -> list[list[list[str]]]:
    """Return for each value its formulas with the numbers filled in."""
    count, units = shown["x"].shape

    def of(n: int, c: int) -> list[str]:
        dy, dxhat, dx = (short(shown[name][n, c]) for name in ("dy", "dxhat", "dx"))
        dvar, dmu = (short(shown[name][0, c]) for name in ("dvar", "dmu"))
        from_mean = shown["x"][:, c] - shown["x"][:, c].mean()
        off, root = short(from_mean[n]), short(math.sqrt((from_mean**2).mean() + epsilon))
        straight = short(shown["dxhat"][:, c].sum())
        total = short((shown["dxhat"][:, c] * from_mean).sum())
        return [
            f"dx̂ = dy γ = {dy} · {short(gamma)} = {dxhat}",
            f"dσ² = Σ dx̂ (x - μ) · (-½) (σ² + ε)^(-3/2) = {total} · (-½) · {root}^(-3) = {dvar}",
            f"dμ = -Σ dx̂ / √(σ² + ε) - dσ² · 2/m Σ (x - μ) = -{straight} / {root} - 0 = {dmu}",
            f"dx = {dxhat} / {root} + {dvar} · 2 · {off} / {count} + {dmu} / {count} = {dx}",
            f"dγ = Σ dy x̂ = {short(shown['dgamma'][0, c])};  dβ = Σ dy = "
            f"{short(shown['dbeta'][0, c])}",
        ]

    return [[of(n, c) for c in range(units)] for n in range(count)]


def scale_invariance(factor: float) -> TaskGenerator:
    """Multiply the weights in front of batch norm: L(a W) = L(W), dL/d(a W) = dL/dW / a.

    A small net of its own, x W -> batch norm -> cross entropy, in float64. Exact for epsilon = 0:
    here epsilon is 1e-12. Source: van Laarhoven 2017 (1706.05350), section 2.
    """
    if not 1e-3 <= factor <= 1e3:
        raise ValueError("The factor lies between 0.001 and 1,000.")
    yield Progress(0.0, "differentiating")
    draw = generator(0, "weights", 31)
    x = torch.randn(1, 32, 8, generator=draw, dtype=torch.float64)
    weight = torch.randn(1, 8, 4, generator=draw, dtype=torch.float64)
    labels = torch.randint(4, (32,), generator=draw)
    (loss, gradient), (moved, smaller) = (
        _loss_and_gradient(x, scale * weight, labels) for scale in (1.0, factor)
    )
    along = (gradient * weight).sum() / gradient.norm() / weight.norm()
    metrics = (
        Metric("loss", "Loss with W", np.array([loss]), ".12f"),
        Metric("moved", f"Loss with {factor:g} W", np.array([moved]), ".12f"),
        Metric("gradient", "Length of the gradient with W", _norm(gradient), ".6g"),
        Metric("smaller", f"Length of the gradient with {factor:g} W", _norm(smaller), ".6g"),
        Metric(
            "ratio",
            "Length of the first gradient over that of the second",
            _norm(gradient) / _norm(smaller),
            ".10g",
        ),
        Metric("cosine", "Cosine of gradient and W", np.array([float(along)]), ".1e"),
    )
    return Result(metrics=metrics)


def _loss_and_gradient(x: Tensor, weight: Tensor, labels: Tensor) -> tuple[float, Tensor]:
    watched = weight.clone().requires_grad_()
    logits = layer(weight.shape[2], 1.0, 0.0, 1e-12)(torch.bmm(x, watched))
    loss = torch.nn.functional.cross_entropy(logits[0], labels)
    (gradient,) = torch.autograd.grad(loss, [watched])
    return float(loss.detach()), gradient


def _norm(tensor: Tensor) -> Array:
    return np.array([float(tensor.norm())])

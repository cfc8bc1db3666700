"""The batch-norm kernels without a graph, against the readable layer and finite differences."""

from typing import Any

import pytest
import torch
from torch import Tensor

from bn_core.normalization import BatchNorm
from bn_core.normalization.fused import batch_norm_backward, batch_norm_forward

K, N, C = 3, 16, 5
EPSILON = 1e-3
EXACT: Any = {"rtol": 1e-12, "atol": 1e-12}


def draw(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)


def flat(x: Tensor) -> Tensor:
    """Return (K, N, C) as the kernels take it, (N, K C)."""
    return x.transpose(0, 1).flatten(1)


def buffers(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    units = x.shape[1]
    return torch.empty_like(x), x.new_empty(units), x.new_empty(units)


class Kernels(torch.autograd.Function):
    """Both kernels as one differentiable function, so that gradcheck can hold them together."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
        out = buffers(x)
        batch_norm_forward(x, gamma, beta, None, 0.0, EPSILON, out)
        ctx.save_for_backward(x, gamma, *out[1:])
        return out[0]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x, gamma, *saved = ctx.saved_tensors
        return batch_norm_backward(gradients[0], x, gamma, (saved[0], saved[1]), EPSILON)


def test_the_backward_kernel_is_the_derivative_of_the_forward_kernel():
    inputs = [one.requires_grad_() for one in (draw(6, 4), draw(4, seed=1), draw(4, seed=2))]
    assert torch.autograd.gradcheck(Kernels.apply, inputs)


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("momentum", [0.1, None])
def test_kernels_equal_the_readable_layer(affine: bool, momentum: float | None):
    settings: dict[str, Any] = {"scale": affine, "shift": affine, "momentum": momentum}
    norm = BatchNorm(K, C, epsilon=EPSILON, reference=True, **settings).double()
    averages = torch.zeros(K * C).double(), torch.ones(K * C).double()
    if affine:
        assert norm.flat_gamma is not None and norm.flat_beta is not None
        torch.nn.init.normal_(norm.flat_gamma, generator=torch.Generator().manual_seed(3))
        torch.nn.init.normal_(norm.flat_beta, generator=torch.Generator().manual_seed(4))
    for batch in range(3):
        x, g = draw(K, N, C, seed=batch).requires_grad_(), draw(K, N, C, seed=9 + batch)
        norm.zero_grad()
        y = norm(x)
        y.backward(g)
        out = buffers(flat(x.detach()))
        share = 1 / (batch + 1) if momentum is None else momentum
        with torch.no_grad():
            parameters = norm.flat_gamma, norm.flat_beta
            batch_norm_forward(flat(x), *parameters, averages, share, EPSILON, out)
            found = batch_norm_backward(flat(g), flat(x), norm.flat_gamma, out[1:], EPSILON)
        assert x.grad is not None
        torch.testing.assert_close(out[0], flat(y.detach()), **EXACT)
        torch.testing.assert_close(found[0], flat(x.grad), **EXACT)
        for gradient, parameter in zip(found[1:], parameters, strict=True):
            if parameter is not None:
                torch.testing.assert_close(gradient, parameter.grad, **EXACT)
        for ours, theirs in zip(averages, norm.averages, strict=True):
            torch.testing.assert_close(ours, theirs.flatten(), **EXACT)

"""The kernels of batch norm against its readable forward pass, in float64."""

from typing import Any

import pytest
import torch
from torch import Tensor

from bn_core.normalization import BatchNorm
from bn_core.normalization.fused import as_linear_map, by_torch

EXACT: Any = {"rtol": 1e-12, "atol": 1e-12}
SHAPES = [(1, 12, 5), (3, 12, 5), (3, 6, 5, 4), (2, 6, 5, 3, 4)]


def draw(*shape: int, seed: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def readable(shape: tuple[int, ...], *, affine: bool, **settings) -> BatchNorm:
    """Return the readable layer with gamma, beta and averages unlike those it starts with."""
    layer = BatchNorm(shape[0], 5, scale=affine, shift=affine, reference=True, **settings).double()
    with torch.no_grad():
        for index, tensor in enumerate((*layer.parameters(), *layer.buffers())):
            tensor.copy_(draw(*tensor.shape, seed=index).abs() + 0.5)
    return layer


def results(output: Tensor, x: Tensor, layer: BatchNorm) -> list[Tensor]:
    """Return the output, and the gradients of a weighted sum of it."""
    wanted = [x, *layer.parameters()]
    weights = draw(*output.shape, seed=9)
    return [output.detach(), *torch.autograd.grad((output * weights).sum(), wanted)]


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("momentum", [0.1, 0.0, 1.0])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_training_by_torchs_kernel_is_the_readable_pass(shape, momentum, affine):
    layer = readable(shape, affine=affine, momentum=momentum, epsilon=1e-3)
    averages = tuple(average.clone() for average in layer.averages)
    x = (3 * draw(*shape, seed=5) + 2).requires_grad_()
    parameters = layer.flat_gamma, layer.flat_beta
    fused = by_torch(x, *parameters, (averages[0], averages[1]), momentum, layer.epsilon)
    found, expected = results(fused, x, layer), results(layer(x), x, layer)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, **EXACT)
    for one, other in zip(averages, layer.averages, strict=True):
        torch.testing.assert_close(one, other, **EXACT)


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_inference_as_a_linear_map_is_the_readable_pass(shape, affine):
    layer = readable(shape, affine=affine).eval()
    x = (3 * draw(*shape, seed=5) + 2).requires_grad_()
    fused = as_linear_map(x, layer.gamma, layer.beta, *layer.averages, layer.epsilon)
    for one, other in zip(results(fused, x, layer), results(layer(x), x, layer), strict=True):
        torch.testing.assert_close(one, other, **EXACT)


@pytest.mark.parametrize("momentum", [0.3, None])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_layer_gives_the_same_with_and_without_its_kernels(shape, momentum):
    layers = [
        BatchNorm(shape[0], 5, momentum=momentum, reference=r).double() for r in (True, False)
    ]
    for seed in range(3):
        x = 3 * draw(*shape, seed=seed) + 2
        torch.testing.assert_close(layers[1](x), layers[0](x), **EXACT)
    for layer in layers:
        layer.eval()
    torch.testing.assert_close(layers[1](x), layers[0](x), **EXACT)
    for one, other in zip(layers[0].buffers(), layers[1].buffers(), strict=True):
        torch.testing.assert_close(one, other, **EXACT)


def test_a_layer_without_averages_says_so():
    with pytest.raises(ValueError, match="track=True"):
        _ = BatchNorm(1, 2, track=False).averages

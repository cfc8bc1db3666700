"""Batch norm in inference is an affine map: it can be folded into the map it stands behind.

Directly behind a linear map it folds into that one. Behind an activation it folds into the next
linear map instead, because nothing linear stands directly before it.
"""

import numpy as np
import torch
from torch import Tensor

from bn_core.demos.trained import digits_net, trained
from bn_core.nets import Linear, Net, build
from bn_core.nets.convolution import Convolution
from bn_core.normalization import BatchNorm
from bn_core.results import HeatMap, HeatMaps, Metric, Progress, Result, TaskGenerator

_UNITS = 10


def folded(linear: Linear, norm: BatchNorm) -> tuple[Tensor, Tensor]:
    """Return weight and bias that do what the linear map and the norm behind it do in eval mode.

    W' = W a, b' = (b - mu) a + beta, with a = gamma / sqrt(var + epsilon) for each output unit;
    W, W': (K, I, O), or (K, O, I, 3, 3) of a convolution; b': (K, 1, O). Source: Ioffe & Szegedy
    2015 (1502.03167), Algorithm 2.
    """
    assert norm.running_mean is not None and norm.running_variance is not None
    scale = torch.rsqrt(norm.running_variance + norm.epsilon)
    scale = scale if norm.gamma is None else scale * norm.gamma
    bias = torch.zeros_like(norm.running_mean) if linear.bias is None else linear.bias.squeeze(1)
    shift = (bias - norm.running_mean) * scale
    shift = shift if norm.beta is None else shift + norm.beta
    to_units = (-1, 1, 1, 1) if isinstance(linear, Convolution) else (1, -1)
    return linear.weight * scale.view(len(scale), *to_units), shift.unsqueeze(1)


@torch.no_grad()
def without_norms(net: Net, inputs: Tensor) -> Tensor:
    """Return the logits, (K, N, classes), that the folded net gives for inputs (K, N, D)."""
    x = inputs
    for layer in net.hidden:
        assert isinstance(layer.norm, BatchNorm) and layer.norm_first and layer.activation
        weight, bias = folded(layer.linear, layer.norm)
        x = layer.activation(torch.baddbmm(bias, x, weight))
    return net.output(x)


def folding() -> TaskGenerator:
    """Fold a trained net and compare it with itself, in 32 and 64 bits."""
    trainer = yield from trained(digits_net())
    yield Progress(0.9, "comparing")
    net, data = trainer.net, trainer.dataset.validation_inputs
    inputs = data.expand(trainer.config.replicas, *data.shape)
    differences = {"32": _difference(net, inputs)}
    shape, classes = trainer.dataset.input_shape, len(trainer.dataset.classes)
    wide = build(trainer.config, shape, classes).double()
    wide.load_state_dict(net.state_dict())
    differences["64"] = _difference(wide, inputs.double())
    units, layers = trainer.config.width, trainer.config.depth
    saved = np.array([2.0 * units * layers])
    first = net.hidden[0]
    assert isinstance(first.norm, BatchNorm)
    weight = folded(first.linear, first.norm)[0].detach()
    metrics = (
        Metric("32", "Largest difference of a logit, 32 bits", differences["32"], ".1e"),
        Metric("64", "Largest difference of a logit, 64 bits", differences["64"], ".1e"),
        Metric(
            "saved", "Operations saved for each example, besides the pass over memory", saved, ".0f"
        ),
    )
    return Result((_map(first.linear.weight.detach(), weight),), metrics)


@torch.no_grad()
def _difference(net: Net, inputs: Tensor) -> np.ndarray:
    """Return the largest difference between the net and the folded net, (K,)."""
    with net.evaluation_mode(statistics="running"):
        usual = net(inputs)
    return (usual - without_norms(net, inputs)).abs().amax(dim=(1, 2)).double().numpy()


def _map(before: Tensor, after: Tensor) -> HeatMaps:
    fields = [
        HeatMap(label, weight[0, :, :_UNITS].numpy())
        for label, weight in (("W", before), ("W', folded", after))
    ]
    return HeatMaps(
        "weights",
        f"Weights into the first {_UNITS} units, before and after folding",
        "unit",
        "pixel",
        tuple(fields),
        "weight",
        help="Each column, a unit's weights, is multiplied by one number. Batch norm stands "
        "directly behind the linear map here; behind the activation it would fold into the next "
        "map.",
    )

"""Where the numbers of a net stopped being finite."""

import torch
from torch import Tensor

from bn_core.nets.net import Net


@torch.no_grad()
def first_bad_layer(net: Net, inputs: Tensor, replica: int) -> tuple[int, str]:
    """Return the first layer, from 1, that is not finite, and what of it: "weights" or "outputs".

    ``inputs`` (K, N, D) is the batch whose loss was not finite. If every layer is finite it is the
    loss itself, said of the output layer.
    """
    outputs: list[Tensor] = []
    with net.evaluation_mode(statistics="batch"):
        for layer in [*net.hidden, net.output]:
            inputs = layer(inputs)
            outputs.append(inputs)
    for number, (linear, output) in enumerate(zip(net.linears, outputs, strict=True), start=1):
        if not linear.weight[replica].isfinite().all():
            return number, "weights"
        if not output[replica].isfinite().all():
            return number, "outputs"
    return len(outputs), "loss"

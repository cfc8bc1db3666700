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
    with net.evaluation_mode(statistics="batch"):
        passed = net.passed(inputs)
    for number, (weight, output) in enumerate(passed, start=1):
        if not weight[replica].isfinite().all():
            return number, "weights"
        if not output[replica].isfinite().all():
            return number, "outputs"
    return len(passed), "loss"

"""Optimizers: how the gradients of a net become steps."""

import torch

from bn_core.config import Config
from bn_core.nets.net import Net


def make_optimizer(net: Net, config: Config) -> torch.optim.Optimizer:
    """Return the config's optimizer; weight decay applies to the net's weights alone."""
    weights = list(net.weights)
    chosen = {id(weight) for weight in weights}
    others = [p for p in net.parameters() if id(p) not in chosen]
    groups = [{"params": weights, "weight_decay": config.weight_decay}]
    if config.weight_decay:
        groups.append({"params": others, "weight_decay": 0.0})
    else:
        groups[0]["params"] += others  # one call of the kernel instead of two
    rate = config.learning_rate
    match config.optimizer:
        case "sgd":
            return torch.optim.SGD(groups, lr=rate, fused=True)
        case "momentum":
            return torch.optim.SGD(groups, lr=rate, momentum=0.9, fused=True)
        case "rmsprop":
            return torch.optim.RMSprop(groups, lr=rate, foreach=True)
        case _:
            return torch.optim.Adam(groups, lr=rate, fused=True)

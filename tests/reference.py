"""Nets as torch's own modules make them, one replica each, to hold ours against."""

import math

import torch
from torch import Tensor, nn

from bn_core.config import Config
from bn_core.nets import Net

FORMULAS = {
    "relu": lambda x: x.clamp(min=0),
    "tanh": lambda x: 1 - 2 / ((2 * x).exp() + 1),
    "sigmoid": lambda x: 1 / (1 + (-x).exp()),
    "leaky_relu": lambda x: torch.where(x > 0, x, 0.01 * x),
    "gelu": lambda x: x * 0.5 * (1 + torch.erf(x / math.sqrt(2))),
}


class Activation(nn.Module):
    """An activation by its formula."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.formula = FORMULAS[name]

    def forward(self, x: Tensor) -> Tensor:
        """Return the activation of ``x``."""
        return self.formula(x)


def linear_of(net: Net, index: int, replica: int) -> nn.Linear:
    """Return torch's linear layer with the weights one replica has now."""
    ours = net.linears[index]
    weight = ours.weight[replica].detach().T
    theirs = nn.Linear(weight.shape[1], weight.shape[0], bias=ours.bias is not None)
    theirs.to(weight.dtype)
    with torch.no_grad():
        theirs.weight.copy_(weight)
        if ours.bias is not None:
            theirs.bias.copy_(ours.bias[replica].flatten())
    return theirs


def torch_net(net: Net, config: Config, replica: int) -> nn.Sequential:
    """Return one replica of an untrained net as a plain ``nn.Sequential``, without dropout."""
    modules: list[nn.Module] = []
    for index, width in enumerate(config.layer_widths):
        momentum = None if config.bn_cumulative else config.bn_momentum
        norm = nn.BatchNorm1d(width, eps=config.bn_epsilon, momentum=momentum)
        norm.to(net.weights[0].dtype)
        follow: list[nn.Module] = [Activation(config.activation)]
        if config.normalizes(index):
            follow.insert(0 if config.placement == "before" else 1, norm)
        modules += [linear_of(net, index, replica), *follow]
    return nn.Sequential(*modules, linear_of(net, config.depth, replica))


def optimizer_of(net: nn.Sequential, config: Config) -> torch.optim.Optimizer:
    """Return torch's plain optimizer for one net; only weight matrices decay."""
    matrices = [p for p in net.parameters() if p.dim() == 2]
    vectors = [p for p in net.parameters() if p.dim() == 1]
    groups = [
        {"params": matrices, "weight_decay": config.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    rate = config.learning_rate
    match config.optimizer:
        case "sgd":
            return torch.optim.SGD(groups, lr=rate, foreach=False, fused=False)
        case "momentum":
            return torch.optim.SGD(groups, lr=rate, momentum=0.9, foreach=False, fused=False)
        case "rmsprop":
            return torch.optim.RMSprop(groups, lr=rate, foreach=False)
        case "adam":
            return torch.optim.Adam(groups, lr=rate, foreach=False, fused=False)
    raise ValueError(config.optimizer)

"""Initialization, training and validation in plain PyTorch."""

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

STEPS = 1000
WINDOW = 20


@dataclass(frozen=True)
class Arm:
    """One of the nets that are compared, and how it is trained."""

    label: str
    make: Callable  # returns the net
    draw: Callable  # draws the initial weights of one linear map
    gain: float  # multiplies them
    optimizer: Callable
    rates: dict  # the learning rate from each step on, counted from 0
    batch_size: int
    weight_decay: float
    inputs: str = ""  # how its inputs are scaled, where the nets differ in it
    batch_statistics: bool = False  # validate with those, as if eval() were forgotten
    micro_batches: int = 1  # parts of a batch that pass the net one after the other
    freeze: Callable | None = None  # what is called with the net
    freeze_at: int = 0  # after so many steps


def he(linear, generator):
    """Normal, variance 2 / inputs; biases are zero."""
    nn.init.kaiming_normal_(linear.weight, nonlinearity="relu", generator=generator)
    if linear.bias is not None:
        nn.init.zeros_(linear.bias)


def xavier(linear, generator):
    """Normal, variance 2 / (inputs + outputs); biases are zero."""
    nn.init.xavier_normal_(linear.weight, generator=generator)
    if linear.bias is not None:
        nn.init.zeros_(linear.bias)


def torch_default(linear, generator):
    """Uniform within 1 / sqrt(inputs), biases too: what PyTorch does by itself."""
    bound = 1 / math.sqrt(linear.weight[0].numel())  # the inputs of one output
    nn.init.uniform_(linear.weight, -bound, bound, generator=generator)
    if linear.bias is not None:
        nn.init.uniform_(linear.bias, -bound, bound, generator=generator)


def normal(std):
    """Return what draws from N(0, std^2) in every layer; biases are zero."""

    def draw(linear, generator):
        nn.init.normal_(linear.weight, std=std, generator=generator)
        if linear.bias is not None:
            nn.init.zeros_(linear.bias)

    return draw


def orthogonal(linear, generator):
    """Orthonormal rows, or columns where there are fewer (Saxe et al. 2013); biases are zero."""
    nn.init.orthogonal_(linear.weight, generator=generator)
    if linear.bias is not None:
        nn.init.zeros_(linear.bias)


@torch.no_grad()
def initialize(net, arm, seed):
    """Draw the initial weights of a net.

    Every layer has a generator of its own, so nets that differ in something else begin with the
    same weights where their layers have the same shape.
    """
    linears = [module for module in net.modules() if isinstance(module, nn.Linear | nn.Conv2d)]
    numbers = [*range(1, len(linears)), 0]  # 0 is the output layer
    for number, linear in zip(numbers, linears, strict=True):
        drawn = nn.Module()
        drawn.weight, drawn.bias = torch.empty_like(linear.weight), linear.bias
        arm.draw(drawn, torch.Generator().manual_seed(100 * seed + number))
        weight = drawn.weight * arm.gain
        if nn.utils.parametrize.is_parametrized(linear):
            linear.weight = weight  # which its parameters are computed of
        else:
            linear.weight.copy_(weight)


def sgd(groups, rate):
    """Stochastic gradient descent."""
    return torch.optim.SGD(groups, lr=rate)


def momentum(groups, rate):
    """Stochastic gradient descent with momentum 0.9."""
    return torch.optim.SGD(groups, lr=rate, momentum=0.9)


def rmsprop(groups, rate):
    """RMSprop as PyTorch has it."""
    return torch.optim.RMSprop(groups, lr=rate)


def adam(groups, rate):
    """Adam as PyTorch has it."""
    return torch.optim.Adam(groups, lr=rate)


def learned_weight(linear):
    """Return the parameter that a linear map's weights are, or are computed of."""
    if not nn.utils.parametrize.is_parametrized(linear):
        return linear.weight
    held = linear.parametrizations.weight
    return held.original1 if hasattr(held, "original1") else held.original  # 1: v of weight norm


def parameter_groups(net, weight_decay):
    """Weight decay pulls on the weights of linear maps and convolutions; the rest is spared."""
    linears = [module for module in net.modules() if isinstance(module, nn.Linear | nn.Conv2d)]
    weights = [learned_weight(linear) for linear in linears]
    chosen = {id(weight) for weight in weights}
    others = [parameter for parameter in net.parameters() if id(parameter) not in chosen]
    return [
        {"params": weights, "weight_decay": weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]


def hidden_norms(net):
    """Return batch norm and its kin, but that of the inputs: what has a momentum."""
    return [module for module in net.layers.modules() if hasattr(module, "momentum")]


def freeze_statistics(net):
    """From now on the norms use their running averages in training too, and do not move them."""
    for norm in hidden_norms(net):
        norm.eval()


def freeze_parameters(net):
    """From now on gamma and beta do not learn."""
    for norm in hidden_norms(net):
        norm.requires_grad_(False)
        norm.zero_grad()


def freeze_both(net):
    """Freeze running statistics, gamma and beta."""
    freeze_statistics(net)
    freeze_parameters(net)


def batches(inputs, labels, size, seed):
    """Yield full mini-batches for ever; each epoch has an order of its own."""
    generator = torch.Generator().manual_seed(seed)
    while True:
        order = torch.randperm(len(inputs), generator=generator)
        for start in range(0, len(order) - size + 1, size):
            chosen = order[start : start + size]
            yield inputs[chosen], labels[chosen]


def take_step(net, arm, optimizer, step, inputs, labels):
    """Take one step of descent on a batch; return the loss before it.

    The gradient of the mean loss is what the parts of a batch would give one after the other, if
    their gradients were averaged for one update.
    """
    if step == arm.freeze_at and arm.freeze is not None:
        arm.freeze(net)
    for group in optimizer.param_groups:
        group["lr"] = arm.rates.get(step, group["lr"])
    logits = torch.cat([net(part) for part in inputs.tensor_split(arm.micro_batches)])
    loss = functional.cross_entropy(logits, labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def train(arm, seed, data):
    """Train one net; return its train loss, validation loss and validation accuracy.

    The train loss is the mean over the last WINDOW steps. A net whose loss is no longer finite has
    diverged: it gets the worst values there are.
    """
    torch.manual_seed(seed)  # for dropout
    train_inputs, train_labels, *_ = data
    net = arm.make()
    initialize(net, arm, seed)
    optimizer = arm.optimizer(parameter_groups(net, arm.weight_decay), arm.rates[0])
    draws = batches(train_inputs, train_labels, arm.batch_size, seed)
    losses = []
    for step in range(STEPS):
        losses.append(take_step(net, arm, optimizer, step, *next(draws)))
        if not math.isfinite(losses[-1]):
            return math.inf, math.inf, 0.0
    return sum(losses[-WINDOW:]) / len(losses[-WINDOW:]), *validate(net, arm, data)


@torch.no_grad()
def validate(net, arm, data):
    """Return the loss, in nats, and the share of right answers on the held-out data."""
    *_, inputs, labels = data
    net.eval()  # dropout drops nothing, batch norm uses its running averages
    if arm.batch_statistics:
        for module in net.modules():
            module.training = not isinstance(module, nn.Dropout)
    logits = net(inputs)
    loss = functional.cross_entropy(logits, labels).item()
    if not math.isfinite(loss):
        return math.inf, 0.0
    return loss, (logits.argmax(dim=1) == labels).float().mean().item()


def train_all(arms, seeds, data):
    """Return the three numbers of every seed for each net, by its label."""
    results = {}
    for arm in arms:
        results[arm.label] = []
        seen = data[arm.inputs] if arm.inputs else data
        for seed in seeds:
            print(f"{arm.label}, seed {seed} ...", file=sys.stderr)
            results[arm.label].append(train(arm, seed, seen))
    return results

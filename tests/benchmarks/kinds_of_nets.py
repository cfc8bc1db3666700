"""How fast each kind of net trains in the app, beside a bare torch loop of the same net.

Run as ``python -m tests.benchmarks.kinds_of_nets``. Both arms, no norm and batch norm, take turns
as in the app; times are those of the processor, on one thread, and rounds alternate between the
bare loop and the app. It fails if a ratio with one seed is below 0.85.
"""

import math
import statistics
import sys
import time
from collections.abc import Callable
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional

from bn_core.comparison import ARMS, Comparison
from bn_core.config import Config
from bn_core.datasets.dataset import Dataset
from bn_core.datasets.registry import DATASETS
from bn_core.net_shapes import GATES, INCEPTION_KERNELS, image_shapes, inception_channels
from bn_core.nets import build
from bn_core.normalization import BatchNorm
from bn_core.training import Trainer, prepare_process

AIM = 0.85
ROUNDS, STEPS = 5, 30
SIDE = 14
BASE = Config(batch_size=64, learning_rate=0.1, initialization="he", data="digits")
CONFIGS = {
    "MLP 128-64": BASE.changed({"widths": (128, 64)}),
    "conv 16-32, dense 64": BASE.changed(
        {"architecture": "conv", "channels": (16, 32), "dense": (64,)}
    ),
    "conv 32-64, dense 64": BASE.changed(
        {"architecture": "conv", "channels": (32, 64), "dense": (64,)}
    ),
    "residual conv 16-16-32-32": BASE.changed(
        {"architecture": "conv_residual", "channels": (16, 16, 32, 32)}
    ),
    "inception 16-32-32": BASE.changed({"architecture": "inception", "channels": (16, 32, 32)}),
    "RNN 64": BASE.changed({"architecture": "recurrent"}),
    "LSTM 64": BASE.changed({"architecture": "recurrent", "cell": "lstm"}),
}


class BareBlock(nn.Module):
    """A residual block of torch's own modules, in pre-activation order."""

    def __init__(self, inputs: int, outputs: int, norm: bool) -> None:
        super().__init__()
        self.lacking = outputs - inputs
        norms = [nn.BatchNorm2d(inputs)] * norm
        self.branch = nn.Sequential(*norms, nn.ReLU(), nn.Conv2d(inputs, outputs, 3, padding=1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the input, with channels of zeros if it lacks some, and the branch."""
        same = functional.pad(x, (0, 0, 0, 0, 0, self.lacking)) if self.lacking else x
        return same + self.branch(x)


class BareInception(nn.Module):
    """The four convolutions of an Inception block of torch's own modules."""

    def __init__(self, inputs: int, outputs: int, bias: bool) -> None:
        super().__init__()
        sizes = zip(inception_channels(outputs), INCEPTION_KERNELS, strict=True)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(inputs, one, kernel, padding=kernel // 2, bias=bias) for one, kernel in sizes
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the channels of all four."""
        *others, last = self.convolutions
        pooled = functional.max_pool2d(x, 3, stride=1, padding=1)
        return torch.cat([*(one(x) for one in others), last(pooled)], dim=1)


def images() -> Dataset:
    """Return invented images of 14 x 14 pixels: the time of a step does not depend on them."""
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(1024, SIDE * SIDE, generator=generator)
    labels = torch.randint(10, (1024,), generator=generator)
    digits = DATASETS["digits"]
    fields = {name: getattr(digits, name) for name in ("name", "title", "classes", "splitter")}
    spec = type(digits)(**fields, input_shape=(1, SIDE, SIDE), fixed_size=1024)
    return Dataset(inputs, labels, inputs[:100], labels[:100], digits.classes, spec)


class BareCell(nn.Module):
    """A normalized recurrent layer as one writes it with torch's modules, a norm for each step."""

    def __init__(self, cell: str, units: int) -> None:
        super().__init__()
        gates = GATES[cell] * units
        self.lstm, self.units = cell == "lstm", units
        self.into = nn.Linear(SIDE, gates, bias=False)
        self.over = nn.Linear(units, gates, bias=False)
        sizes = (gates, gates, *[units] * self.lstm)
        self.norms = nn.ModuleList(
            nn.ModuleList(nn.BatchNorm1d(size) for size in sizes) for _ in range(SIDE)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the last hidden state."""
        h = c = x.new_zeros(len(x), self.units)
        mapped = self.into(x.view(-1, SIDE, SIDE)).unbind(1)
        for a_x, column in zip(mapped, self.norms, strict=True):
            assert isinstance(column, nn.ModuleList)
            a = column[0](a_x) + column[1](self.over(h))
            if self.lstm:
                i, f, g, o = a.chunk(4, 1)
                c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
                h = torch.sigmoid(o) * torch.tanh(column[2](c))
            else:
                h = torch.tanh(a)
        return h


class BareModule(nn.Module):
    """torch's own RNN or LSTM; the last hidden state comes out."""

    def __init__(self, cell: str, units: int) -> None:
        super().__init__()
        kind = nn.LSTM if cell == "lstm" else nn.RNN
        self.module = kind(SIDE, units, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the last hidden state."""
        return self.module(x.view(-1, SIDE, SIDE))[0][:, -1]


def bare_net(config: Config, norm: bool) -> nn.Sequential:
    """Return the ordinary net of torch's own modules."""
    if config.is_recurrent:
        kind = BareCell if norm else BareModule
        return nn.Sequential(kind(config.cell, config.width), nn.Linear(config.width, 10))
    if config.needs_images:
        return bare_image_net(config, norm)
    return nn.Sequential(*bare_dense((SIDE * SIDE, *config.layer_widths), norm))


def bare_dense(sizes: tuple[int, ...], norm: bool) -> list[nn.Module]:
    """Return hidden layers of so many units, the first number being inputs, and the output."""
    layers: list[nn.Module] = []
    for before, units in pairwise(sizes):
        layers += [nn.Linear(before, units), *[nn.BatchNorm1d(units)] * norm, nn.ReLU()]
    return [*layers, nn.Linear(sizes[-1], 10)]


def bare_image_net(config: Config, norm: bool) -> nn.Sequential:
    """Return the convolutional net, residual net or net of Inception blocks."""
    layers: list[nn.Module] = [nn.Unflatten(1, (1, SIDE, SIDE))]
    *hidden, last = image_shapes(config, (1, SIDE, SIDE), 10)
    for index, shape in enumerate(shape for shape in hidden if shape.positions):
        before, channels = shape.entering[0], shape.units
        if config.has_shortcuts and index:
            layers.append(BareBlock(before, channels, norm))
        else:
            layers.append(
                BareInception(before, channels, not norm)
                if shape.kind == "inception"
                else nn.Conv2d(before, channels, 3, padding=1, bias=not norm)
            )
            layers += [*[nn.BatchNorm2d(channels)] * norm, nn.ReLU()]
        layers += [nn.MaxPool2d(2)] * shape.pooled
    if config.has_shortcuts:
        layers += [*[nn.BatchNorm2d(last.fan_in)] * norm, nn.ReLU(), nn.AdaptiveAvgPool2d(1)]
        return nn.Sequential(*layers, nn.Flatten(), nn.Linear(last.fan_in, 10))
    flat = math.prod(hidden[len(config.blocks) - 1].leaving)
    return nn.Sequential(*layers, nn.Flatten(), *bare_dense((flat, *config.dense), norm))


def bare_loop(config: Config, data: Dataset) -> Callable[[], None]:
    """Return what takes one step with each of the two nets."""
    nets = [bare_net(config, norm) for norm in (False, True)]
    optimizers = [torch.optim.SGD(net.parameters(), lr=0.1, fused=True) for net in nets]

    def step() -> None:
        chosen = torch.randperm(data.train_size)[: config.batch_size]
        inputs, labels = data.train_inputs[chosen], data.train_labels[chosen]
        for net, optimizer in zip(nets, optimizers, strict=True):
            loss = functional.cross_entropy(net(inputs), labels)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()

    return step


def app_loop(config: Config, data: Dataset, replicas: int) -> Callable[[], None]:
    """Return what takes one step with both arms of the app, on the same batch."""
    arms = (ARMS["none"], ARMS["before"])
    comparison = Comparison(config.changed({"replicas": replicas}), arms)
    trainers = [Trainer(one, data, build(one, (1, SIDE, SIDE), 10)) for one in comparison.configs]
    assert any(isinstance(norm, BatchNorm) for norm in trainers[1].net.norms)

    def step() -> None:
        batch = trainers[0].batches.next()
        for trainer in trainers:
            trainer.step(batch)

    return step


def steps_a_second(step: Callable[[], None]) -> float:
    """Return how many steps of both nets a second of the processor holds."""
    began = time.process_time()
    for _ in range(STEPS):
        step()
    return STEPS / (time.process_time() - began)


def main() -> int:
    """Print the table; return 1 if an aim is missed."""
    prepare_process()
    data, met = images(), True
    print(f"{SIDE} x {SIDE} images, batch {BASE.batch_size}, both arms, one thread")
    print("net                       | seeds | bare steps/s | app steps/s | nets, app/bare (range)")
    for name, config in CONFIGS.items():
        for replicas in (1, 3):
            loops = bare_loop(config, data), app_loop(config, data, replicas)
            for loop in loops:
                steps_a_second(loop)
            pairs = [tuple(map(steps_a_second, loops)) for _ in range(ROUNDS)]
            bare, app = (statistics.median(column) for column in zip(*pairs, strict=True))
            ratios = [replicas * ours / theirs for theirs, ours in pairs]
            ratio = statistics.median(ratios)
            met = met and (replicas > 1 or ratio >= AIM)
            spread = f"{ratio:.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
            print(f"{name:25} | {replicas:5} | {bare:12.1f} | {app:11.1f} | {spread}", flush=True)
    return int(not met)


if __name__ == "__main__":
    sys.exit(main())

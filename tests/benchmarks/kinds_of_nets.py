"""How fast each kind of net trains in the app, beside a bare torch loop of the same net.

Run as ``python -m tests.benchmarks.kinds_of_nets``. Both arms, no norm and batch norm, take turns
as in the app; times are those of the processor, on one thread, and rounds alternate between the
bare loop and the app. It fails if a ratio with one seed is below 0.85.
"""

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
}


def images() -> Dataset:
    """Return invented images of 14 x 14 pixels: the time of a step does not depend on them."""
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(1024, SIDE * SIDE, generator=generator)
    labels = torch.randint(10, (1024,), generator=generator)
    digits = DATASETS["digits"]
    fields = {name: getattr(digits, name) for name in ("name", "title", "classes", "splitter")}
    spec = type(digits)(**fields, input_shape=(1, SIDE, SIDE), fixed_size=1024)
    return Dataset(inputs, labels, inputs[:100], labels[:100], digits.classes, spec)


def bare_net(config: Config, norm: bool) -> nn.Sequential:
    """Return the ordinary net of torch's own modules."""
    layers: list[nn.Module] = []
    inputs = SIDE * SIDE
    if config.needs_images:
        layers.append(nn.Unflatten(1, (1, SIDE, SIDE)))
        for before, channels in pairwise((1, *config.blocks)):
            layers.append(nn.Conv2d(before, channels, 3, padding=1, bias=not norm))
            layers += [*[nn.BatchNorm2d(channels)] * norm, nn.ReLU(), nn.MaxPool2d(2)]
        layers.append(nn.Flatten())
        inputs = config.blocks[-1] * (SIDE // 2 ** len(config.blocks)) ** 2
    widths = config.dense if config.needs_images else config.layer_widths
    for before, units in pairwise((inputs, *widths)):
        layers += [nn.Linear(before, units), *[nn.BatchNorm1d(units)] * norm, nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(widths[-1], 10))


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
    print("net                  | seeds | bare steps/s | app steps/s | net-steps, app/bare (range)")
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
            print(f"{name:20} | {replicas:5} | {bare:12.1f} | {app:11.1f} | {spread}", flush=True)
    return int(not met)


if __name__ == "__main__":
    sys.exit(main())

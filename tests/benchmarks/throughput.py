"""How fast instrumented training is, beside a bare torch loop in the same process.

Run as ``python -m tests.benchmarks.throughput``. It fails if a ratio falls short of its aim.
A bare run stands directly before each instrumented one, times are those of the processor (all runs
on one thread), and the median ratio over several rounds counts: on a shared machine single times
and separate runs say little.
"""

import itertools
import statistics
import sys
import time
from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional

from bn_core.comparison import ARMS, Comparison
from bn_core.config import Config
from bn_core.datasets.loading import load
from bn_core.records import snapshot_spacing
from bn_core.training import Request, Setup, prepare_process, train

BASE = Config(depth=3, width=100, batch_size=64, steps=1000, learning_rate=0.1, replicas=1)
ARM_OF_NORM = {"batch norm": "before", "no norm": "none"}
AIMS = {1: 1.15, 4: 1.7, 8: 1.9}
"""Net-steps a second of K seeds at once, as multiples of the bare loop's steps a second."""
ROUNDS = 7


def bare_loop(config: Config, *, norm: bool) -> Callable[[int], None]:
    """Return what trains one ordinary torch net for a number of steps."""
    data = load(config)
    sizes = [data.train_inputs.shape[-1]] + [config.width] * config.depth
    layers: list[nn.Module] = []
    for inputs, outputs in itertools.pairwise(sizes):
        layers += [nn.Linear(inputs, outputs), *[nn.BatchNorm1d(outputs)] * norm, nn.ReLU()]
    net = nn.Sequential(*layers, nn.Linear(config.width, len(data.classes)))
    optimizer = torch.optim.SGD(net.parameters(), lr=config.learning_rate, fused=True)
    per_epoch = data.train_size // config.batch_size

    def steps(count: int) -> None:
        for step in range(count):
            if step % per_epoch == 0:
                order = torch.randperm(data.train_size)
            start = step % per_epoch * config.batch_size
            chosen = order[start : start + config.batch_size]
            loss = functional.cross_entropy(
                net(data.train_inputs[chosen]), data.train_labels[chosen]
            )
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()

    return steps


def instrumented(replicas: int, arm: str) -> float:
    """Return net-steps a second of the app's own training, snapshots included."""
    comparison = Comparison(BASE.changed({"replicas": replicas}), (ARMS[arm],))
    training = train(comparison, Setup.of(comparison))
    for _ in range(10):  # the nets are built, the optimizer is imported
        next(training)
    began = time.process_time()
    count = sum(1 for _ in training)
    return replicas * count / (time.process_time() - began)


def speed_of(steps: Callable[[int], None]) -> float:
    """Return steps a second over a thousand steps."""
    began = time.process_time()
    steps(1000)
    return 1000 / (time.process_time() - began)


Speeds = dict[tuple[str, int], list[tuple[float, float]]]
"""Of each norm and number of seeds: bare steps and net-steps a second, one pair a round."""


def measured_speeds() -> Speeds:
    """Return the speeds of all rounds; every round measures every combination once."""
    loops = {norm: bare_loop(BASE, norm=norm == "batch norm") for norm in ARM_OF_NORM}
    for steps in loops.values():
        steps(50)
    speeds: Speeds = {}
    for _ in range(ROUNDS):
        for (norm, arm), replicas in itertools.product(ARM_OF_NORM.items(), AIMS):
            pair = speed_of(loops[norm]), instrumented(replicas, arm)
            speeds.setdefault((norm, replicas), []).append(pair)
    return speeds


def print_ratios(speeds: Speeds) -> bool:
    """Print the table of ratios; return whether every aim is met."""
    met = True
    print("norm       | seeds | bare steps/s | net-steps/s | ratio (range)       | aim")
    for (norm, replicas), pairs in speeds.items():
        bare, ours = (statistics.median(column) for column in zip(*pairs, strict=True))
        found = [one / other for other, one in pairs]
        ratio, aim = statistics.median(found), AIMS[replicas]
        met = met and ratio >= aim
        spread = f"{ratio:5.2f} ({min(found):.2f} to {max(found):.2f})"
        print(f"{norm:10} | {replicas:5} | {bare:12.0f} | {ours:11.0f} | {spread:19} | {aim}")
    return met


def cost_of_a_snapshot(depth: int, width: int, replicas: int = 3) -> tuple[float, float]:
    """Return the milliseconds of a plain step and of a snapshot, one arm."""
    base = BASE.changed({"depth": depth, "width": width, "replicas": replicas, "steps": 10_000})
    comparison = Comparison(base, (ARMS["before"],))
    training = train(comparison, Setup.of(comparison))
    for _ in range(5):
        next(training)
    times: dict[bool, list[float]] = {False: [], True: []}
    for number in range(40):
        snapshot = number % 2 == 0
        began = time.process_time()
        training.send(Request(snapshot=snapshot))
        times[snapshot].append(1000 * (time.process_time() - began))
    plain = statistics.median(times[False])
    return plain, statistics.median(times[True]) - plain


def print_costs_of_snapshots() -> None:
    """Print what a snapshot costs for nets of several depths and widths."""
    widths = (32, 64, 128, 256)
    print("\nOne snapshot, 3 seeds, one arm: milliseconds (as many plain steps)\n")
    print("depth | " + " | ".join(f"width {width:<7}" for width in widths))
    for depth in (1, 3, 5, 10, 20):
        costs = [cost_of_a_snapshot(depth, width) for width in widths]
        cells = (f"{snapshot:5.1f} ({snapshot / plain:4.1f})" for plain, snapshot in costs)
        print(f"{depth:5} | " + " | ".join(f"{cell:13}" for cell in cells))


def main() -> int:
    """Print both tables; return 1 if an aim is missed."""
    prepare_process()
    print(f"64-100-100-100-10, batch 64, {BASE.steps} steps, one thread, a snapshot every")
    print(f"{snapshot_spacing(BASE.steps)} steps; medians of {ROUNDS} rounds\n")
    met = print_ratios(measured_speeds())
    print_costs_of_snapshots()
    return int(not met)


if __name__ == "__main__":
    sys.exit(main())

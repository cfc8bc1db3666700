"""How fast instrumented training is, beside a bare torch loop in the same process.

Run as ``python -m tests.benchmarks.throughput``. It fails if a ratio falls short of its aim.
Every measurement is repeated, bare and instrumented in turn, and the median ratio counts: single
times on a shared machine say little.
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
AIMS = {1: 0.85, 4: 1.6, 8: 2.2}
"""Net-steps a second of K seeds at once, as multiples of the bare loop's steps a second."""
REPEATS = 7


def bare_loop(config: Config) -> Callable[[int], None]:
    """Return what trains one ordinary torch net for a number of steps."""
    data = load(config)
    sizes = [64] + [config.width] * config.depth
    layers: list[nn.Module] = []
    for inputs, outputs in itertools.pairwise(sizes):
        layers += [nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs), nn.ReLU()]
    net = nn.Sequential(*layers, nn.Linear(config.width, 10))
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


def instrumented(replicas: int) -> float:
    """Return net-steps a second of the app's own training, looks included."""
    comparison = Comparison(BASE.changed({"replicas": replicas}), (ARMS["before"],))
    training = train(comparison, Setup.of(comparison))
    for _ in range(10):  # the nets are built, the optimizer is imported
        next(training)
    began = time.perf_counter()
    count = sum(1 for _ in training)
    return replicas * count / (time.perf_counter() - began)


def ratios(replicas: int) -> tuple[float, float, list[float]]:
    """Return both speeds' medians and the ratio of each repeat."""
    bare, ours, found = [], [], []
    steps = bare_loop(BASE)
    steps(50)
    for _ in range(REPEATS):
        began = time.perf_counter()
        steps(1000)
        bare.append(1000 / (time.perf_counter() - began))
        ours.append(instrumented(replicas))
        found.append(ours[-1] / bare[-1])
    return statistics.median(bare), statistics.median(ours), found


def cost_of_a_look(depth: int, width: int, replicas: int = 3) -> tuple[float, float]:
    """Return the milliseconds of a plain step and of a look inside, one arm."""
    base = BASE.changed({"depth": depth, "width": width, "replicas": replicas, "steps": 10_000})
    comparison = Comparison(base, (ARMS["before"],))
    training = train(comparison, Setup.of(comparison))
    for _ in range(5):
        next(training)
    times: dict[bool, list[float]] = {False: [], True: []}
    for number in range(40):
        snapshot = number % 2 == 0
        began = time.perf_counter()
        training.send(Request(snapshot=snapshot))
        times[snapshot].append(1000 * (time.perf_counter() - began))
    plain = statistics.median(times[False])
    return plain, statistics.median(times[True]) - plain


def main() -> int:
    """Print both tables; return 1 if an aim is missed."""
    prepare_process()
    missed = False
    print(f"64-100-100-100-10, batch 64, batch norm, {BASE.steps} steps, one thread,")
    print(f"a look every {snapshot_spacing(BASE.steps)} steps; medians of {REPEATS} repeats\n")
    print("seeds | bare steps/s | net-steps/s | ratio (range)      | aim")
    for replicas, aim in AIMS.items():
        bare, ours, found = ratios(replicas)
        ratio = statistics.median(found)
        missed = missed or ratio < aim
        spread = f"({min(found):.2f} to {max(found):.2f})"
        print(f"{replicas:5} | {bare:12.0f} | {ours:11.0f} | {ratio:5.2f} {spread:12} | {aim}")
    print("\nOne look inside, 3 seeds, one arm: milliseconds (as many plain steps)\n")
    widths = (32, 64, 128, 256)
    print("depth | " + " | ".join(f"width {width:<7}" for width in widths))
    for depth in (1, 3, 5, 10, 20):
        costs = [cost_of_a_look(depth, width) for width in widths]
        cells = (f"{snapshot:5.1f} ({snapshot / plain:4.1f})" for plain, snapshot in costs)
        print(f"{depth:5} | " + " | ".join(f"{cell:13}" for cell in cells))
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())

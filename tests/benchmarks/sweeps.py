"""How long maps take, and how many rows a second: ``python -m tests.benchmarks.sweeps``.

Measures the local pool with one and two workers and, where ``distributed`` is installed, a Dask
cluster of one and two worker processes on this machine. A row of the map, one net's values of the
learning rate, is one task. Each map is computed twice: the first time workers import torch and
read the data. With two local workers the second must be there within ``MOST_SECONDS``.
"""

import argparse
import importlib
import importlib.util
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager

from bn_core.service.cluster import cluster_executor
from bn_core.service.pool import Limits, Pool
from bn_core.service.pool_executor import PoolExecutor
from bn_core.sweeps.driver import run_sweep
from bn_core.sweeps.sweep import Sweep

MOST_SECONDS = {8: 2.0, 24: 20.0}
"""What a map of so many cells along each axis, with two nets, may take on two cores."""


@contextmanager
def local(workers: int) -> Iterator[Executor]:
    """Give the executor of a pool of this machine."""
    pool = Pool(workers, limits=Limits(computations_per_visitor=2 * workers))
    pool.start()
    try:
        assert pool.wait_ready(120), "no worker could be started"
        yield PoolExecutor(pool)
    finally:
        pool.close()


@contextmanager
def dask(workers: int) -> Iterator[Executor]:
    """Give the executor of a cluster of processes on this machine."""
    settings = {"n_workers": workers, "threads_per_worker": 1, "dashboard_address": None}
    with (
        importlib.import_module("distributed").LocalCluster(**settings) as cluster,
        cluster_executor(cluster.scheduler_address) as (executor, _),
    ):
        yield executor


def seconds(sweep: Sweep, executor: Executor, at_once: int) -> tuple[float, int]:
    """Return how long a map takes, and its rows."""

    def keep() -> bool:
        if isinstance(executor, PoolExecutor):
            executor.renew_lease()
        return False

    began, rows = time.perf_counter(), 0
    for news in run_sweep(sweep, executor, at_once, keep):
        rows = news.done
    return time.perf_counter() - began, rows


def main() -> int:
    """Print a line for each executor and size; return 1 if a map took too long."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, choices=tuple(MOST_SECONDS), help="only this size")
    asked = parser.parse_args().size
    kinds = {"local pool": local}
    if importlib.util.find_spec("distributed") is not None:
        kinds["Dask"] = dask
    late = 0
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    for name, executor_of in kinds.items():
        for workers in (1, 2):
            with executor_of(workers) as executor:
                for size in [asked] if asked else MOST_SECONDS:
                    first, _ = seconds(Sweep(size=size), executor, 2 * workers)
                    took, rows = seconds(Sweep(size=size), executor, 2 * workers)
                    print(
                        f"{name}, {workers} workers, {size} x {size} cells, 2 nets: {took:.2f} s "
                        f"(at first {first:.2f} s), {rows / took:.1f} rows a second",
                        flush=True,
                    )
                    late += executor_of is local and workers == 2 and took > MOST_SECONDS[size]
    return 1 if late else 0


if __name__ == "__main__":
    sys.exit(main())

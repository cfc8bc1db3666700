"""How many lines of a map a second: ``python -m tests.benchmarks.sweeps [--size 24]``.

Measures the local pool with one and two workers and, where ``distributed`` is installed, a Dask
cluster of one and two worker processes on this machine. Each map is computed twice: the first time
workers import torch and read the data.
"""

import argparse
import importlib
import importlib.util
import time
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager

from bn_core.service.cluster import cluster_executor
from bn_core.service.pool import Limits, Pool
from bn_core.service.pool_executor import PoolExecutor
from bn_core.sweeps.driver import run_sweep
from bn_core.sweeps.sweep import SIZES, Sweep


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
    """Return how long a map takes, and its lines."""

    def keep() -> bool:
        if isinstance(executor, PoolExecutor):
            executor.renew_lease()
        return False

    began, lines = time.perf_counter(), 0
    for news in run_sweep(sweep, executor, at_once, keep):
        lines = news.done
    return time.perf_counter() - began, lines


def main() -> None:
    """Print a line for each executor."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, choices=SIZES, default=8)
    sweep = Sweep(size=parser.parse_args().size)
    kinds = {"local pool": local}
    if importlib.util.find_spec("distributed") is not None:
        kinds["Dask"] = dask
    for name, executor_of in kinds.items():
        for workers in (1, 2):
            with executor_of(workers) as executor:
                seconds(sweep, executor, 2 * workers)
                took, lines = seconds(sweep, executor, 2 * workers)
            print(f"{name}, {workers} workers: {took:.2f} s, {lines / took:.1f} lines a second")


if __name__ == "__main__":
    main()

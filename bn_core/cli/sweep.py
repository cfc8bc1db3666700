"""``sweep``: train a grid of nets over two settings and write what became of each."""

import argparse
import os
import sys
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from urllib.parse import parse_qsl

from bn_core.cli.command import COMPLETED, INTERRUPTED, CommandError, Subcommand
from bn_core.cli.export import check_target, write_file
from bn_core.cli.link import comparison_from_link
from bn_core.cli.progress import ProgressBar
from bn_core.export.report_map import report_of_map
from bn_core.service.cluster import ClusterError, cluster_executor, scheduler_address
from bn_core.service.pool import Limits, Pool
from bn_core.service.pool_executor import PoolExecutor
from bn_core.settings import SettingError
from bn_core.sweeps.axis import AXES, Axis
from bn_core.sweeps.driver import run_sweep
from bn_core.sweeps.findings import sentence
from bn_core.sweeps.link import sweep_from_query
from bn_core.sweeps.stability_map import StabilityMap
from bn_core.sweeps.sweep import SIZES, Sweep
from bn_core.sweeps.table import map_to_csv, map_to_npz

_FORMATS = {".csv": map_to_csv, ".npz": map_to_npz, ".html": report_of_map}
_SECONDS_TO_START = 120.0


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    axes = "one of: " + ", ".join(AXES)
    parser.add_argument(
        "link",
        metavar="LINK",
        nargs="?",
        help="whose nets: an address of the Lab or of the page Stability map, or a query such as "
        '"depth=10"; without it 5 layers of 32 units, 200 steps',
    )
    parser.add_argument("--x", metavar="SETTING", choices=AXES, help=f"the x axis, {axes}")
    parser.add_argument("--y", metavar="SETTING", choices=AXES, help="the y axis, likewise")
    for name in ("x", "y"):
        parser.add_argument(
            f"--{name}-range",
            metavar=("LOW", "HIGH"),
            nargs=2,
            type=float,
            help=f"the ends of the {name} axis",
        )
    parser.add_argument(
        "--size",
        type=int,
        choices=SIZES,
        help="cells along each axis (24); of 72 only those near a change are trained",
    )
    parser.add_argument("--float64", action="store_true", help="compute in float64")
    workers = f"processes on this machine ({_usual_workers()}); a cluster has its own"
    parser.add_argument("--workers", metavar="N", type=_workers, help=workers)
    parser.add_argument("--out", metavar="FILE", required=True, help="a .csv, .npz or .html file")


def _usual_workers() -> int:
    return min(os.cpu_count() or 1, 16)


def _workers(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 64:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 to 64")
    return int(text)


def _execute(asked: argparse.Namespace) -> int:
    suffix = os.path.splitext(asked.out)[1]
    if suffix not in _FORMATS:
        raise CommandError(f"“{asked.out}” names no format: let it end in .csv, .npz or .html.")
    check_target(asked.out)
    sweep = sweep_asked_for(asked)
    if sweep.problem():
        raise CommandError(sweep.problem())
    try:
        with _executor(asked.workers or _usual_workers()) as (executor, at_once):
            found, ended = _computed(sweep, executor, at_once)
    except ClusterError as error:
        raise CommandError(str(error)) from error
    write_file(asked.out, _FORMATS[suffix](found))
    said = sentence(found)
    if said:
        print(said)
    return COMPLETED if ended else INTERRUPTED


SUBCOMMAND = Subcommand(
    "sweep", "Train a grid of nets over two settings: a stability map.", _add_arguments, _execute
)


def sweep_asked_for(asked: argparse.Namespace) -> Sweep:
    """Return the sweep of the link with what the options change. Errors: ``CommandError``."""
    sweep = _linked(asked.link)
    try:
        x = _axis(asked.x, asked.x_range, sweep.x)
        y = _axis(asked.y, asked.y_range, sweep.y)
        if asked.y is None and (x.name == y.name or {x.name, y.name} & {"rate_1", "rate_2"}):
            raise CommandError("Name the y axis too: --y SETTING.")
        double = asked.float64 or sweep.double
        return Sweep(sweep.base, x, y, sweep.arms, asked.size or sweep.size, double)
    except SettingError as error:
        raise CommandError(str(error)) from None


def _linked(link: str | None) -> Sweep:
    if link is None:
        return Sweep()
    address, _, query = link.strip().partition("#")[0].partition("?")
    if address.rpartition("/")[2] == "stability_map":
        sweep, complaints = sweep_from_query(dict(parse_qsl(query, keep_blank_values=True)))
        if complaints:  # on the page it would be said; here nobody would see it
            raise CommandError(complaints[0])
        return sweep
    comparison, warnings = comparison_from_link(link)
    for words in warnings:
        print(words, file=sys.stderr)
    try:
        return Sweep(comparison.base, arms=comparison.arms)
    except SettingError as error:
        raise CommandError(str(error)) from None


def _axis(name: str | None, ends: list[float] | None, linked: Axis) -> Axis:
    axis = linked if name is None or name == linked.name else Axis.usual(name)
    return axis if ends is None else Axis(axis.name, ends[0], ends[1])


@contextmanager
def _executor(workers: int) -> Iterator[tuple[Executor, int]]:
    """Give the cluster's executor where one is named, else that of a pool of this machine."""
    address = scheduler_address()
    if address:
        with cluster_executor(address) as (executor, threads):
            yield executor, 2 * threads
        return
    pool = Pool(workers, limits=Limits(computations_per_visitor=2 * workers))
    pool.start()
    try:
        if not pool.wait_ready(_SECONDS_TO_START):
            raise CommandError("No worker process could be started: see the messages above.")
        yield PoolExecutor(pool), 2 * workers
    finally:
        pool.close()


def _computed(sweep: Sweep, executor: Executor, at_once: int) -> tuple[StabilityMap, bool]:
    """Return the map, and whether it is complete: Ctrl+C ends it early."""
    found = StabilityMap.empty(sweep)

    def stopped() -> bool:
        if isinstance(executor, PoolExecutor):
            executor.renew_lease()
        return False

    try:
        with ProgressBar() as bar:
            for news in run_sweep(sweep, executor, at_once, stopped):
                found = news.map
                bar.show(news.share, news.words)
    except ValueError as error:
        raise CommandError(str(error)) from error
    except KeyboardInterrupt:
        if not found.lines:
            raise
        print("Ended by Ctrl+C: these cells were measured by then.", file=sys.stderr)
        return found, False
    return found, True

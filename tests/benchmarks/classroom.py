"""Many visitors who all train: what each gets, and whether the server keeps answering.

Run as ``python -m tests.benchmarks.classroom``: thirty visitors for 20 s. For more of them, for
ten minutes, and for a class that presses New seeds all the time::

    python -m tests.benchmarks.classroom --visitors 100
    python -m tests.benchmarks.classroom --seconds 600 --press 2
    python -m tests.benchmarks.classroom --press 2 --query "depth=20&width=256"

Visitors are plain clients that speak Streamlit's own protocol and fetch their pictures as the live
view does in a browser.
"""

import argparse
import asyncio
import itertools
import os
import statistics
import sys
import time
from dataclasses import dataclass

from bn_core.service.pool import Timeouts
from tests.benchmarks import serving
from tests.benchmarks.visitor import Visitor, until

LEAST_UPDATES = 2.0
MOST_GAINED_MB = 30.0
LONG_ENOUGH_TO_JUDGE_MEMORY = 300.0
LEAST_SHARE = 0.5
MOST_HEALTH_MS = 100.0
MOST_SECONDS_TO_STOP = 10.0


async def health_times(port: int, seconds: float) -> list[float]:
    """Return the milliseconds of the health endpoint's answers, asked ten times a second."""
    found = []
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        began = time.perf_counter()
        await asyncio.to_thread(serving.is_healthy, port)
        found.append(1000 * (time.perf_counter() - began))
        await asyncio.sleep(0.1)
    return found


async def press_in_turn(visitors: list[Visitor], seconds: float) -> None:
    """Have one visitor after the other train new seeds, one each so many seconds."""
    for visitor in itertools.cycle(visitors):
        await asyncio.sleep(seconds)
        await visitor.train_with_new_seeds()


async def memory_gained(server: int, seconds: float) -> float:
    """Return the MB by which the server has grown in the second half of some time."""
    await asyncio.sleep(seconds / 2)
    halfway = serving.memory(server)
    await asyncio.sleep(seconds / 2 - 0.5)
    return serving.memory(server) - halfway


async def seconds_to_stop(workers: list[int]) -> float:
    """Return after how many seconds the workers compute less than a twentieth of a core."""
    began = time.monotonic()
    before = serving.processor_seconds(workers)
    while time.monotonic() - began < 3 * MOST_SECONDS_TO_STOP:
        await asyncio.sleep(1.0)
        now = serving.processor_seconds(workers)
        if now - before < 0.05:
            return time.monotonic() - began - 1.0
        before = now
    return float("inf")


def memory(server: int, workers: list[int]) -> dict[str, float]:
    """Return the memory of both kinds of process in MB; what they share counts once."""
    shares = sum(map(serving.memory_share, workers))
    return {"server": serving.memory_share(server), "workers": shares}


async def work(port: int, server: int, visitors: list[Visitor], asked: argparse.Namespace):
    """Let everybody train for the time asked for; return the health's times and MB gained."""
    async with asyncio.TaskGroup() as group:
        gained = group.create_task(memory_gained(server, asked.seconds))
        pressing = group.create_task(press_in_turn(visitors, asked.press or asked.seconds))
        health = await health_times(port, asked.seconds)
        pressing.cancel()
    return health, gained.result()


@dataclass(frozen=True)
class Measured:
    """What visitors got, and what it took."""

    seconds: float
    opened: float
    """Seconds until everybody had the page and trained."""
    updates: list[float]
    """Updates per second of each visitor, ascending."""
    steps: list[int]
    """Steps trained by each visitor, ascending."""
    health: list[float]
    """Milliseconds of the health endpoint's answers."""
    gained: float
    stopped: float
    memory: dict[str, dict[str, float]]
    """MB of the server and of the workers: idle, at work, afterwards."""
    torch_in_server: bool
    peak: float
    """The most MB of the server and its workers at a time."""

    @property
    def steps_per_second(self) -> float:
        """Steps of all visitors' nets, per second."""
        return sum(self.steps) / self.seconds

    @property
    def share(self) -> float:
        """The steps of the slowest visitor, relative to the median."""
        return self.steps[0] / max(statistics.median(self.steps), 1)

    @property
    def health_p95(self) -> float:
        """The 95th percentile of the health endpoint's times, in milliseconds."""
        return statistics.quantiles(self.health, n=20)[-1]


async def measure(port: int, server: int, asked: argparse.Namespace) -> Measured:
    """Have visitors train for some time, leave, and be forgotten."""
    peak = serving.PeakMemory(server)
    await until(lambda: len(serving.workers_of(server)) >= asked.workers, 60)
    workers = serving.workers_of(server)
    await seconds_to_stop(workers)  # they have started and warmed up
    size = {"idle": memory(server, workers)}
    query = f"steps=10000&speed=full&{asked.query}"
    visitors = [Visitor(port, query) for _ in range(asked.visitors)]
    began = time.monotonic()
    tasks = [asyncio.create_task(visitor.visit()) for visitor in visitors]
    await until(lambda: all("Train" in v.buttons and v.step >= 0 for v in visitors), 600)
    for visitor in visitors:
        await visitor.press("Train")
    await until(lambda: all(v.step > 0 for v in visitors), 600)
    opened = time.monotonic() - began
    for visitor in visitors:
        visitor.updates = visitor.steps_trained = 0
    health, gained = await work(port, server, visitors, asked)
    updates = sorted(v.updates / asked.seconds for v in visitors)
    steps = sorted(v.steps_trained for v in visitors)
    size["at work"] = memory(server, workers)
    torch_in_server = serving.maps_torch(server)
    for visitor in visitors:
        visitor.leaving.set()
    await asyncio.gather(*tasks)
    stopped = await seconds_to_stop(workers)
    await asyncio.sleep(Timeouts().forget + 3)
    size["afterwards"] = memory(server, workers)
    return Measured(
        asked.seconds,
        opened,
        updates,
        steps,
        health,
        gained,
        stopped,
        size,
        torch_in_server,
        peak.stop(),
    )


def report(found: Measured, asked: argparse.Namespace) -> bool:
    """Print the table; return whether every aim is met."""
    rows = [
        ("all have opened the page and train after, s", found.opened, ""),
        ("updates/s of the slowest visitor", found.updates[0], f">= {LEAST_UPDATES}"),
        ("updates/s, median", statistics.median(found.updates), ""),
        ("steps in all, per second", found.steps_per_second, ""),
        ("steps of the slowest, of the median", found.share, f">= {LEAST_SHARE}"),
        ("health endpoint, p95, ms", found.health_p95, f"< {MOST_HEALTH_MS:g}"),
        ("training stops after, s", found.stopped, f"< {MOST_SECONDS_TO_STOP:g}"),
        (
            "server's growth in the second half, MB",
            found.gained,
            f"< {MOST_GAINED_MB:g} in a long run",
        ),
        *(
            (f"memory of the {who} {when}, MB", found.memory[when][who], "")
            for who in ("server", "workers")
            for when in found.memory
        ),
        ("most memory of both at a time, MB", found.peak, ""),
        ("torch in the server process", float(found.torch_in_server), "0"),
    ]
    print(f"{asked.visitors} visitors, {asked.seconds:g} s\n")
    for words, value, aim in rows:
        print(f"{words:44} {value:9.2f}  {aim}")
    quick = found.health_p95 < MOST_HEALTH_MS
    met = found.updates[0] >= LEAST_UPDATES and found.share >= LEAST_SHARE and quick
    if asked.query or asked.press:  # of large nets, or of runs begun anew, there are fewer updates
        met = found.steps[0] > 0 and quick
    met = met and (found.gained < MOST_GAINED_MB or asked.seconds < LONG_ENOUGH_TO_JUDGE_MEMORY)
    return met and found.stopped < MOST_SECONDS_TO_STOP and not found.torch_in_server


def options() -> argparse.ArgumentParser:
    """Return what can be asked of this benchmark."""
    parser = argparse.ArgumentParser(description="Visitors who all train.")
    parser.add_argument("--visitors", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--workers", type=int, default=2, help="worker processes of the server")
    parser.add_argument("--query", default="", help="settings of the Lab, as in its link")
    parser.add_argument("--press", type=float, default=0.0, help="seconds between two New seeds")
    return parser


def run(asked: argparse.Namespace) -> Measured:
    """Start a server with a place for each visitor, and measure."""
    os.environ["BN_LAB_WORKERS"] = str(asked.workers)
    os.environ["BN_LAB_PLACES"] = str(max(64, asked.visitors))
    port = serving.free_port()
    with serving.app(port) as process:
        return asyncio.run(measure(port, process.pid, asked))


def main() -> int:
    """Measure and print; return 1 if an aim is missed."""
    asked = options().parse_args()
    return int(not report(run(asked), asked))


if __name__ == "__main__":
    sys.exit(main())

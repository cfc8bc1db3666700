"""Running a sweep on any executor: lines go out, the map grows as they come back."""

import importlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass
from itertools import zip_longest

from bn_core.sweeps.stability_map import LineResult, StabilityMap
from bn_core.sweeps.sweep import Line, Sweep, refines

_SECONDS_BETWEEN_LOOKS = 0.1


def compute_line(line: Line) -> LineResult:
    """Return the result of a line: pure, bounded, and the same wherever it runs.

    The module that trains is named, not imported: the page's process submits this function and has
    no torch. Errors: ``ValueError`` if a cell cannot be trained.
    """
    return importlib.import_module("bn_core.sweeps.lines").computed(line)


@dataclass(frozen=True)
class SweepProgress:
    """The map so far; ``done`` of ``total`` lines are in it, as far as their number is known."""

    map: StabilityMap
    level: int
    done: int
    total: int

    @property
    def share(self) -> float:
        """The share of the known lines that is done."""
        return self.done / max(self.total, 1)

    @property
    def words(self) -> str:
        """How far it is, in words."""
        level = f"level {self.level + 1} of {self.map.sweep.levels}"
        return f"{level}, {self.done} of {self.total} lines"


def run_sweep(
    sweep: Sweep, executor: Executor, at_once: int, stopped: Callable[[], bool] = lambda: False
) -> Iterator[SweepProgress]:
    """Compute a sweep, coarse to fine; yield the map each time lines have come back.

    At most ``at_once`` lines are out. The map does not depend on the order in which they return.
    Ends early, without an error, once ``stopped()`` is true. Errors: what a line failed with;
    ``ValueError`` if the sweep has a problem.
    """
    if sweep.problem():
        raise ValueError(sweep.problem())
    planned = [level for level in range(sweep.levels) if not refines(level)]
    ahead = [(level, line) for level in planned for line in _in_turns(sweep.lines(level))]
    now = SweepProgress(StabilityMap.empty(sweep), 0, 0, len(ahead))
    for news in _computed(ahead, now, executor, at_once, stopped):
        now = news
        yield now
    if len(planned) < sweep.levels and now.done == now.total and not stopped():
        last = sweep.levels - 1
        finer = [(last, line) for line in _in_turns(sweep.lines(last, now.map))]
        start = SweepProgress(now.map, last, now.done, now.total + len(finer))
        yield from _computed(finer, start, executor, at_once, stopped)


def _in_turns(lines: Iterable[Line]) -> list[Line]:
    """Return lines so that the maps of all nets grow side by side."""
    of_arms: dict[int, list[Line]] = {}
    for line in lines:
        of_arms.setdefault(line.arm, []).append(line)
    turns = zip_longest(*of_arms.values())
    return [line for turn in turns for line in turn if line is not None]


def _computed(
    ahead: list[tuple[int, Line]],
    now: SweepProgress,
    executor: Executor,
    at_once: int,
    stopped: Callable[[], bool],
) -> Iterator[SweepProgress]:
    waiting, out = list(reversed(ahead)), dict[Future[LineResult], int]()
    try:
        while (waiting or out) and not stopped():
            while waiting and len(out) < at_once:
                level, line = waiting.pop()
                out[executor.submit(compute_line, line)] = level
            done, _ = wait(out, _SECONDS_BETWEEN_LOOKS, return_when=FIRST_COMPLETED)
            if not done:
                continue
            known, level = now.map, now.level
            for future in done:
                level = max(level, out.pop(future))
                known = known.extended(future.result())
            now = SweepProgress(known, level, now.done + len(done), now.total)
            yield now
    finally:
        for future in out:
            future.cancel()

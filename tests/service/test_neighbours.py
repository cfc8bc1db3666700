"""What a visitor keeps of its worker beside one who asks for too much."""

import statistics
import time

import pytest

from bn_core.service.pool import Pool, PoolFull
from bn_core.service.tasks import TrainingRun
from tests.service.waiting import comparison, heaviest, process_of, processor_time, wait_for

pytestmark = pytest.mark.slow
SECONDS = 2.0
FEWEST_ROUNDS, MOST_ROUNDS = 4, 8


class Speed:
    """The steps of a run for each clock tick that its worker computes.

    Not for each second: what else the machine does at that time must not count.
    """

    def __init__(self, pool: Pool, run: TrainingRun) -> None:
        self._pool, self._run = pool, run
        self._steps, self._ticks = run.step_reached, self._worker_ticks()
        self._began = time.monotonic()

    def lasted(self) -> bool:
        """Return whether it has been measured for long enough."""
        return time.monotonic() - self._began > SECONDS and self._worker_ticks() > self._ticks + 50

    def value(self) -> float:
        """Return the speed since the beginning."""
        return (self._run.step_reached - self._steps) / (self._worker_ticks() - self._ticks)

    def _worker_ticks(self) -> int:
        return processor_time(process_of(self._pool, self._run))


def speed_beside_training(pool: Pool, run: TrainingRun, heavy: TrainingRun) -> float:
    """Return the speed of a run while a heavy one trains."""
    speed = Speed(pool, run)
    wait_for(speed.lasted, run, heavy)
    return speed.value()


def speed_beside_presses(pool: Pool, run: TrainingRun) -> tuple[float, int]:
    """Return the same while the heavy visitor presses New seeds as fast as it can."""
    speed, presses = Speed(pool, run), 0
    while not speed.lasted():
        pool.open(heaviest(seed=presses), visitor="heavy").close()
        run.renew_lease()
        presses += 1
        time.sleep(0.02)
    return speed.value(), presses


def is_clear(ratios: list[float], limit: float) -> bool:
    """Return whether the mean of some ratios lies two standard errors from a limit."""
    if len(ratios) < FEWEST_ROUNDS:
        return False
    standard_error = statistics.stdev(ratios) / len(ratios) ** 0.5
    return abs(statistics.mean(ratios) - limit) > 2 * standard_error


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_visitor_keeps_its_speed_while_another_presses_new_seeds_all_the_time():
    """Measured beside the same heavy nets in training, by turns, until the answer is clear."""
    pool = Pool(workers=2)
    pool.start()
    try:
        wait_for(lambda: len(pool.process_ids) == 2)
        run = pool.open(comparison(steps=10_000, depth=20, width=128, replicas=4), visitor="other")
        run.play(0)
        ratios, presses = [], 0
        while not is_clear(ratios, 0.9) and len(ratios) < MOST_ROUNDS:
            heavy = pool.open(heaviest(), visitor="heavy")
            wait_for(lambda opened=heavy: opened.built, run, heavy, seconds=120)
            heavy.play(0)
            usual = speed_beside_training(pool, run, heavy)
            heavy.close()
            now, pressed = speed_beside_presses(pool, run)
            ratios.append(now / usual)
            presses += pressed
        assert presses > 50 and not run.ending
        assert statistics.mean(ratios) >= 0.9, ratios
    finally:
        pool.close()


@pytest.mark.long
def test_ten_of_the_heaviest_pages_in_one_worker_starve_nobody():
    """Those that do not fit in memory are refused in words; light runs keep a fair part."""
    pool = Pool(workers=1, worker_bytes=2e9)
    pool.start()
    try:
        assert pool.wait_ready(60)
        light = [
            pool.open(comparison(steps=10_000, seed=seed), visitor=f"light {seed}")
            for seed in range(4)
        ]
        for run in light:
            run.play(20)  # so slow that none can end before the heavy ones are built
        wait_for(lambda: all(run.step_reached for run in light), *light)
        opened, refused = [], []
        for page in range(10):
            try:
                opened.append(pool.open(heaviest(seed=page), visitor=f"heavy {page}"))
            except PoolFull as full:
                refused.append(str(full))
        assert opened and refused and all("GB of memory" in words for words in refused)
        rounds = 0
        while not any(run.built for run in opened) or rounds < 5:
            before = [run.step_reached for run in light]
            wait_for(lambda since=before: all_gained(light, since), *light, *opened)
            rounds += 1
        assert not any(run.ending for run in [*light, *opened])
    finally:
        pool.close()


def all_gained(runs: list[TrainingRun], before: list[int]) -> bool:
    """Return whether every run has trained since it was at a step."""
    return all(run.step_reached > step for run, step in zip(runs, before, strict=True))

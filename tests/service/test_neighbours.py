"""What a visitor keeps of its speed beside one who asks for too much; takes a quiet machine."""

import statistics
import time

import pytest

from bn_core.service.pool import Pool, PoolFull
from bn_core.service.tasks import TrainingRun
from tests.service.waiting import comparison, heaviest, wait_for

pytestmark = pytest.mark.slow
SECONDS = 5.0


def speed(run: TrainingRun, heavy: TrainingRun, seconds: float = SECONDS) -> float:
    """Return the steps a second of a run, with a heavy one open and quiet beside it."""
    before, began = run.step_reached, time.monotonic()
    wait_for(lambda: time.monotonic() - began > seconds, run, heavy)
    return (run.step_reached - before) / (time.monotonic() - began)


def speed_under_fire(pool: Pool, run: TrainingRun) -> tuple[float, int]:
    """Return the same while the heavy visitor presses New seeds as fast as it can."""
    before, began, presses = run.step_reached, time.monotonic(), 0
    while time.monotonic() - began < SECONDS:
        pool.open(heaviest(seed=presses), visitor="heavy").close()
        run.renew_lease()
        presses += 1
        time.sleep(0.02)
    return (run.step_reached - before) / (time.monotonic() - began), presses


def test_a_visitor_keeps_its_speed_while_another_presses_new_seeds_all_the_time():
    """The fair measure: its speed with the same heavy comparison open beside it, at rest."""
    pool = Pool(workers=2)
    pool.start()
    try:
        wait_for(lambda: len(pool.process_ids) == 2)
        run = pool.open(comparison(steps=10_000, depth=10, width=128, replicas=4), visitor="other")
        run.play(0)
        quiet, under_fire, presses = [], [], 0
        for _ in range(4):
            heavy = pool.open(heaviest(), visitor="heavy")
            wait_for(lambda opened=heavy: opened.built, run, heavy, seconds=120)
            quiet.append(speed(run, heavy))
            heavy.close()
            now, pressed = speed_under_fire(pool, run)
            under_fire.append(now)
            presses += pressed
        assert presses > 400 and not run.ending
        assert statistics.median(under_fire) >= 0.9 * statistics.median(quiet)
    finally:
        pool.close()


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
            run.play(0)
        wait_for(lambda: all(run.step_reached for run in light), *light)
        opened, refused = [], []
        for page in range(10):
            try:
                opened.append(pool.open(heaviest(seed=page), visitor=f"heavy {page}"))
            except PoolFull as full:
                refused.append(str(full))
        assert opened and refused and all("GB of memory" in words for words in refused)
        for _ in range(5):
            before = [run.step_reached for run in light]
            began = time.monotonic()
            wait_for(lambda since=began: time.monotonic() - since > 6, *light, *opened)
            gained = [run.step_reached - b for run, b in zip(light, before, strict=True)]
            assert min(gained) > 0, "a light run stood still for six seconds"
        wait_for(lambda: any(run.built for run in opened), *light, *opened, seconds=200)
        assert not any(run.ending for run in [*light, *opened])
    finally:
        pool.close()

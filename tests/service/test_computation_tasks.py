"""Studies in real worker processes: how they end, and what happens when workers or pages go."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from bn_core.comparison import ARMS, Comparison
from bn_core.config import Config
from bn_core.demos.following import following
from bn_core.demos.why import why
from bn_core.experiments import _ended
from bn_core.results import Contours, HeatMaps, Panel, Result
from bn_core.service import protocol
from bn_core.service.pool import Limits, Pool, PoolFull, Timeouts
from bn_core.service.tasks import MOST_DEATHS, ComputationTask
from bn_core.training import run as train_here
from tests.service.waiting import kill_in_its_turn, lent, process_of, rests, started, wait_for

SHORT: dict[str, Any] = {
    "momentum": 0.1, "cumulative": False, "batch_size": 16, "rate": 0.1, "steps": 40
}  # fmt: skip
HOURS: dict[str, Any] = {
    "slug": "affine", "shard": "all", "seeds": 10, "first_seed": 0, "quick": False
}  # fmt: skip
"""A part of an experiment that never ends by itself while a test looks."""
CARS = ((3.0, 40_000.0, 14_500.0), (5.0, 90_000.0, 9_800.0), (1.0, 12_000.0, 21_000.0))


def finish(*studies: ComputationTask) -> list[Result]:
    """Wait for studies and return what they find."""
    wait_for(lambda: all(study.done for study in studies), *studies)
    for study in studies:
        assert not study.failure
        assert isinstance(study.result, Result)
    return [study.result for study in studies]


def arrays(finding: Result) -> dict[str, np.ndarray]:
    """Return every number of a finding by a name."""
    found = {f"measure {m.key}": m.values for m in finding.metrics}
    for part in finding.panels:
        if isinstance(part, HeatMaps):
            found |= {f"{part.id} {one.label}": one.values for one in part.fields}
            continue
        assert isinstance(part, Panel | Contours)
        for curve in part.curves:
            found[f"{part.id} {curve.label} x"] = curve.x
            found[f"{part.id} {curve.label} y"] = curve.y
    return found


def assert_same(one: Result, other: Result) -> None:
    """Assert that two findings have the same numbers, bit for bit."""
    first, second = arrays(one), arrays(other)
    assert list(first) == list(second) and first
    for name, values in first.items():
        np.testing.assert_array_equal(values, second[name], err_msg=name)


def begun(study: ComputationTask) -> bool:
    return study.progress.share > 0


@pytest.fixture(scope="module")
def two_workers() -> Iterator[Pool]:
    with started(workers=2) as pool:
        yield pool


@pytest.fixture
def all_there(two_workers: Pool) -> Iterator[Pool]:
    with lent(two_workers) as pool:
        yield pool


@pytest.fixture(scope="module")
def one_worker() -> Iterator[Pool]:
    with started(timeouts=Timeouts(cancel=2.0)) as pool:
        yield pool


@pytest.fixture
def alone(one_worker: Pool) -> Iterator[Pool]:
    """A pool of one worker that cancels soon what no page looks at."""
    with lent(one_worker) as pool:
        yield pool


def test_a_study_in_a_worker_finds_what_it_finds_here(all_there):
    first, second = (
        all_there.submit("following", **SHORT),
        all_there.submit("why", table=CARS, share=0.75, shown=400),
    )
    followed, descended = finish(first, second)
    assert_same(followed, _ended(following(**SHORT)))
    assert_same(descended, _ended(why(CARS, 0.75, 400)))
    assert first.deaths == 0 and first.worker_index is None


def test_progress_arrives_and_what_has_been_found_stays(all_there):
    study = all_there.submit("following", **SHORT | {"steps": 120})
    assert study.progress.words
    shares, parts = [], []
    take_in = study.handle

    def note(report: protocol.TaskReport) -> None:
        take_in(report)
        shares.append(study.progress.share)
        parts.append(study.progress.partial)

    study.handle = note
    (whole,) = finish(study)
    assert len(shares) >= 2 and shares == sorted(shares) and 0 <= shares[0] < shares[-1] <= 1
    first = next((i for i, part in enumerate(parts) if part is not None), None)
    assert first is not None, "nothing was shown before the end"
    assert all(isinstance(part, Result) for part in parts[first:])
    early, late = arrays(parts[first]), arrays(whole)
    short = early["loss training mode y"]
    np.testing.assert_array_equal(short, late["loss training mode y"][:, : short.shape[1]])


def test_a_page_is_woken_at_the_end(all_there):
    study = all_there.submit("scale invariance", factor=10.0)
    assert study.wait(50) and study.done
    assert study.result["ratio"].median == pytest.approx(10)


def test_a_cancelled_study_stops_and_frees_its_place(all_there):
    study = all_there.submit("experiment part", **HOURS)
    wait_for(lambda: begun(study), study)
    worker, known = process_of(all_there, study), study.progress
    assert not study.done
    study.cancel()
    assert study.done and study.failure == "It was cancelled." and study.result is None
    assert study.worker_index is None
    assert study.progress.share >= known.share > 0
    wait_for(lambda: rests(worker))
    version = study.version
    study.cancel()
    assert study.version == version and study.failure == "It was cancelled."
    finish(all_there.submit("following", **SHORT))


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("following", SHORT | {"steps": 0}, "Between 1 and 1,000 steps can be followed."),
        ("scale invariance", {"factor": 1e9}, "The factor lies between 0.001 and 1,000."),
        ("why", {"table": (), "share": 0.5, "shown": 9}, "The table is empty. Add at least one row "
         "of numbers."),
    ],
)  # fmt: skip
def test_what_cannot_be_computed_is_said_in_a_sentence(all_there, name, arguments, words, capfd):
    study = all_there.submit(name, **arguments)
    assert study.wait(50)
    assert study.failure == words and study.result is None
    assert "Traceback" not in capfd.readouterr().err
    assert study.worker_index is None


def test_our_own_mistakes_are_owned_in_a_sentence_and_spare_the_worker(all_there):
    processes = all_there.process_ids
    study = all_there.submit("following", surprise=1)
    assert study.wait(50)
    assert study.failure.endswith("it is our mistake.")
    assert "Traceback" not in study.failure and "surprise" not in study.failure
    with pytest.raises(ValueError, match="no computation nonsense"):
        all_there.submit("nonsense")
    finish(all_there.submit("relatives"))
    assert all_there.process_ids == processes


def test_a_worker_killed_in_the_middle_changes_nothing_in_the_result(all_there):
    arguments: dict[str, Any] = SHORT | {"steps": 400}
    study = all_there.submit("following", **arguments)
    wait_for(lambda: begun(study), study)
    kill_in_its_turn(all_there, study)
    assert not study.done
    (found,) = finish(study)
    assert study.deaths <= 1
    assert_same(found, _ended(following(**arguments)))


@pytest.mark.slow
def test_a_computation_that_keeps_killing_workers_is_given_up_in_words(alone):
    study = alone.submit("experiment part", **HOURS)
    while not study.done:
        kill_in_its_turn(alone, study)
    assert study.failure == f"Its worker process ended {MOST_DEATHS + 1} times."
    assert study.ending.kind == "failed" and study.result is None
    waiting = alone.submit("relatives")
    assert waiting.worker_index is None and "waiting" in waiting.progress.words
    finish(waiting)


def test_two_studies_asked_at_once_go_to_different_workers(all_there):
    studies = [all_there.submit("experiment part", **HOURS) for _ in range(2)]
    assert {study.worker_index for study in studies} == {0, 1}
    assert process_of(all_there, studies[0]) != process_of(all_there, studies[1])


def test_one_visitor_has_a_bounded_part_of_the_computations_and_others_theirs():
    pool = Pool(workers=1, limits=Limits(computations_per_visitor=2, computations=4))
    mine = [pool.submit("following", visitor="me", **SHORT) for _ in range(2)]
    with pytest.raises(PoolFull, match="most for one visitor"):
        pool.submit("relatives", visitor="me")
    for visitor in ("you", "they"):
        pool.submit("relatives", visitor=visitor)
    with pytest.raises(PoolFull, match="Try again in a minute"):
        pool.submit("relatives", visitor="she")
    mine[0].cancel()
    pool.submit("relatives", visitor="me")


def test_a_study_that_no_page_looks_at_is_cancelled(alone):
    left, watched = (alone.submit("experiment part", **HOURS) for _ in range(2))
    wait_for(lambda: left.done, watched)
    assert left.failure == "It was cancelled."
    assert left.unrenewed_for() > alone.timeouts.cancel
    assert not watched.done
    wait_for(lambda: begun(watched), watched)


def test_a_run_and_a_study_share_a_worker_and_both_go_on(alone):
    base = Config(depth=3, width=32, replicas=2, steps=10_000, batch_size=32)
    run = alone.open(Comparison(base, (ARMS["none"], ARMS["before"])))
    run.play(0)
    wait_for(lambda: run.record and run.record.step > 0, run)
    study = alone.submit("experiment part", **HOURS)
    assert study.worker_index == run.worker_index == 0
    wait_for(lambda: begun(study), run, study)
    before, share = run.step_reached, study.progress.share
    wait_for(lambda: run.step_reached > before and study.progress.share > share, run, study)
    assert not run.ending and not study.done
    short = alone.submit("following", **SHORT)
    wait_for(lambda: short.done, run, study, short)
    assert_same(finish(short)[0], _ended(following(**SHORT)))
    run.close()
    small = Comparison(base.changed({"steps": 30}), (ARMS["none"],))
    again = alone.open(small)
    again.play(0)
    wait_for(lambda: again.ending, again, study)
    assert again.record is not None and not study.done
    assert again.record.fingerprint() == train_here(small).fingerprint()

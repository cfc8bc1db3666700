"""Quick moves of the learning rate's slider: nothing older may undo the reader's last one.

A pool that was not started stands for a worker that has not answered yet.
"""

from typing import Any

import numpy as np
import pytest

from bn_core.comparison import ARMS, Comparison
from bn_core.config import Config
from bn_core.records import RecordChunk
from bn_core.service import protocol
from bn_core.service.pool import Pool
from bn_core.service.training_job import TrainingJob
from bn_core.training import Setup
from pages.shared.lab.actions import rate_event
from pages.shared.lab.events import LabState, RateConfirmed, RateMoved
from pages.shared.lab.runs import dispatch, observed, perform_pending
from pages.shared.session import Session

SMALL = Config(data="xor", depth=1, width=4, replicas=1, points=64, steps=100, learning_rate=0.1)
ASKED = Comparison(SMALL, (ARMS["none"],))
CONNECTION: Any = None


@pytest.fixture
def pool() -> Pool:
    return Pool(workers=1)


@pytest.fixture
def session(pool) -> Session:
    """Return a visitor whose run has trained 10 steps."""
    session = Session(lab=LabState(ASKED))
    run = session.run = pool.open(ASKED, session.visitor)
    run.worker_index = 0
    pool.handle(0, CONNECTION, protocol.Opened(run.id, Setup.of(ASKED).probe.summary()))
    report(pool, session, after=0, steps=10)
    return session


def report(pool: Pool, session: Session, *, after: int, steps: int, changes=(), number=0) -> None:
    """Have the worker say that it trained some steps, some with other rates."""
    assert session.run is not None
    loss = np.ones((steps, 1, 1), np.float32)
    chunk = RecordChunk(after, loss, np.zeros(1), rate_changes=changes)
    pool.handle(0, CONNECTION, protocol.Trained(session.run.id, chunk, number))


def move(session: Session, *rates: float) -> None:
    """Move the slider and have the page's script run to its end, once for each rate."""
    for rate in rates:
        event = rate_event(observed(session), rate)
        assert isinstance(event, RateMoved)
        dispatch(session, event)
        perform_pending(session)


def test_a_late_answer_to_an_earlier_rate_does_not_bring_it_back(pool, session):
    move(session, 0.07, 0.05, 0.03)
    report(pool, session, after=10, steps=1, changes=((10, 0.07),), number=1)
    assert session.run.learning_rate == 0.03
    assert rate_event(observed(session), 0.03) is None, "the slider stays as it is"
    assert session.run.as_run().base.rate_changes == ((10, 0.07), (11, 0.03))
    report(pool, session, after=11, steps=4, changes=((12, 0.03),), number=3)
    assert session.run.learning_rate == 0.03
    assert session.run.as_run().base.rate_changes == ((10, 0.07), (12, 0.03))


def test_an_answer_to_the_same_rate_asked_for_earlier_is_told_from_the_last(pool, session):
    move(session, 0.07, 0.05, 0.07)
    report(pool, session, after=10, steps=1, changes=((10, 0.07),), number=1)
    report(pool, session, after=11, steps=1, changes=((11, 0.05),), number=2)
    assert session.run.learning_rate == 0.07
    assert rate_event(observed(session), 0.07) is None


def test_a_planned_change_does_not_count_as_an_answer_to_the_reader(pool, session):
    move(session, 0.07)
    report(pool, session, after=10, steps=5, changes=((12, 0.5),))
    assert session.run.learning_rate == 0.07
    assert rate_event(observed(session), 0.07) is None


def test_a_planned_change_moves_the_slider_of_a_reader_who_rests(pool, session):
    move(session, 0.07)
    report(pool, session, after=10, steps=5, changes=((10, 0.07), (12, 0.5)), number=1)
    assert rate_event(observed(session), 0.07) == RateConfirmed(0.5)


def test_a_rate_that_the_run_has_anyway_leaves_no_change_in_the_link(pool, session):
    move(session, 0.07, 0.1)
    report(pool, session, after=10, steps=5, number=2)
    assert session.run.learning_rate == 0.1 and session.run.as_run() == ASKED


def test_a_script_broken_off_before_it_tells_the_run_leaves_the_slider_alone(session):
    dispatch(session, RateMoved(0.05))  # and another script begins before the run is told
    assert rate_event(observed(session), 0.05) is None
    dispatch(session, RateMoved(0.1))  # back to the rate that the run still has
    perform_pending(session)
    assert session.run.learning_rate == 0.1


def test_a_run_taken_over_keeps_the_rate_that_no_step_has_followed(pool, session):
    move(session, 0.07, 0.05)
    pool.remove(session.run)
    run = pool.reopen(session.run)
    assert run.learning_rate == 0.05
    assert protocol.SetRate(run.id, 0.05, 2) in run.commands_to_start()


def test_a_job_names_a_rate_once_a_step_has_followed_it():
    job = TrainingJob(protocol.Open(1, "visitor", ASKED))
    assert trained(job, steps=0).rate_number == 0
    for number, rate in enumerate((0.07, 0.05), start=1):
        job.set_rate(rate, number)
    assert job.reports(np.inf) == [], "a run that rests has followed nothing"
    job.step_once(1)
    followed = trained(job, steps=1)
    assert (followed.rate_number, followed.chunk.rate_changes) == (2, ((0, 0.05),))
    job.step_once(1)
    assert trained(job, steps=2).rate_number == 2


def trained(job: TrainingJob, *, steps: int) -> protocol.Trained:
    """Have a job work until it has trained so many steps, and return what it reports of them."""
    while job.step < steps:
        job.work(1e-3)
    return next(r for r in job.reports(np.inf) if isinstance(r, protocol.Trained))

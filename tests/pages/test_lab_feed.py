"""What the Lab's live view shows of a run that repeats another, without a worker."""

import dataclasses
from typing import Any, cast

from bn_core.records import Record
from bn_core.service.tasks import TrainingRun
from pages.shared.lab.feed import LabFeed
from pages.shared.session import Session
from tests.figures.invented import make_record


def run_of(record: Record, number: int) -> TrainingRun:
    run = TrainingRun(cast(Any, None), number, record.comparison)
    run.record = record
    return run


def up_to(record: Record, step: int) -> Record:
    """Return a record as it was at a step."""
    snapshots = tuple(one for one in record.snapshots if one.step <= step)
    losses = record.train_loss[:step]
    return dataclasses.replace(record, snapshots=snapshots, train_loss=losses, ending=None)


def feed_of(run: TrainingRun) -> LabFeed:
    session = Session()
    session.run = run
    return LabFeed(session)


def test_the_figures_of_a_run_stay_while_the_run_that_goes_on_repeats_its_steps():
    whole = make_record()
    session = Session()
    session.repeated = run_of(whole, 1)
    session.run = run_of(up_to(whole, 0), 2)
    feed, earlier = LabFeed(session), session.repeated
    before, frame = feed.cache_key(), feed.frame()
    assert frame.get("step") == whole.step
    words = f"Steps 1 to {whole.step:,} are trained again, 0 so far."
    assert frame["notice"].startswith(words)
    assert feed.table() == feed_of(earlier).table()
    session.run.record = whole
    assert feed.cache_key() != before
    assert "again" not in feed.frame()["notice"]

"""Keeps the Lab's run: when another is opened, and whenever it rests."""

import time

from bn_core.kept_runs import KeptRun, link_of, summarize
from pages.shared.session import Session


def keep_present(session: Session) -> KeptRun | None:
    """Keep the run of the Lab as it is now; return it, or None if it has not trained a step."""
    run = session.run
    record = run.record if run is not None else None
    if run is None or record is None or not record.step:
        return None
    number, id = session.present_kept_as
    before = id if number == run.id else ""
    held = session.kept_runs.get(before)
    link = link_of(run.as_run())
    if held is not None and (held.steps, held.link) == (record.step, link):
        return held
    kept = summarize(record, link, int(time.time()))
    held = session.kept_runs.keep(kept, instead_of=before)
    session.present_kept_as = (run.id, held.id)
    return held


def keep_resting(session: Session) -> None:
    """Keep the run of the Lab unless it trains: a reload of the page then loses nothing of it."""
    if session.run is not None and not session.run.playing:
        keep_present(session)

"""Keeps the Lab's run: when another is opened, and whenever it rests."""

import time

from bn_core.kept_runs import KeptRun, link_of, summarize
from pages.shared.runs.collection import PresentKept
from pages.shared.session import Session


def keep_present(session: Session, *, again: bool = False) -> KeptRun | None:
    """Keep the run of the Lab as it is now; return it, or None if it has not trained a step.

    One that the reader has deleted since is kept anew only ``again``, or once it has trained on.
    """
    run = session.run
    record = run.record if run is not None else None
    if run is None or record is None or not record.step:
        return None
    kept, before, link = session.present_kept, "", link_of(run.as_run())
    if kept.number == run.id:
        before = kept.id
        held = session.kept_runs.get(before)
        same = kept.steps == record.step and (held is None or held.link == link)
        if same and (held is not None or not again):
            return held
    summary = summarize(record, link, int(time.time()))
    held = session.kept_runs.keep(summary, instead_of=before)
    session.present_kept = PresentKept(run.id, held.id, record.step)
    return held


def keep_resting(session: Session) -> None:
    """Keep the run of the Lab unless it trains: a reload of the page then loses nothing of it."""
    if session.run is not None and not session.run.playing:
        keep_present(session)

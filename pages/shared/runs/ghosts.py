"""Which earlier runs the Lab shows behind the present one."""

from bn_core.figures.ghosts import is_comparable, readable
from bn_core.kept_runs import KeptRun, link_of
from pages.shared.session import Session


def ghosts(session: Session) -> tuple[KeptRun, ...]:
    """Return the runs that are shown behind the present one, the newest first.

    They are of the same data and the same kind of net. Before the present run has begun, what its
    own link has trained earlier stands in its place, in front of all others.
    """
    run = session.run
    if run is None or not session.lab.view.earlier:
        return ()
    link, runs = link_of(run.as_run()), reversed(session.kept_runs.runs)
    newest = [one for one in runs if is_comparable(one.comparison, run.comparison)]
    begun = run.record is not None and run.record.step > 0
    same = [one for one in newest if one.link == link and not begun]
    others = [one for one in newest if one.link != link and one.id != _present_id(session)]
    return readable([*same, *others])


def _present_id(session: Session) -> str:
    """Return the id under which the present run was kept; its link may have changed since."""
    present = session.present_kept
    return present.id if session.run is not None and session.run.id == present.number else ""

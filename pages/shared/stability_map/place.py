"""What the page Stability map holds of a visitor: the sweep asked for, and the maps computed."""

from bn_core.settings import SettingError
from bn_core.sweeps.link import sweep_from_query
from bn_core.sweeps.sweep import Sweep
from bn_core.sweeps.zoom import Range, zoomed, zoomed_at_border
from pages.shared.session import Session
from pages.shared.tasks.sweeps import SweepRun

PLACE = "stability_map"
_EARLIER = f"{PLACE}.earlier."
_MOST_EARLIER = 4
"""Finished maps that Back and the controls find again; each takes 3 MB at most."""


def held(session: Session) -> Sweep:
    """Return the sweep that the controls ask for."""
    return session.widget_values.get(PLACE) or Sweep()


def replace(session: Session, sweep: Sweep) -> None:
    """Take another sweep: the controls are made anew with its values."""
    session.widget_values[PLACE] = sweep
    session.revisions[PLACE] = session.revisions.get(PLACE, 0) + 1


def follow_link(session: Session) -> None:
    """Take over what a link says of the map."""
    if session.arrival is not None and (session.arrival or session.by_history):
        sweep, complaints = sweep_from_query(session.arrival)
        session.link_warnings += complaints
        replace(session, sweep)


def shown_run(session: Session) -> SweepRun | None:
    """Return the map under way or computed last."""
    run = session.computations.get(PLACE)
    return run if isinstance(run, SweepRun) else None


def start(session: Session, sweep: Sweep) -> None:
    """Compute a map; the one before stays known if it is finished, and is cancelled if not."""
    _put_away(session)
    session.computations[PLACE] = SweepRun(session.visitor, sweep)


def _put_away(session: Session) -> None:
    run = shown_run(session)
    if run is None:
        return
    if not run.done:
        run.cancel()
        return
    known = [key for key in session.computations if key.startswith(_EARLIER)]
    for key in known:
        earlier = session.computations[key]
        if isinstance(earlier, SweepRun) and earlier.sweep == run.sweep:
            del session.computations[key]
    if not run.failure:
        session.revisions[_EARLIER] = session.revisions.get(_EARLIER, 0) + 1
        session.computations[f"{_EARLIER}{session.revisions[_EARLIER]}"] = run
    known = [key for key in session.computations if key.startswith(_EARLIER)]
    for key in known[:-_MOST_EARLIER]:
        del session.computations[key]


def show_earlier(session: Session, sweep: Sweep) -> None:
    """Show the finished map of a sweep again, if there is one and none is under way."""
    run = shown_run(session)
    if run is not None and (run.sweep == sweep or not run.done):
        return
    for key, earlier in session.computations.items():
        if key.startswith(_EARLIER) and isinstance(earlier, SweepRun) and earlier.sweep == sweep:
            _put_away(session)
            session.computations[PLACE] = earlier
            return


def zoom(session: Session, run: SweepRun, xs: Range, ys: Range) -> None:
    """Compute a rectangle of a map anew, finer; its ends are places among the cells."""
    try:
        _run(session, zoomed(run.sweep, xs, ys))
    except SettingError as error:
        session.notice = str(error)


def zoom_at_border(session: Session, run: SweepRun) -> None:
    """Compute the tenth part around a border cell anew."""
    try:
        _run(session, zoomed_at_border(run.map))
    except SettingError as error:
        session.notice = str(error)


def _run(session: Session, sweep: Sweep) -> None:
    problem = sweep.problem()
    if problem:
        session.notice = problem
        return
    replace(session, sweep)
    start(session, sweep)

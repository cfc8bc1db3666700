"""The Lab's line on earlier runs: which are drawn, and what to do with them."""

import html
from dataclasses import replace

import streamlit as st

from bn_core.comparison import Comparison
from bn_core.figures.view import View
from bn_core.kept_runs import LONGEST_TITLE, KeptRun, link_of
from bn_core.settings import settings_of
from pages.shared.lab.events import ViewChanged
from pages.shared.lab.runs import dispatch
from pages.shared.plain_text import plain_text
from pages.shared.runs.ghosts import ghosts
from pages.shared.runs.keeping import keep_present, keep_resting
from pages.shared.session import Session

_KEEP = "runs.keep"


def runs_line(session: Session) -> None:
    """Keep a run that rests; say which earlier runs are drawn, and offer to name or hide them."""
    keep_resting(session)
    drawn = ghosts(session)
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        with st.popover(
            "Keep",
            key=_KEEP,
            on_change="rerun",
            help="Name this run; hide or delete earlier ones.",
        ):
            _keep_form(session)
            _earlier(session, drawn)
            st.page_link("pages/runs.py", label="All kept runs")
        if session.kept_runs.kept_as:
            name = html.escape(session.kept_runs.kept_as)
            st.html(f"<p class='bn-kept' role='status'>✓ Kept as “{name}”.</p>")
            session.kept_runs.kept_as = ""
        else:
            width = "content" if _is_kept(session) else "stretch"
            st.caption(_legend(session, drawn), width=width)
        if _is_kept(session):
            st.page_link("pages/runs.py", label="Runs")
    said_later(session)


def said_later(session: Session) -> None:
    """Say what the collection has to say, once."""
    kept = session.kept_runs
    if kept.notice:
        st.info(plain_text(kept.notice))
        kept.notice = ""


def _legend(session: Session, drawn: tuple[KeptRun, ...]) -> str:
    if _is_kept(session):
        return _trained_before(session, drawn)
    count = len([one for one in session.kept_runs.runs if not _is_present(session, one)])
    if not count and session.kept_runs.runs:
        return "This run is kept: change a setting and train again to compare."
    if not count:
        return "Earlier runs stay as faint curves: change a setting and train again to compare."
    if not drawn:
        on_runs = f"{count} earlier {'run' if count == 1 else 'runs'}, listed on the page Runs"
        why = "hidden here" if not session.lab.view.earlier else "none on these data"
        return f"{on_runs}; {why}."
    rest = count - len(drawn)
    runs = "the run before this one" if len(drawn) == 1 else f"the {len(drawn)} runs before"
    more = f"; {rest} more on the page Runs" if rest > 0 else ""
    return f"Faint curves: {runs}, named in the legends{more}."


def _trained_before(session: Session, drawn: tuple[KeptRun, ...]) -> str:
    """Return how far the present nets were trained earlier, and where their numbers are."""
    held, planned = _kept_form_of(session), _present(session).base.steps
    reached = "" if held is None or held.steps >= planned else f", to step {held.steps:,}"
    curves = "the faint curves show it, " if held and held.id in {one.id for one in drawn} else ""
    return (
        f"You have trained this before{reached}: {curves}Train repeats it, and its numbers are on "
        "the page"
    )


def _is_present(session: Session, kept: KeptRun) -> bool:
    """Return whether a kept run is the one that the Lab shows."""
    present, run = session.present_kept, session.run
    return run is not None and present.number == run.id and present.id == kept.id


def _is_kept(session: Session) -> bool:
    """Return whether the present run has yet to begin, and was trained and kept earlier."""
    run = session.run
    begun = run is not None and run.record is not None and run.record.step > 0
    return not begun and run is not None and _kept_form_of(session) is not None


def _present(session: Session) -> Comparison:
    return session.run.as_run() if session.run is not None else session.lab.comparison


def _keep_form(session: Session) -> None:
    held = _kept_form_of(session)
    key = f"runs.title.{session.run.id if session.run is not None else 0}.{held is not None}"
    with st.form(f"{key}.form", border=False):
        st.text_input(
            "Name of this run",
            held.words_beside(Comparison(), LONGEST_TITLE) if held is not None else "",
            max_chars=LONGEST_TITLE,
            key=key,
            help="A run with a name stays until you delete it; the others make room for newer.",
        )
        st.form_submit_button("Keep this run", on_click=_keep, args=(session, key))


def _kept_form_of(session: Session) -> KeptRun | None:
    """Return the present run as it is kept, or what its link has trained earlier."""
    kept = session.kept_runs
    if session.run is None:
        return None
    if session.present_kept.number == session.run.id:
        return kept.get(session.present_kept.id)
    link = link_of(session.run.as_run())
    return next((one for one in kept.runs if one.link == link), None)


def _keep(session: Session, key: str) -> None:
    held = keep_present(session, again=True) or _kept_form_of(session)
    if held is None:
        session.kept_runs.notice = "There is nothing to keep yet: train at least one step."
        return
    title = str(st.session_state.get(key) or "") or held.words_beside(Comparison(), LONGEST_TITLE)
    session.kept_runs.rename(held.id, title)
    session.kept_runs.kept_as = title
    st.session_state[_KEEP] = False


def _earlier(session: Session, drawn: tuple[KeptRun, ...]) -> None:
    setting, view = settings_of(View)["earlier"], session.lab.view
    shown = st.toggle(
        setting.label,
        view.earlier,
        key=f"runs.earlier.{session.lab.generation}",
        help=setting.help,
    )
    if shown != view.earlier:
        dispatch(session, ViewChanged(replace(view, earlier=shown)))
        st.rerun()
    present = _present(session)
    for one in drawn:
        words = plain_text(one.words_beside(present))
        st.button(
            f"Delete “{words}”",
            key=f"runs.delete.{one.id}",
            on_click=session.kept_runs.delete,
            args=([one.id],),
        )
    if session.kept_runs.deleted:
        st.button("Undo the deletion", key="runs.undo", on_click=session.kept_runs.undo)

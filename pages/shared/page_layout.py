"""What all pages share: the window's title, the frame around each page, its styles and link."""

from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import StopException, get_script_run_ctx

from bn_core.settings import unknown_keys
from pages.shared.copy_link import copy_link_button, is_embedded
from pages.shared.lessons.panel import lesson_panel
from pages.shared.lessons.state import CHALLENGE, LESSON
from pages.shared.lessons.storage import progress_storage
from pages.shared.lessons.welcome import welcome
from pages.shared.plain_text import plain_text
from pages.shared.runs.storage import browser_storage
from pages.shared.session import Session, this_session, write_link

_HERE = Path(__file__).parent

_ICON = f"data:image/png;base64,{b64encode((_HERE / 'icon.png').read_bytes()).decode()}"
"""Of a file Streamlit would look at the format, and import an imaging library for that."""

_EMBEDDED = f"<style>{(_HERE / 'embedded.css').read_text(encoding='utf-8')}</style>"


def set_up() -> None:
    """Set the window's title, the first thing of every page; its styles come with its HTML."""
    st.set_page_config(
        "Batch Norm Lab",
        page_icon=_ICON,
        layout="wide",
        initial_sidebar_state="collapsed",
    )
    if is_embedded():
        st.html(_EMBEDDED)


def run_page(page: Any) -> None:
    """Run a page, then put what it shows into the link; also where the page fails."""
    context = get_script_run_ctx()
    by_history = context is not None and context.is_history_navigation
    session, name = this_session(), page.url_path or "lab"
    _follow(session, name)
    session.arrive(name, dict(st.query_params), by_history=by_history)
    with st.container(key="copy_link_place"):
        copy_link_button()
    beside = st.container(key="lesson_panel")
    if name == "lab" and not is_embedded():
        welcome(session)
    warnings = st.container()
    try:
        page.run()
    except StopException:
        # A page that can show no more, such as the Lab with settings that do not go together.
        with beside:
            lesson_panel(session)
        raise
    except Exception:
        # A reload then brings back what the reader has just set, and what was set before.
        _write_values(session, before=session.link)
        raise
    with beside:
        lesson_panel(session)
    _write_values(session)
    _warn(session, warnings)
    session.arrival = None
    browser_storage(session)
    progress_storage(session)


def _follow(session: Session, page: str) -> None:
    """Go where a press of the lessons leads; the page that is shown reads the link as if anew."""
    link, session.learning.goes_to = session.learning.goes_to, None
    if link is None:
        return
    # With the lesson in it a link sets everything up, what it does not name as at the start.
    values = {**link.values, **session.learning.link_values()}
    if link.page != page:
        st.switch_page(f"pages/{link.page}.py", query_params=values)
    session.page = ""
    st.query_params.from_dict(values)


def _warn(session: Session, place: Any) -> None:
    """Say what of the link could not be used, until the reader leaves the page."""
    if session.page != "lab" and session.arrival:
        session.link_warnings += unknown_keys(session.arrival, session.link_values)
    for warning in session.link_warnings:
        place.warning(plain_text(warning))


def _write_values(session: Session, before: Mapping[str, str] | None = None) -> None:
    values: dict[str, str | None] = session.link_values
    if before is not None and before.get("chapter") == values.get("chapter"):
        values = {**before, **values}
    of_lessons = {LESSON, CHALLENGE} & {*session.link, *session.learning.link_values()}
    # The Lab has written all that its link holds, the lesson with it.
    if session.page != "lab" and (values or of_lessons):
        write_link(session, {name: text for name, text in values.items() if text is not None})

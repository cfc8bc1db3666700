"""What all pages share: the window's title, the frame around each page, its styles and link."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from pages.shared.runs.storage import browser_storage
from pages.shared.session import Session, this_session, write_link

_HERE = Path(__file__).parent

_STYLES = """<style>
[data-testid="stMainBlockContainer"] { padding: 3.6rem 1.5rem 1rem; max-width: none; }
[data-testid="stMainBlockContainer"] > [data-testid="stVerticalBlock"] { gap: 0.45rem; }
[data-testid="stSidebarUserContent"] [data-testid="stVerticalBlock"] { gap: 0.7rem; }
[data-testid="stSidebarHeader"] { height: 3rem; }
[data-testid="stSidebarUserContent"] { padding-top: 0; }
[data-testid="stMarkdownContainer"] > p { max-width: 54rem; }
.katex-display { overflow-x: auto; overflow-y: hidden; padding: 0.2rem 0; margin: 0.4rem 0; }
.katex-display > .katex { white-space: normal; }
[data-testid="stBaseButton-tertiary"] { text-align: left; }
[data-testid="stBaseButton-tertiary"] p { white-space: normal; text-decoration: underline; }
@media (max-width: 640px) {
  [data-testid="stMarkdownContainer"] table { display: block; overflow-x: auto; }
}
.bn-title { display: inline; font-size: 1.25rem; padding: 0; margin: 0 0.7rem 0 0; }
.bn-lead { display: inline; }
</style>"""


def set_up() -> None:
    """Set the window's title and the spacing; the first thing of every page."""
    st.set_page_config(
        "Batch Norm Lab",
        page_icon=str(_HERE / "icon.png"),
        layout="wide",
        initial_sidebar_state="auto",
    )
    st.html(_STYLES)


def run_page(page: Any) -> None:
    """Run a page, then put what it shows into the link; also where the page fails."""
    context = get_script_run_ctx()
    by_history = context is not None and context.is_history_navigation
    query, session = dict(st.query_params), this_session()
    session.arrive(page.url_path or "lab", query, by_history=by_history)
    try:
        page.run()
    except Exception:
        # A reload then brings back what the reader has just set, and what was set before.
        _write_values(session, before=session.link)
        raise
    _write_values(session)
    session.arrival = None
    browser_storage(session)


def _write_values(session: Session, before: Mapping[str, str] | None = None) -> None:
    values: dict[str, str | None] = session.link_values
    if before is not None and before.get("chapter") == values.get("chapter"):
        values = {**before, **values}
    if values:
        write_link(session, {name: text for name, text in values.items() if text is not None})

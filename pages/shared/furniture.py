"""What all pages share: the window's title, the frame around each page, and its styles."""

from pathlib import Path
from typing import Any

import streamlit as st

from pages.shared.visit import this_visit

_HERE = Path(__file__).parent

_STYLES = """<style>
[data-testid="stMainBlockContainer"] { padding: 3.6rem 1.5rem 1rem; max-width: none; }
[data-testid="stMainBlockContainer"] > [data-testid="stVerticalBlock"] { gap: 0.45rem; }
[data-testid="stSidebarUserContent"] [data-testid="stVerticalBlock"] { gap: 0.7rem; }
[data-testid="stSidebarHeader"] { height: 3rem; }
[data-testid="stSidebarUserContent"] { padding-top: 0; }
[data-testid="stMarkdownContainer"] > p { max-width: 54rem; }
.katex-display { overflow-x: auto; overflow-y: hidden; padding: 0.2rem 0; }
.bn-title { display: inline; font-size: 1.25rem; padding: 0; margin: 0 0.7rem 0 0; }
.bn-lead { display: inline; }
</style>"""


def lay_out() -> None:
    """Set the window's title and the spacing; the first thing of every page."""
    st.set_page_config(
        "Batch Norm Lab",
        page_icon=str(_HERE / "icon.png"),
        layout="wide",
        initial_sidebar_state="auto",
    )
    st.html(_STYLES)


def enter(page: Any) -> None:
    """Run a page, which can ask whether the reader came from another one."""
    visit = this_visit()
    visit.came_from_another_room = visit.room not in ("", page.title)
    visit.room = page.title
    if visit.came_from_another_room:
        visit.renew_controls()
    page.run()

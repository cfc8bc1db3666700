"""What comes next: at the end of each chapter a way on, with the reason to take it."""

import streamlit as st

from bn_core import lessons
from bn_core.lessons.path import next_stop
from pages.shared.plain_text import plain_text
from pages.shared.session import Session


def next_page(session: Session, chapter: int = 0) -> None:
    """Show the way to the next chapter; nothing at the end of the path."""
    stop = next_stop(lessons.path(), session.page, chapter)
    if stop is None:
        return
    label = f"Next: {stop.title}"
    page, number = stop.place
    with st.container(horizontal=True, gap="small", vertical_alignment="center", key="next_page"):
        if page == session.page:
            st.button(
                label,
                key=f"next.{page}.{number}",
                type="tertiary",
                on_click=_choose,
                args=(page, number),
            )
        else:
            st.page_link(f"pages/{page}.py", label=label, query_params=stop.link.values)
        st.caption(plain_text(stop.because))


def _choose(page: str, number: str) -> None:
    """Choose a chapter of the page that is shown."""
    st.session_state[f"{page}.chapter"] = int(number)

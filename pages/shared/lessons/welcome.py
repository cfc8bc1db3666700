"""The offer of the start, which a reader sees on the first visit."""

import streamlit as st

from pages.shared.session import Session


def welcome(session: Session) -> None:
    """Offer the start below the page; the browser shows it on a first visit only."""
    if session.learning.greeted or session.learning.is_open:
        return
    with st.container(
        key="welcome", horizontal=True, gap="small", vertical_alignment="center", width="stretch"
    ):
        st.markdown("**New here?** See in sixty seconds what batch normalization does.")
        st.page_link("pages/start.py", label="Start")
        st.button(
            "Not now", key="welcome.close", type="tertiary", on_click=_decline, args=(session,)
        )


def _decline(session: Session) -> None:
    session.learning.greeted = True

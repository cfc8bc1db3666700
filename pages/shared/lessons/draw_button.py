"""The Lab's button that opens a place to draw what a reader expects of the run."""

import streamlit as st

from pages.shared.session import Session


def draw_button(session: Session) -> None:
    """Show the button; while a lesson or challenge is open, that has the place beside the page."""
    learning = session.learning
    if learning.lesson or learning.challenge or learning.arranged.is_open:
        return
    st.button(
        "Draw",
        key="lab.draw",
        on_click=learning.close if learning.sketching else learning.sketch,
        help="Draw the curve you expect before you train; the run is drawn over it.",
    )

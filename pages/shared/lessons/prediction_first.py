"""The numbers of a page wait for the prediction that the open step asks, or for a press."""

import streamlit as st

from pages.shared.session import Session


def waits_for_prediction(session: Session) -> bool:
    """Return whether the open step is about this page and its prediction has not been chosen."""
    learning = session.learning
    opened = learning.open_step()
    if opened is None or opened[1].link.page != session.page:
        return False
    name = f"{opened[0].slug}/{opened[1].id}"
    answered = {*learning.progress.predictions, *learning.progress.done, *learning.shown_early}
    return name not in answered


def ask_for_prediction(session: Session, key: str) -> None:
    """Show, where the numbers will stand, what they wait for; a press shows them at once."""
    learning = session.learning
    name = f"{learning.lesson}/{learning.step}"
    st.info("First choose your prediction in the open lesson: the numbers appear when you have.")
    st.button(
        "Show the numbers now",
        key=f"{key}.early",
        type="tertiary",
        on_click=learning.shown_early.add,
        args=(name,),
    )

"""What the panels of lessons and challenges are made of: links, hints and remarks."""

import html

import streamlit as st

from bn_core.lessons.links import Link
from pages.shared.plain_text import plain_text
from pages.shared.session import Session, this_session

SECONDS_BETWEEN_LOOKS = 1.0
"""How often a step or challenge that is open looks whether it is done."""


def page_file(page: str) -> str:
    """Return the script of a page, as Streamlit's links want it."""
    return f"pages/{page}.py"


def go_to(label: str, link: Link) -> None:
    """Show what looks like a link to a state of the app, also of the page that is shown."""
    session = this_session()
    values = {**link.values, **session.learning.link_values()}
    if link.page != session.page:
        st.page_link(page_file(link.page), label=label, query_params=values)
    else:
        # A link of Streamlit's to the page that is shown would only run its script again.
        key = f"go.{label}.{link.address}"
        follow = session.learning.follow
        st.button(label, key=key, type="tertiary", on_click=follow, args=(link,))


def set_up_and_hint(session: Session, name: str, start: Link, hint: str) -> None:
    """Show the button that sets the page up, and the hint or the button that asks for it."""
    learning = session.learning
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.button("Set this up", key=f"{name}.set", on_click=learning.follow, args=(start,))
        if name in learning.hints:
            st.caption(plain_text(hint))
        else:
            ask, key = learning.hints.add, f"{name}.hint"
            st.button("Hint", key=key, type="tertiary", on_click=ask, args=(name,))


def say(words: str) -> None:
    """Show where a step or challenge stands; screen readers are told when it changes."""
    st.html(f"<p class='bn-look' role='status'>{html.escape(words)}</p>")

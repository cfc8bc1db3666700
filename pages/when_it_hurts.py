"""When batch norm hurts, and what to use instead."""

import streamlit as st

from bn_core import lessons
from bn_core.lessons.advice import Case
from pages.shared.lessons.cards import in_columns
from pages.shared.lessons.next_page import next_page
from pages.shared.lessons.panel_parts import go_to
from pages.shared.plain_text import plain_text
from pages.shared.session import this_session
from pages.shared.widgets.terms import plain_prose


def card(case: Case) -> None:
    """Show one case: how it shows, why, what to use instead, and where to see it."""
    with st.container(border=True, height="stretch"):
        st.markdown(f"**{case.title}**{' · *contested*' if case.contested else ''}")
        plain_prose(case.sign)
        plain_prose(case.why, title="Why.")
        plain_prose(case.instead, title="Instead.")
        if case.contested:
            plain_prose(case.contested, title="Contested.")
        st.caption(plain_text(case.source))
        go_to("See it", case.see)


st.html(
    "<h1 class='bn-title'>When batch norm hurts</h1><p class='bn-lead'>And what to use instead. "
    "Each case leads to a run or a page that shows it.</p>"
)
in_columns(2, lessons.cases(), card)
next_page(this_session())

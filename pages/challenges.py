"""The challenges: numeric targets that the app checks on its own records."""

import streamlit as st

from bn_core import lessons
from bn_core.lessons.challenges import Challenge
from pages.shared.lessons.cards import in_columns
from pages.shared.lessons.challenge_panel import locked_words
from pages.shared.plain_text import plain_text
from pages.shared.session import this_session


def card(challenge: Challenge) -> None:
    """Show one challenge, and the run that reached it if one has."""
    learning = this_session().learning
    with st.container(border=True, height="stretch"):
        proof = learning.progress.proofs.get(challenge.id)
        st.markdown(f"**{challenge.title}**{' · ✔ *reached*' if proof else ''}")
        st.markdown(plain_text(challenge.task))
        st.caption(locked_words(challenge))
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            st.button(
                "Take it up",
                key=f"challenge.{challenge.id}",
                on_click=learning.attempt,
                args=(challenge.id,),
            )
            if proof:
                st.button(
                    "Show the proof",
                    key=f"challenge.{challenge.id}.proof",
                    type="tertiary",
                    on_click=learning.show_proof,
                    args=(challenge.id,),
                )


st.html(
    "<h1 class='bn-title'>Challenges</h1><p class='bn-lead'>Reach a number. A run that does is a "
    "link: whoever opens it sees what was asked, trains it again, and sees every check.</p>"
)
in_columns(3, lessons.challenges(), card)

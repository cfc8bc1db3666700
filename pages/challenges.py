"""The challenges: numeric targets that the app checks on its own records."""

import streamlit as st

from bn_core import lessons
from bn_core.config import SETTINGS
from bn_core.lessons.challenges import ARMS, DATA_FIELDS, Challenge
from pages.shared.lessons.cards import in_columns
from pages.shared.lessons.panel import go_to
from pages.shared.plain_text import plain_text
from pages.shared.session import this_session


def locked_words(challenge: Challenge) -> str:
    """Return in words what must stay as it is: what may change, where that is shorter."""
    names = (*SETTINGS, ARMS)
    free = [_label(name) for name in names if name not in challenge.locked]
    of_data = set(DATA_FIELDS) <= set(challenge.locked)
    named = [name for name in challenge.locked if not (of_data and name in DATA_FIELDS)]
    locked = ["The data", *map(_label, named)] if of_data else list(map(_label, named))
    if len(free) < len(locked):
        return f"Must stay as it is: everything but {', '.join(free)}."
    return f"Must stay as it is: {', '.join(locked)}." if locked else "Everything may change."


def _label(name: str) -> str:
    return "the nets compared" if name == ARMS else SETTINGS[name].label


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
                go_to("The run that reached it", proof)


st.html(
    "<h1 class='bn-title'>Challenges</h1><p class='bn-lead'>Reach a number. A run that does is a "
    "link: whoever doubts it trains it again.</p>"
)
in_columns(3, lessons.challenges(), card)

"""The glossary: every term in a sentence or two, and where to see it."""

import streamlit as st

from bn_core import lessons
from bn_core.lessons.glossary import Term
from pages.shared.lessons.panel_parts import go_to
from pages.shared.plain_text import plain_text

MOST_LETTERS = 60


def matches(term: Term, asked: str) -> bool:
    """Return whether a term, another form of it or its meaning holds what was asked for."""
    return any(asked in text.casefold() for text in (term.name, *term.also, term.meaning))


st.html(
    "<h1 class='bn-title'>Glossary</h1><p class='bn-lead'>What the words mean here, and where to "
    "see it.</p>"
)
search = st.text_input("Search", key="glossary.search", max_chars=MOST_LETTERS)
found = [term for term in lessons.glossary() if matches(term, search.strip().casefold())]
if not found:
    st.info("There is no such term. Try a shorter word.")
for one in found:
    also = f" ({plain_text(', '.join(one.also))})" if one.also else ""
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.markdown(f"**{plain_text(one.name)}**{also}: {plain_text(one.meaning)}", width="stretch")
        go_to("See it", one.see)

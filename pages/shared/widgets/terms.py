"""Texts of our own in which a term of the glossary says what it means, pointed at or focused."""

import html
import re
from collections.abc import Callable
from functools import lru_cache

import streamlit as st

from bn_core import lessons
from bn_core.lessons.glossary import find_terms
from pages.shared.plain_text import plain_text

_LEFT_ALONE = re.compile(
    r"```.*?```|`[^`]*`|\$\$.*?\$\$|\$[^$]*\$|!?\[[^\]]*\]\([^)]*\)|<[^>]*>|^#+ .*?$", re.S | re.M
)
"""Code, formulas, links, tags and headings: there a term stays as it is written."""


def prose(markdown: str) -> None:
    """Show a text of our own, each term of the glossary with its meaning at its first place."""
    st.markdown(with_terms(markdown), unsafe_allow_html=True)


def plain_prose(text: str, *, title: str = "") -> None:
    """Show a text that is no Markdown, with its terms as in ``prose``; ``title`` stands before."""
    first = f"**{title}** " if title else ""
    st.markdown(first + plain_with_terms(text), unsafe_allow_html=True)


@lru_cache(maxsize=512)
def with_terms(markdown: str) -> str:
    """Return Markdown in which the first place of each term carries its meaning."""
    parts, at, seen = [], 0, set[str]()
    for match in _LEFT_ALONE.finditer(markdown):
        parts += [_marked(markdown[at : match.start()], seen, str), match[0]]
        at = match.end()
    return "".join([*parts, _marked(markdown[at:], seen, str)])


@lru_cache(maxsize=512)
def plain_with_terms(text: str) -> str:
    """Return Markdown that shows a text as it is, with the meanings of its terms."""
    return _marked(text, set(), _as_it_is)


def _as_it_is(text: str) -> str:
    """Return a part of a plain text as Markdown; the spaces at its ends stay."""
    before = " " if text[:1].isspace() else ""
    after = " " if text[-1:].isspace() and text.strip() else ""
    return f"{before}{plain_text(text)}{after}"


def _marked(text: str, seen: set[str], kept: Callable[[str], str]) -> str:
    """Return a text with its terms marked; ``kept`` is what becomes of all between them."""
    parts, at = [], 0
    for place in find_terms(text, lessons.glossary()):
        if place.term.id not in seen:
            seen.add(place.term.id)
            word = text[place.begin : place.end]
            parts += [kept(text[at : place.begin]), _term(word, place.term.meaning)]
            at = place.end
    return "".join([*parts, kept(text[at:])])


def _term(word: str, meaning: str) -> str:
    said, shown = html.escape(meaning, quote=True), html.escape(word)
    return (
        f"<span class='bn-term' tabindex='0' role='note' aria-label='{shown}: {said}' "
        f"data-help='{said}'>{shown}</span>"
    )

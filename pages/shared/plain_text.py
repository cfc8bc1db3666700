"""Text from links and from readers, shown as it is: no markup, no links, no pictures."""

import re

from bn_core.visible_text import visible_text

_JOINER = "\u2060"
"""The word joiner: it has no width, and breaks up what is recognized in text without markup."""

_RECOGNIZED_LATER = re.compile(r"[:@](?=\S)|[-<>=~](?=[-<>=~])|(?i:www)(?=\.)")
"""Streamlit searches parsed text for :smile:, :material/x:, ->, addresses: entities do not help."""
_MARKUP = re.compile(r"[!-/:-@\[-`{-~]")


def plain_text(text: str) -> str:
    """Return what Streamlit's Markdown shows as ``text``, whatever ``text`` contains.

    Markdown, HTML, KaTeX, directives, emoji and icon names, arrows and addresses stay text; line
    breaks become spaces; control characters and invisible ones are left out.
    """
    broken_up = _RECOGNIZED_LATER.sub(lambda found: found[0] + _JOINER, visible_text(text))
    return _MARKUP.sub(lambda found: f"&#{ord(found[0])};", broken_up)

"""Text from links and readers without what cannot be seen in it."""

import unicodedata

_INVISIBLE = ("Cc", "Cf", "Cs", "Co", "Cn")
"""Unicode's categories of control, format, surrogate, private and unassigned characters."""


def visible_text(text: str) -> str:
    """Return a text in one line, without control characters and invisible ones."""
    return " ".join("".join(map(_visible, text)).split())


def _visible(character: str) -> str:
    if character.isspace():
        return " "
    return "" if unicodedata.category(character) in _INVISIBLE else character

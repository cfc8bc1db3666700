"""Widgets whose values stay: while the reader is on another page, and in the page's link.

Streamlit's ``persist_state`` keeps the values, under keys that name page and chapter, so that two
chapters can use one name. The link is written here: with ``bind="query-params"`` the parameter
would have to be called as the key is, and one name could stand on one page only.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from pages.shared.session import this_session


def widget_key(name: str, *, of_page: bool = False) -> str:
    """Return the key of a widget of the chapter that is shown, or of all chapters of the page."""
    session = this_session()
    chapter = "" if of_page else session.chapter
    return ".".join(filter(None, (session.page, chapter, name)))


def from_link(name: str) -> str | None:
    """Return what the link that the reader came by says of a widget."""
    return (this_session().arrival or {}).get(name)


def warn_of(name: str) -> None:
    """Say on the page that the link's value of a widget is not used."""
    this_session().link_warnings.append(
        f"The link's value for “{name}” is none that this page has; it is left out."
    )


def left_out(name: str) -> bool:
    """Return whether the reader went back to a link in which a widget has its initial value."""
    session = this_session()
    return session.by_history and bool(session.arrival) and name not in (session.arrival or {})


def persistent(
    name: str,
    initial: Any,
    widget: Callable[..., Any],
    options: Sequence[Any] = (),
    *,
    of_page: bool = False,
) -> Any:
    """Show a widget and return its value; ``widget`` is called with its key.

    The link holds the value unless it is the initial one. A link's value that is none of the
    ``options`` is left out, and the page says so; without options the link holds none.
    """
    key, asked = widget_key(name, of_page=of_page), from_link(name)
    linked = _options_called(asked, options) if asked else []
    if asked is not None and options and not linked:
        warn_of(name)
    if linked:
        st.session_state[key] = linked[0]
    elif key not in st.session_state or (options and left_out(name)):
        st.session_state[key] = initial
    value = widget(key=key, persist_state="session")
    if options:
        session = this_session()
        session.shown_values[name] = link_text(value)
        session.link_values[name] = None if value == initial else link_text(value)
    return value


def _options_called(text: str, options: Sequence[Any]) -> list[Any]:
    """Return the options that a link's text stands for; a million whole numbers are not tried."""
    if isinstance(options, range):
        number = int(text) if re.fullmatch("[0-9]{1,12}", text) else None
        options = [number] if number in options else []
    return [option for option in options if link_text(option) == text]


def link_text(value: Any) -> str:
    """Return what stands for a widget's value in a link."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:g}" if isinstance(value, float) else str(value)

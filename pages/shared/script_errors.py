"""What a page shows and the log says when a page's script fails."""

import logging
import traceback

import streamlit as st

_LONGEST = 200
"""Characters of an error that a browser's message brought about."""

_READS_MESSAGES = {"deserialize", "get_serialized"}
"""Streamlit's functions that turn what a browser sent into values of widgets."""


def say_what_failed(_error: Exception) -> bool:
    """Put a sentence on the page instead of a traceback, which Streamlit has just logged."""
    st.error(
        "Something went wrong on this page, and it is our mistake. Reload the page to go on; "
        "the link in the address bar keeps your settings."
    )
    return True


def install() -> None:
    """Have the log hold one line for each widget value that no page of the app can send.

    Whoever sends messages by hand could otherwise fill it with tracebacks.
    """
    logging.getLogger("streamlit.error_util").addFilter(shorten)


def shorten(record: logging.LogRecord) -> bool:
    """Take the traceback out of a log record if what a browser sent could not be read; keep it."""
    error = record.exc_info[1] if record.exc_info else None
    if error is not None and _is_unreadable_value(error):
        words = " ".join(f"{type(error).__name__}: {error}".split())[:_LONGEST]
        record.msg, record.args = "A widget value that no page sends was refused: %s", (words,)
        record.exc_info = record.exc_text = None
        record.levelno, record.levelname = logging.WARNING, "WARNING"
    return True


def _is_unreadable_value(error: BaseException) -> bool:
    """Return whether Streamlit failed to read a value; what it calls of the app is not meant."""
    frames = traceback.extract_tb(error.__traceback__)
    return (
        bool(frames) and frames[-1].name in _READS_MESSAGES and "streamlit" in frames[-1].filename
    )

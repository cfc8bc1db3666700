"""Cards side by side: those of one row are as high as the highest of them."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import streamlit as st

_Entry = TypeVar("_Entry")


def in_columns(count: int, entries: Sequence[_Entry], show: Callable[[_Entry], None]) -> None:
    """Show entries in rows of ``count``; a narrow window has them below each other."""
    for start in range(0, len(entries), count):
        columns = st.columns(count)
        for column, entry in zip(columns, entries[start : start + count], strict=False):
            with column:
                show(entry)

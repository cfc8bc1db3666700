"""The link: it holds the whole state of a page, and is read again when the reader goes back."""

from dataclasses import dataclass

import streamlit as st

from bn_core.comparison import ARMS_KEY, Comparison, comparison_from_query, comparison_to_query
from bn_core.config import Config
from bn_core.figures.view import View
from bn_core.settings import from_query, settings_of, to_query, unknown_keys
from pages.shared.visit import this_visit

_KNOWN = {s.key for cls in (Config, View) for s in settings_of(cls).values()} | {ARMS_KEY}


@dataclass(frozen=True)
class Asked:
    """What a link asks for, and a sentence for each part of it that fell back."""

    comparison: Comparison
    view: View
    complaints: tuple[str, ...]


def asked_by_link() -> Asked | None:
    """Return what the link asks for if it is not the one this page wrote last; else None."""
    query = dict(st.query_params)
    visit = this_visit()
    if visit.link_written is not None:
        returned = not query and visit.came_from_another_room
        if returned or query == visit.link_written:
            return None
    comparison, complaints = comparison_from_query(query)
    found, more = from_query(View, query)
    unknown = unknown_keys(query, _KNOWN)
    return Asked(comparison, View(**found), (*complaints, *more, *unknown))


def write_link(comparison: Comparison, view: View) -> None:
    """Put the state of the page into the link."""
    query = comparison_to_query(comparison) | to_query(view)
    if dict(st.query_params) != query:
        st.query_params.from_dict(query)
    this_visit().link_written = query

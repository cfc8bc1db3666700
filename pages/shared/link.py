"""The link: it holds the whole state of a page, and is read again when the reader goes back."""

import time
from dataclasses import dataclass
from typing import Any

import streamlit as st

from bn_core.comparison import ARMS_KEY, Comparison, comparison_from_query, comparison_to_query
from bn_core.config import Config
from bn_core.figures.view import View
from bn_core.settings import from_query, settings_of, to_query, unknown_keys
from pages.shared.visit import this_visit

_SECONDS_ON_THE_WAY = 1.5
"""How long the browser may go on with a link after the page has written another."""

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
        if returned or query == visit.link_written or _only_late(query):
            return None
    comparison, complaints = comparison_from_query(query)
    found, more = from_query(View, query)
    unknown = unknown_keys(query, _KNOWN)
    return Asked(comparison, View(**found), (*complaints, *more, *unknown))


def write_link(comparison: Comparison, view: View) -> None:
    """Put the state of the page into the link."""
    query, visit = comparison_to_query(comparison) | to_query(view), this_visit()
    if dict(st.query_params) != query:
        st.query_params.from_dict(query)
    if visit.link_written is not None and visit.link_written != query:
        recent = [(left, old) for left, old in visit.links_left if _is_recent(left)]
        visit.links_left = [*recent, (time.monotonic(), visit.link_written)]
    visit.link_written, visit.controls_seen = query, _controls()


def _only_late(query: dict[str, str]) -> bool:
    """Return whether a link that this page has just replaced comes with something else.

    What the reader does before the browser has heard of the new link still comes with the old one.
    A link that comes alone is another matter: the reader went back.
    """
    visit = this_visit()
    replaced = any(old == query and _is_recent(left) for left, old in visit.links_left)
    return replaced and _controls() != visit.controls_seen


def _controls() -> tuple[Any, ...]:
    """Return what the reader can change by a click or a key."""
    visit = this_visit()
    values = {str(k): v for k, v in st.session_state.items() if str(k).startswith("set.")}
    return visit.comparison, visit.view, visit.wish, values


def _is_recent(moment: float) -> bool:
    return time.monotonic() - moment < _SECONDS_ON_THE_WAY

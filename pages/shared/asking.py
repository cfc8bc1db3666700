"""Asking the workers from a page: the question follows the controls, the answer is shown live."""

from typing import Any

import streamlit as st

from bn_core.results import Result
from bn_core.service.pool import PoolFull
from pages.shared.inquiry import Question
from pages.shared.inquiry_view import inquiry_view
from pages.shared.keep import keep
from pages.shared.plain_text import plain_text
from pages.shared.visit import this_visit

_SECONDS_FOR_A_QUICK_ANSWER = 0.6


def question(place: str, name: str, arguments: dict[str, Any]) -> Question | None:
    """Return the question of a place on the page, asked anew if the controls ask another."""
    visit = this_visit()
    held = visit.questions.get(place)
    if held is not None and held.asked == Question.key(name, arguments):
        return held
    if held is not None:
        held.cancel()
    try:
        visit.questions[place] = Question(name, **arguments)
    except PoolFull as full:
        st.warning(str(full))
        return None
    return visit.questions[place]


def ask(place: str, name: str, **arguments: Any) -> Result | None:
    """Ask, and show the answer as it grows; return it once it is whole."""
    held = question(place, name, arguments)
    if held is None:
        return None
    inquiry_view(place, held)
    if not held.done and st.button("Cancel", key=f"cancel.{place}"):
        held.cancel()
    return held.finding() if held.done and not held.failure else None


def answer(place: str, name: str, **arguments: Any) -> Result | None:
    """Ask something quick and return the answer; until it is there, say so and look again."""
    held = question(place, name, arguments)
    if held is None:
        return None
    if not held.wait(_SECONDS_FOR_A_QUICK_ANSWER):
        inquiry_view(place, held)  # says how far it is; the page is shown again when it is done
        return None
    if held.failure:
        st.error(plain_text(held.failure))
        return None
    return held.finding()


def slide(label: str, name: str, usual: float, options: list[Any], help: str) -> float:
    """Show a slider over some values and return the chosen one."""
    return keep(
        name,
        usual,
        lambda first, key: st.select_slider(
            label, options, value=first, key=key, help=help, format_func="{:g}".format
        ),
    )

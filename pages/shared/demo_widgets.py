"""What chapters are made of: a slider, and a computation that follows the controls.

While an open lesson asks for a prediction about the page, numbers and what explains them wait.
"""

from typing import Any

import streamlit as st

from bn_core.results import Result
from bn_core.service.pool import PoolFull
from pages.shared.lessons.prediction_first import ask_for_prediction, waits_for_prediction
from pages.shared.plain_text import plain_text
from pages.shared.session import this_session
from pages.shared.tasks.computation import SingleTask
from pages.shared.tasks.view import computation_view
from pages.shared.widgets.persistent import persistent, widget_key
from pages.shared.widgets.terms import prose

_SECONDS_FOR_A_QUICK_ANSWER = 0.6


def compute(place: str, name: str, **arguments: Any) -> Result | None:
    """Compute something and show its result as it grows; return it once it is whole."""
    held = _computation(place, name, arguments)
    if held is None:
        return None
    computation_view(widget_key(place), held)
    if not held.done and st.button("Cancel", key=widget_key(f"{place}.cancel")):
        held.cancel()
    return held.result() if held.done and not held.failure else None


def compute_now(place: str, name: str, **arguments: Any) -> Result | None:
    """Return the result of something quick; until it is there, say so and look again."""
    held = _computation(place, name, arguments)
    if held is None:
        return None
    if not held.wait(_SECONDS_FOR_A_QUICK_ANSWER):
        # It says how far it is; the page is shown again when it is done.
        computation_view(widget_key(place), held)
        return None
    if held.failure:
        st.error(plain_text(held.failure))
        return None
    return held.result()


def explain(words: str) -> None:
    """Show the text that says what the numbers come to; an open step's prediction comes first."""
    if not waits_for_prediction(this_session()):
        prose(words)


def slide(
    label: str, name: str, usual: float, options: list[Any], help: str, *, of_page: bool = False
) -> float:
    """Show a slider over some values and return the chosen one."""
    return persistent(
        name,
        usual,
        lambda **kept: st.select_slider(
            label, options, help=help, format_func="{:g}".format, **kept
        ),
        options,
        of_page=of_page,
    )


def _computation(place: str, name: str, arguments: dict[str, Any]) -> SingleTask | None:
    """Return the computation of a place on the page, another one if the controls ask for it.

    None while the numbers wait for a prediction, and where the pool is full; the page says so.
    """
    session, key = this_session(), widget_key(place)
    if waits_for_prediction(session):
        ask_for_prediction(session, key)
        return None
    held = session.computations.get(key)
    if isinstance(held, SingleTask) and held.request == SingleTask.key(name, arguments):
        return held
    if held is not None:
        held.cancel()
    try:
        made = session.computations[key] = SingleTask(session.visitor, name, **arguments)
    except PoolFull as full:
        st.warning(str(full))
        return None
    return made

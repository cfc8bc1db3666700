"""What the page knows of its visitor, in one object.

Streamlit forgets the values of widgets that are not shown, and may break a script off wherever it
touches the session's state. So all that must stay together lives here, and is changed at once.
"""

import dataclasses
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from bn_core.config import ARMS, Comparison, Config
from bn_core.figures.view import View
from bn_core.service.run import Run
from bn_core.settings import settings_of

ARMS_WIDGET = "set.arms"


@dataclass
class Visit:
    """One visitor: what the controls show, the run, and what is still to be done for it."""

    comparison: Comparison = field(default_factory=Comparison)
    view: View = field(default_factory=View)
    run: Run | None = None
    plan: Comparison | None = None
    """What a link, a preset or a reset asks for: with rate changes, which no control shows."""
    wish: str = ""
    """The button pressed, until it is obeyed."""
    stirred: float = 0.0
    """When the run was last asked for something."""
    cursor: int | None = None
    """The step that the reader went back to."""
    rate_seen: float = 0.0
    link_written: dict[str, str] | None = None
    complaints: tuple[str, ...] = ()
    sentence: str = ""
    """Something to say on the next picture of the page."""
    stops: dict[str, set[float]] = field(default_factory=dict)
    """Values beside a slider's usual stops, as links brought them."""
    room: str = ""
    came_from_another_room: bool = False

    def change_view(self, **changes: Any) -> None:
        """Look at the figures in another way."""
        self.view = dataclasses.replace(self.view, **changes)

    def leave(self) -> None:
        """Tell the run that its page is gone; unless it returns soon, the run is forgotten."""
        if self.run is not None:
            self.run.leave()


def this_visit() -> Visit:
    """Return what is known of this visitor."""
    found = st.session_state.get("visit")
    if found is None:
        found = st.session_state["visit"] = Visit()
    return found


def widget_key(name: str) -> str:
    """Return the key of a setting's widget."""
    return f"set.{name}"


def show(comparison: Comparison) -> None:
    """Set every control to a comparison; only in a callback or before the controls are drawn."""
    visit = this_visit()
    visit.comparison = visit.plan = comparison
    fill_controls()


def fill_controls(*, only_missing: bool = False) -> None:
    """Give the controls their values: all, or those that the last page did not show."""
    comparison = this_visit().comparison
    values = {widget_key(name): getattr(comparison.base, name) for name in settings_of(Config)}
    values[ARMS_WIDGET] = [arm.name for arm in comparison.arms]
    for key, value in values.items():
        if not only_missing or key not in st.session_state:
            st.session_state[key] = value


def read_controls() -> Comparison:
    """Keep and return what the controls show; without any arm the last ones stay."""
    visit = this_visit()
    shown = {name: st.session_state[widget_key(name)] for name in settings_of(Config)}
    names = st.session_state[ARMS_WIDGET]
    arms = tuple(arm for name, arm in ARMS.items() if name in names)
    base = Config().changed(shown | {"rate_changes": ()})
    visit.comparison = Comparison(base, arms or visit.comparison.arms)
    return visit.comparison

"""What the page knows of its visitor, in one object.

Streamlit forgets the values of widgets that are not shown, and may break a script off wherever it
touches the session's state or draws something. So what must stay together lives here.
"""

import dataclasses
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from bn_core.comparison import Comparison
from bn_core.figures.view import View
from bn_core.service.run import Run
from pages.shared.feed import Feed


@dataclass
class Visit:
    """One visitor: what the controls show, the run, and what is still to be done for it."""

    comparison: Comparison = field(default_factory=Comparison)
    """What the controls show, or showed when they were last on a page."""
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
    """The learning rate that the control showed last: the run may have gone on to another."""
    rates_followed: int = 0
    """How often the rate's control was made anew because a planned change had come."""
    link_written: dict[str, str] | None = None
    links_left: list[tuple[float, dict[str, str]]] = field(default_factory=list)
    """Links this page wrote before the last one, and when they were replaced."""
    controls_seen: tuple[Any, ...] = ()
    """What the controls showed when the link was last written."""
    complaints: tuple[str, ...] = ()
    sentence: str = ""
    """Something to say on the next picture of the page."""
    generation: int = 0
    """Part of the controls' keys: another number makes new ones, which show what is held here."""
    first_values: dict[str, Any] = field(default_factory=dict)
    """What each control showed when it was made."""
    stops: dict[str, set[float]] = field(default_factory=dict)
    """Values beside a slider's usual stops, as links brought them."""
    feeds: dict[str, Feed] = field(default_factory=dict)
    """What each live view fetches its pictures from."""
    trials: dict[str, Any] = field(default_factory=dict)
    """The experiments this visitor has run, by slug, with their verdicts."""
    questions: dict[str, Any] = field(default_factory=dict)
    """What this visitor has asked last in each place, with the answers."""
    kept: dict[str, Any] = field(default_factory=dict)
    """What the controls of other rooms than the Lab show, or showed when they were last seen."""
    times_shown: int = 0
    """How often the page was shown: another number has the live view ask for a picture."""
    places_seen: set[str] = field(default_factory=set)
    room: str = ""
    came_from_another_room: bool = False

    def show(self, comparison: Comparison) -> None:
        """Have the controls show a comparison, and have it run."""
        self.comparison = self.plan = comparison
        self.renew_controls()

    def renew_controls(self) -> None:
        """Make the controls anew, so that they show what is held here and not what they did."""
        self.generation += 1
        self.first_values = {}

    def change_view(self, **changes: Any) -> None:
        """Look at the figures in another way."""
        self.view = dataclasses.replace(self.view, **changes)

    def came_from_link(self, place: str) -> bool:
        """Return whether this is the first look at a place, as a link may have led there."""
        first = place not in self.places_seen
        self.places_seen.add(place)
        return first

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

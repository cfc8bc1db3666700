"""The widgets of the Lab's settings: they show the comparison, and what they show is an event."""

from dataclasses import replace
from typing import Any

from bn_core.config import LAYER_FIELDS, SETTINGS
from pages.shared.lab.events import ControlsChanged
from pages.shared.lab.runs import dispatch
from pages.shared.session import Session
from pages.shared.widgets.settings import has_stops, setting_widget


def control_key(session: Session, name: str) -> str:
    """Return the key of a control.

    It names the visitor, since a browser that reconnects to a restarted server still sends the
    values of the widgets that it shows, while the link alone says what the run is.
    """
    lab = session.lab
    again = f".{lab.rate_generation}" if name == "learning_rate" else ""
    return f"lab.{name}.{session.visitor[:6]}.{lab.generation}{again}"


class Controls:
    """The controls of one run of the script, and what they show.

    A setting whose control is not shown keeps its value.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self.shown: dict[str, Any] = {}

    def show(self, name: str, *, disabled: bool = False, width: int | None = None) -> None:
        """Show the control of a setting; while it is disabled, its value stays."""
        setting, base = SETTINGS[name], self.session.lab.comparison.base
        value, key = getattr(base, name), control_key(self.session, name)
        stops = self.session.slider_stops.setdefault(name, set())
        if has_stops(setting):
            stops.add(value)
        if name in LAYER_FIELDS:
            stops = set(range(1, base.depth + 1))
        if disabled:
            key += f".{value}"  # it shows the value that other settings give it
        shown = setting_widget(setting, value, key, stops, disabled=disabled, width=width)
        if not disabled:
            self.shown[name] = shown

    def tell(self) -> None:
        """Tell the Lab what the reader has changed in the controls."""
        held = self.session.lab.comparison
        shown = replace(held, base=held.base.changed(self.shown))
        if shown != held:
            dispatch(self.session, ControlsChanged(shown))

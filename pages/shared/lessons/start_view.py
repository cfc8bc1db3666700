"""The picture of the start: the nets of the Lab's run."""

from collections.abc import Mapping

import streamlit as st

from bn_core.arms import arm_named
from bn_core.comparison import Comparison
from bn_core.config import Config
from pages.shared.lab.feed import LabFeed
from pages.shared.live.component import show_feed
from pages.shared.live.feed import Chart
from pages.shared.session import Session

START = Comparison(
    Config(depth=10, initialization="he", learning_rate=1.0, steps=300),
    (arm_named("none"), arm_named("before")),
)
"""What the start trains: ten layers at a rate at which only the net with batch norm learns."""


class StartFeed(LabFeed):
    """The nets of the Lab's run, without charts."""

    def charts(self) -> Mapping[str, Chart]:
        """Return none: the nets are the picture."""
        return {}


def start_view(session: Session) -> None:
    """Show the run; from here on the browser asks for its updates itself."""
    if "start" not in session.feeds:
        session.feeds["start"] = StartFeed(session)
    with st.container(key="start_view"):
        show_feed("start.live", session.feeds["start"])

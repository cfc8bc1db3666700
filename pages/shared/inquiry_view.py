"""The live view of what an inquiry finds."""

from collections.abc import Hashable, Mapping
from functools import partial
from typing import Any

from bn_core.figures.result import chart
from bn_core.figures.view import View
from bn_core.results import Contours, HeatMaps, Panel, Result
from pages.shared.feed import Feed, Part
from pages.shared.inquiry import Inquiry, Series
from pages.shared.live import show_feed
from pages.shared.visit import Visit, this_visit


class InquiryFeed(Feed):
    """The pictures of what an inquiry finds."""

    def __init__(self, visit: Visit) -> None:
        super().__init__()
        self.visit = visit
        self.inquiry: Inquiry | None = None
        self._finding: Result | None = None
        self._findings = 0

    def seen(self) -> None:
        """Note that somebody looks."""
        if self.inquiry is not None:
            self.inquiry.look()

    def go_to(self, step: int | None) -> None:
        """There is no time to go back in."""

    def depends_on(self) -> Hashable:
        """Return what the picture depends on."""
        inquiry = self.inquiry
        if inquiry is None:
            return None
        inquiry.look()
        return (inquiry.asked, inquiry.version, inquiry.done, self.visit.view.projector)

    def words(self) -> dict[str, Any]:
        """Return the measures and where the inquiry stands."""
        inquiry = self.inquiry
        finding = inquiry.finding() if inquiry else None
        measures = finding.measures if finding else ()
        seeds = max((len(measure.values) for measure in measures), default=1)
        over = f"median and range over {seeds} seeds" if seeds > 1 else "value"
        return {
            "head": ("measure", over) if measures else (),
            "rows": [{"cells": (m.label, m.words()), "colour": "", "dash": ""} for m in measures],
            "notice": inquiry.notice() if inquiry else "",
            "steps": (),
            "step": 0,
            "study": True,
            "projector": self.visit.view.projector,
        }

    def parts(self) -> Mapping[str, Part]:
        """Return the finding's panels."""
        finding = self.inquiry.finding() if self.inquiry else None
        view = View(projector=self.visit.view.projector)
        asked = self.inquiry.asked if self.inquiry else None
        if finding is not self._finding:
            self._finding, self._findings = finding, self._findings + 1
        return {
            panel.id: ((self._findings, view), partial(_chart, panel, view, asked))
            for panel in (finding.panels if finding else ())
        }

    def restless(self) -> bool:
        """Return whether more is to come."""
        return self.inquiry is not None and not self.inquiry.done

    def page_state(self) -> str:
        """Return what the page shows beside the view: whether it is done."""
        inquiry = self.inquiry
        if inquiry is None:
            return ""
        behind = inquiry.behind if isinstance(inquiry, Series) else 0
        return repr((inquiry.asked, inquiry.done, inquiry.failure, behind))

    def seconds_between(self) -> float:
        """Return how long to wait between pictures."""
        return 0.4


def _chart(panel: Panel | HeatMaps | Contours, view: View, asked: Hashable) -> dict[str, Any]:
    return vars(chart(panel, view)) | {"choices": [], "reset": repr(asked)}


def inquiry_view(key: str, inquiry: Inquiry | None) -> None:
    """Show an inquiry, live until it is done."""
    visit = this_visit()
    feed = visit.feeds.get(key)
    if not isinstance(feed, InquiryFeed):
        feed = visit.feeds[key] = InquiryFeed(visit)
    feed.inquiry = inquiry
    show_feed(key, feed)

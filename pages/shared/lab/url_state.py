"""The Lab's link: it holds the whole state of the page."""

from bn_core.comparison import ARMS_KEY, Comparison, comparison_from_query, comparison_to_query
from bn_core.config import Config
from bn_core.figures.view import View
from bn_core.settings import from_query, settings_of, to_query, unknown_keys
from pages.shared.lab.actions import LinkOpened, PageEntered
from pages.shared.session import Session

_KNOWN = {s.key for cls in (Config, View) for s in settings_of(cls).values()} | {ARMS_KEY}


def arrival_event(session: Session) -> LinkOpened | PageEntered | None:
    """Return how the reader came to the Lab, once; a link without parameters is one after Back."""
    query, session.arrival = session.arrival, None
    if query is None:
        return None
    begun = session.run is not None or session.pending_actions
    return PageEntered() if begun and not query and not session.by_history else link_opened(query)


def link_opened(query: dict[str, str]) -> LinkOpened:
    """Return what a link asks for, with a sentence for each part of it that fell back."""
    comparison, complaints = comparison_from_query(query)
    found, more = from_query(View, query)
    unknown = unknown_keys(query, _KNOWN)
    return LinkOpened(comparison, View(**found), (*complaints, *more, *unknown))


def lab_query(comparison: Comparison, view: View) -> dict[str, str]:
    """Return the link's parameters of what the Lab shows."""
    return comparison_to_query(comparison) | to_query(view)

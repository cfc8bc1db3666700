"""The Lab's link: it holds the whole state of the page, and other pages' links hold its nets."""

from contextlib import suppress
from urllib.parse import parse_qsl, urlencode

from bn_core.comparison import ARMS_KEY, Comparison, comparison_from_query, comparison_to_query
from bn_core.config import MOST_STEPS, Config
from bn_core.figures.view import View
from bn_core.service.tasks import TrainingRun
from bn_core.settings import LONGEST_VALUE, from_query, settings_of, to_query, unknown_keys
from pages.shared.lab.events import LinkOpened, PageEntered
from pages.shared.lab.runs import dispatch
from pages.shared.session import Session

_AT = "at"
"""The link's key of the step that the time slider stands at."""

_SETTINGS = {s.key for cls in (Config, View) for s in settings_of(cls).values()} | {ARMS_KEY}
_KNOWN = _SETTINGS | {_AT}

_NETS = "nets"
_LONGEST = 4 * LONGEST_VALUE
"""Characters of the nets in another page's link that are read at all."""


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
    cursor, missed = _step_of(query.get(_AT))
    warnings = (*complaints, *more, *missed, *unknown_keys(query, _KNOWN))
    return LinkOpened(comparison, View(**found), warnings, cursor)


def lab_query(comparison: Comparison, view: View, cursor: int | None = None) -> dict[str, str]:
    """Return the link's parameters of what the Lab shows; ``cursor`` is an earlier step."""
    at = {} if cursor is None else {_AT: str(cursor)}
    return comparison_to_query(comparison) | to_query(view) | at


def lab_link_values(session: Session, comparison: Comparison) -> dict[str, str]:
    """Return what the link of a comparison holds that the Lab shows, a lesson with it."""
    query = lab_query(comparison, session.lab.view, session.lab.cursor)
    return query | session.learning.arranged.link_values(comparison)


def address_values(session: Session, run: TrainingRun) -> dict[str, str]:
    """Return what the Lab's address holds, also of a lesson that is still being arranged."""
    comparison = run.as_run()
    query = lab_query(comparison, session.lab.view, session.lab.cursor)
    return query | session.learning.arranged.address_values(comparison)


def _step_of(text: str | None) -> tuple[int | None, list[str]]:
    """Return the step that a link shows, or a sentence if it names none."""
    if text is None:
        return None, []
    if text.isascii() and text.isdecimal() and len(text) < 8 and int(text) <= MOST_STEPS:
        return int(text), []
    return None, [f"The link's step is none from 0 to {MOST_STEPS:,}; the newest is shown."]


def nets_of_the_lab(session: Session) -> Comparison:
    """Return the Lab's comparison for a page that computes with it, and keep it in the link.

    A link that a reader comes by sets the Lab up as it was where the link was copied.
    """
    asked = (session.arrival or {}).get(_NETS)
    if asked is not None:
        _set_up(session, asked)
    query = urlencode(comparison_to_query(session.lab.comparison))
    session.link_values[_NETS] = query or None
    return session.lab.comparison


def _set_up(session: Session, asked: str) -> None:
    """Have the Lab show the nets that another page's link names, or say why it does not."""
    fields = _fields_of(asked)
    if not fields.keys() & _KNOWN:
        session.link_warnings.append("The link's nets cannot be read; the Lab's are used.")
        return
    comparison, complaints = comparison_from_query(fields)
    session.link_warnings += [*complaints, *unknown_keys(fields, _KNOWN)]
    if comparison != session.lab.comparison:
        dispatch(session, LinkOpened(comparison, session.lab.view))


def _fields_of(asked: str) -> dict[str, str]:
    with suppress(ValueError):  # too many fields
        if len(asked) <= _LONGEST:
            return dict(parse_qsl(asked, max_num_fields=len(_KNOWN)))
    return {}

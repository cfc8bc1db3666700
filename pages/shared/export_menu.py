"""Buttons that hand out code for the nets, the numbers of a run, and reports.

Nothing is made before a button is pressed: a run of the script only registers what would make it.
"""

import re
import threading
import time
from collections.abc import Callable
from urllib.parse import urlencode, urlsplit

import streamlit as st

from bn_core.datasets import own
from bn_core.export import EXPORTS, Exporter, ExportError, ExportRequest
from bn_core.service.rate_limit import Rate, TokenBuckets
from pages.shared.lab.url_state import lab_query
from pages.shared.plain_text import plain_text
from pages.shared.session import Session

SECONDS_FOR_A_RECORD = 5.0
"""How long an export waits for the first numbers of a run that has only just been opened."""

_one_at_a_time = threading.Lock()
"""Files of all visitors are made one after the other, beside what draws the charts."""
_buckets = TokenBuckets(Rate(per_second=0.2, burst=12.0))


def export_menu(session: Session) -> None:
    """Show the menu of everything that can be taken along from the Lab."""
    address, refused = page_address(), {}
    with st.popover("Export", help="Take these nets along: as code, numbers or a report."):
        for name, exporter in EXPORTS.items():
            refused[name] = refusal(session, exporter)
            st.download_button(
                exporter.title,
                _maker(session, exporter, address),
                exporter.file_name,
                exporter.media_type,
                key=f"export.{name}",
                help=exporter.help,
                on_click="ignore",
                disabled=bool(refused[name]),
                width="stretch",
            )
        for sentence in dict.fromkeys(filter(None, refused.values())):
            st.caption(plain_text(sentence))
        st.button(
            "Make a lesson",
            key="export.lesson",
            on_click=session.learning.arrange,
            help="A link with your question to students, and controls locked or hidden.",
            width="stretch",
        )


def refusal(session: Session, exporter: Exporter) -> str:
    """Return why a file cannot be made now, with what to do; empty if it can."""
    if session.run is None:
        return "There is no run to export. Press Reset to open one."
    comparison = session.run.as_run()
    name = comparison.base.data
    if own.is_name(name) and name not in session.own_titles:  # another visitor's, by a link
        return own.missing(name)
    if exporter.needs_record:
        return ""
    return comparison.problem()


def report_button(session: Session, name: str, make: Callable[[], bytes]) -> None:
    """Show the button of a report that ``make`` returns once it is pressed.

    ``make`` is called in another thread, without Streamlit. ``name`` tells buttons apart and
    stands in the file's name.
    """
    st.download_button(
        "Report (HTML)",
        lambda: made(session.visitor, make),
        report_file_name(name),
        "text/html",
        key=f"export.report.{name}",
        help="One file with settings, numbers, charts that zoom and the verdict or conclusion.",
        on_click="ignore",
    )


def report_file_name(name: str) -> str:
    """Return the name of a report's file: the words of ``name``, joined by underscores."""
    words = re.sub("[^a-z0-9]+", "_", name.lower())[:60].strip("_")
    return f"batch_norm_lab_{words}.html"


def page_address(page: str = "") -> str:
    """Return the address of a page of this app, the Lab's by default, without parameters."""
    parts = urlsplit(st.context.url or "")
    folder = "/".join(filter(None, ["", str(st.get_option("server.baseUrlPath")).strip("/"), ""]))
    path = f"/{folder}/{page}".replace("//", "/")
    known = parts.scheme in ("http", "https") and parts.netloc
    return f"{parts.scheme}://{parts.netloc}{path}" if known else path


def _maker(session: Session, exporter: Exporter, address: str) -> Callable[[], bytes]:
    def make() -> bytes:
        problem = refusal(session, exporter)
        if problem:
            raise ExportError(problem)
        return exporter.make(_request(session, address))

    return lambda: made(session.visitor, make)


def made(visitor: str, make: Callable[[], bytes]) -> bytes:
    """Return what ``make`` returns; a few files a minute for each visitor, one at a time for all.

    Errors: ``ExportError`` for what cannot be made; then the browser saves no file.
    """
    with _one_at_a_time:
        _buckets.forget_full()
        if not _buckets.take(visitor):
            raise ExportError("Too many files within a minute. Wait a moment, then try again.")
        return make()


def _request(session: Session, address: str) -> ExportRequest:
    """Return the run as it stands now: what is shown is what is exported."""
    run, view = session.run, session.lab.view
    deadline = time.monotonic() + SECONDS_FOR_A_RECORD
    while run is not None and run.record is None and time.monotonic() < deadline:
        time.sleep(0.05)
    comparison = session.lab.comparison if run is None else run.as_run()
    query = urlencode(lab_query(comparison, view), safe=":~;,")
    link = f"{address}?{query}" if query else address
    record = run.record if run is not None else None
    title = session.own_titles.get(comparison.base.data, "")
    return ExportRequest(comparison, link, view, record, title)

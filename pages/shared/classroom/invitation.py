"""How students get into a class: the code, the link, and the link as a picture to scan."""

from urllib.parse import urlencode, urlsplit

import segno
import streamlit as st

from bn_core.classroom import Classroom
from bn_core.classroom.saved_answers import HEADINGS
from bn_core.figures.tables import to_csv
from pages.shared.classroom.routes import PAGE
from pages.shared.security import is_loopback


def address(path: str, **values: str) -> str:
    """Return a link into this app, as the browser that asks reached it."""
    here = urlsplit(st.context.url or "http://localhost:8501/")
    # The page's own name is the last part of the path; what stands before it belongs to the app.
    base = here.path.rstrip("/").rpartition("/")[0]
    query = f"?{urlencode(values)}" if values else ""
    return f"{here.scheme}://{here.netloc}{base}{path}{query}"


def invitation(classroom: Classroom) -> None:
    """Show the code, the link and the QR code of a class, and what the teacher may take along."""
    link = address(PAGE, c=classroom.code)
    st.html(f"<p class='bn-code' aria-label='Code of the class'>{classroom.code}</p>")
    st.image(scannable(link), width="stretch")
    st.caption(f"Scan it, or open **{link.partition('?')[0]}** and type the code.")
    if is_loopback(urlsplit(link).hostname or ""):
        st.warning(
            "This address works on this computer alone. Start the server with "
            "`--server.address 0.0.0.0`, and open this page by the computer's address."
        )
    with st.popover("Teach from another device"):
        st.write(
            "Whoever opens this link teaches this class. Do not show it on the projector; send it "
            "to your other device."
        )
        st.code(address("/classroom", **{"class": classroom.code, "key": classroom.key}), None)
    st.download_button(
        "Save the answers (CSV)",
        lambda: to_csv([HEADINGS, *classroom.votes()]),
        f"class-{classroom.code}.csv",
        "text/csv",
        disabled=not classroom.asked,
    )


def scannable(link: str) -> str:
    """Return the QR code of a link as a picture in a data URL.

    It is black on white in any theme, as scanners expect.
    """
    return segno.make(link, error="m").png_data_uri(scale=8, border=3)

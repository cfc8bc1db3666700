"""A button that copies the page's link, which holds every choice made on the page."""

import streamlit as st

from pages.shared.live.component import component

_HTML = """<div class="bn-copy"><button type="button" hidden>Copy link</button>
<input type="text" readonly hidden aria-label="The link of this page">
<a target="_blank" rel="noopener" hidden>Open in Batch Norm Lab</a>
<span role="status"></span></div>"""


def is_embedded() -> bool:
    """Return whether the page stands in a frame of another one, as ``?embed=true`` asks."""
    return bool(st.context.is_embedded)


def copy_link_button() -> None:
    """Show the button; where the browser refuses to copy, the link is shown and selected.

    An embedded page has a link to itself in a window of its own instead.
    """
    component("copy_link", _HTML)(key="copy_link", data={"embedded": is_embedded()})

"""Inside the layer: batch norm by hand, forwards and backwards, and its relatives."""

from collections.abc import Callable

import streamlit as st

from pages.shared.inside_the_layer.channels_chapter import channels
from pages.shared.inside_the_layer.code_and_relatives import code, relatives
from pages.shared.inside_the_layer.passes import backward, forward
from pages.shared.inside_the_layer.why_chapter import why
from pages.shared.widgets.chapters import show_chapters

CHAPTERS: dict[str, Callable[[], None]] = {
    "Why normalize": why,
    "Forward": forward,
    "Backward": backward,
    "The code": code,
    "Relatives": relatives,
    "Channels": channels,
}

st.html(
    "<h1 class='bn-title'>Inside the layer</h1><p class='bn-lead'>Take batch norm apart, one step "
    "at a time, on numbers you can change.</p>"
)
show_chapters(CHAPTERS)

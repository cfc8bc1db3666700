"""The numbers that chapters share: a batch that the reader edits, and a norm's parameters."""

import streamlit as st

from pages.shared.demo_widgets import compute_now, slide
from pages.shared.lab.url_state import nets_of_the_lab
from pages.shared.session import this_session
from pages.shared.widgets.persistent import persistent
from pages.shared.widgets.tables import Rows, table

BATCH = (
    (1.0, 20.0, -0.5),
    (2.0, 18.0, 0.1),
    (4.0, 26.0, 0.3),
    (3.0, 21.0, -0.1),
    (5.0, 15.0, 0.7),
)


def batch() -> tuple[Rows | None, list[str]]:
    """Let the reader type a batch or take one from the Lab; return it with its columns' names."""
    origin = persistent(
        "origin",
        "typed",
        lambda **kept: st.segmented_control(
            "The batch", ["typed", "from the Lab"], required=True, **kept,
            help="From the Lab: what a layer of your own net there feeds its normalization.",
        ),
        ("typed", "from the Lab"),
    )  # fmt: skip
    if origin == "typed":
        columns = ["unit 1", "unit 2", "unit 3"]
        return table("batch", BATCH, columns, of_page=True), columns
    comparison = nets_of_the_lab(this_session())
    left, right = st.columns(2)
    with left:
        layer = slide(
            "Layer",
            "lab_layer",
            1,
            list(range(1, 21)),
            "Layers beyond the net's last mean the last.",
        )
    with right:
        step = slide(
            "Step", "lab_step", 50, [0, 10, 50, 100, 200, 500], "How long the net has trained."
        )
    found = compute_now(
        "from_lab", "from lab", comparison=comparison, layer=int(layer), step=int(step)
    )
    if found is None:
        return None, []
    values = found.facts["x"]
    return tuple(map(tuple, values.tolist())), [f"unit {c + 1}" for c in range(values.shape[1])]


def parameters() -> tuple[float, float, float]:
    """Show the sliders of γ, β and ε and return their values."""
    columns = st.columns(3)
    with columns[0]:
        gamma = slide(
            "γ (scale)", "gamma", 1.5, [-1.0, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0], "Learned in a net.",
            of_page=True,
        )  # fmt: skip
    with columns[1]:
        beta = slide(
            "β (shift)", "beta", 0.5, [-2.0, -1.0, 0.0, 0.5, 1.0, 2.0], "Learned in a net.",
            of_page=True,
        )  # fmt: skip
    with columns[2]:
        epsilon = slide(
            "ε",
            "epsilon",
            1e-5,
            [1e-8, 1e-5, 1e-3, 0.1, 1.0],
            "Added to the variance before the root.",
            of_page=True,
        )
    return gamma, beta, epsilon

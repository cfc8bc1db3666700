"""Why normalize: gradient descent on features of very different scales."""

import numpy as np
import streamlit as st

from bn_core.demos.why import SCALINGS, scaled
from pages.shared.demo_widgets import compute, explain, slide
from pages.shared.widgets.tables import Rows, table
from pages.shared.widgets.terms import prose

_CARS = (
    (3.0, 40_000.0, 14_500.0),
    (5.0, 90_000.0, 9_800.0),
    (1.0, 12_000.0, 21_000.0),
    (8.0, 120_000.0, 5_200.0),
    (2.0, 60_000.0, 15_200.0),
    (10.0, 98_000.0, 4_300.0),
)


def why() -> None:
    """Show descent on features of very different scales."""
    prose(
        "A used car's price depends on its **age in years** and the **kilometres driven**. One is "
        "a few units, the other tens of thousands. Edit the table, choose a rate, and watch "
        "gradient descent fit `price = w₁ · age + w₂ · kilometres + b` on three versions of the "
        "same data (b is set to its best value at every step, so that two weights remain to draw)."
    )
    left, right = st.columns([2, 3], gap="medium")
    with left:
        rows = table("cars", _CARS, ("age", "kilometres", "price"), batch=False)
    with right:
        st.latex(
            r"\text{min-max: } \frac{x-\min x}{\max x-\min x}\qquad "
            r"\text{standardized: } \frac{x-\mu}{\sigma}"
        )
        share = slide(
            "Learning rate, as a share of the largest stable one",
            "why_rate",
            0.75,
            [0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 1.05],
            "The largest stable rate is 2 / λ, λ the largest curvature. Each picture has its own. "
            "Beyond 1 the descent runs away.",
        )
        shown = slide(
            "Steps drawn",
            "why_shown",
            400,
            [1, 2, 3, 5, 10, 20, 50, 100, 400],
            "Take the descent back to its first steps.",
        )
        explain(
            "A fixed rate must suit the steepest direction. Where one feature is ten thousand "
            "times larger than the other, the flat direction then hardly moves: the **condition "
            "number** says how thin the valley is. LeCun et al. (1998, *Efficient BackProp*, "
            "section 4.3) advise standardizing for the inputs of a net; batch norm applies it "
            "inside, to the inputs of each hidden layer."
        )
    if rows is not None:
        found = compute("why", "why", table=rows, share=share, shown=int(shown))
        _scaled(rows, is_open=found is None)


def _scaled(rows: Rows, *, is_open: bool) -> None:
    """Show the three versions of the data: at once, where the descents are still computed."""
    features = np.array(rows)[:, :2]
    with st.expander("The numbers, rescaled", expanded=is_open):
        columns = st.columns(len(SCALINGS))
        for column, (scaling, title) in zip(columns, SCALINGS.items(), strict=True):
            values = scaled(features, scaling)
            with column:
                st.caption(title)
                st.dataframe({"age": values[:, 0], "kilometres": values[:, 1]}, hide_index=True)

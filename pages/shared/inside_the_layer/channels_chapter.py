"""Batch norm of images: a channel's statistics, and folding into a convolution."""

import streamlit as st

from bn_core.demos.defaults import CHANNELS, HEIGHT, MOST_IMAGES, WIDTH
from pages.shared.demo_widgets import compute, compute_now
from pages.shared.inside_the_layer.numbers import parameters
from pages.shared.widgets.tables import steps, table

_IMAGES = (
    (1.0, 2.0, 0.5, 0.0),
    (3.0, 2.0, 0.1, 0.2),
    (4.0, 6.0, -0.3, 0.4),
    (5.0, 3.0, 0.6, -0.1),
    (0.0, 1.0, 0.9, 0.7),
    (2.0, 1.0, 0.3, 0.5),
)


def channels() -> None:
    """Show batch norm of images, and fold it into a convolution."""
    st.markdown(
        "A convolution moves the same weights over all **positions** of an image. What it puts out "
        "for one set of weights is a **channel**: a picture of H rows and W columns for each of "
        "the N images of a batch. All of a channel's values come from the same weights, so batch "
        "norm treats them alike (Ioffe & Szegedy 2015, 1502.03167, section 3.2): one mean, one "
        "variance, one γ and one β for a **channel**, over examples and positions."
    )
    st.latex(
        r"\mu_c=\frac1m\sum_{n,h,w}x_{nchw}\qquad "
        r"\sigma_c^2=\frac1m\sum_{n,h,w}(x_{nchw}-\mu_c)^2\qquad m=N\cdot H\cdot W"
    )
    st.caption(
        f"Images of {HEIGHT} x {WIDTH} pixels in {CHANNELS} channels. {HEIGHT} rows of the table "
        f"are one image; add {HEIGHT} for another, at most {MOST_IMAGES} images."
    )
    names = [f"ch {c + 1}, col {w + 1}" for c in range(CHANNELS) for w in range(WIDTH)]
    rows = table("images", _IMAGES, names, batch=False)
    gamma, beta, epsilon = parameters()
    if rows is None:
        return
    arguments = {"rows": rows, "gamma": gamma, "beta": beta, "epsilon": epsilon}
    found = compute_now("channels", "channels", **arguments)
    if found is None:
        return
    st.markdown(
        "Written as a table with a row for each position of each image and a column for each "
        "channel, it is the batch norm of the chapter *Forward*: a channel is a unit with m = "
        "N · H · W examples."
    )
    steps("channels_steps", found, [f"channel {c + 1}" for c in range(CHANNELS)])
    compute("channels", "channels", **arguments)
    st.markdown(
        "**Why small batches hurt a convolution less.** Two images of 8 x 8 positions give each "
        "channel 128 values to average, and a unit of a fully connected layer two. Neighbouring "
        "pixels resemble each other, so the 128 count for fewer independent ones. The Lab's "
        "example *Batches of 2: channels or units* trains both."
    )
    _folding_of_channels(arguments)


def _folding_of_channels(arguments: dict[str, object]) -> None:
    st.markdown("#### Folding into a convolution")
    st.latex(
        r"W'_{oikl}=a_o\,W_{oikl}\qquad b'_o=(b_o-\mu_o)\,a_o+\beta_o\qquad "
        r"a_o=\frac{\gamma_o}{\sqrt{\sigma_o^2+\epsilon}}"
    )
    st.markdown(
        "In inference the mean and the variance stand still, and batch norm behind a convolution "
        "is one factor and one offset for each channel: both fit into its weights and its bias. "
        "Here a 3 x 3 convolution with random weights takes in your images, and the running "
        "averages are those of this batch. It holds at the border too, because the padding comes "
        "before the convolution. A norm *in front of* a padded convolution cannot be folded like "
        "this: the zeros of the padding are not normalized, and would become an offset."
    )
    found = compute_now("channels_folding", "folding of channels", **arguments)
    if found is not None:
        for line in found.facts["lines"]:
            st.text(line)
        compute("channels_folding", "folding of channels", **arguments)

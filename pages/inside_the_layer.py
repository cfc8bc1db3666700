"""Inside the layer: batch norm by hand, forwards and backwards, and its relatives."""

from collections.abc import Callable

import numpy as np
import streamlit as st

from bn_core.demos.defaults import CHANNELS, HEIGHT, MOST_IMAGES, WIDTH
from bn_core.demos.why import SCALINGS, scaled
from pages.shared.demo_widgets import compute, compute_now, explain, slide
from pages.shared.framework_reference import ARGUMENTS, KERAS, PYTORCH, SOURCES, TRAPS, source
from pages.shared.lab.url_state import nets_of_the_lab
from pages.shared.session import this_session
from pages.shared.widgets.chapters import show_chapters
from pages.shared.widgets.persistent import persistent
from pages.shared.widgets.tables import Rows, steps, table
from pages.shared.widgets.terms import prose

_CARS = (
    (3.0, 40_000.0, 14_500.0),
    (5.0, 90_000.0, 9_800.0),
    (1.0, 12_000.0, 21_000.0),
    (8.0, 120_000.0, 5_200.0),
    (2.0, 60_000.0, 15_200.0),
    (10.0, 98_000.0, 4_300.0),
)
_BATCH = (
    (1.0, 20.0, -0.5),
    (2.0, 18.0, 0.1),
    (4.0, 26.0, 0.3),
    (3.0, 21.0, -0.1),
    (5.0, 15.0, 0.7),
)
_IMAGES = (
    (1.0, 2.0, 0.5, 0.0),
    (3.0, 2.0, 0.1, 0.2),
    (4.0, 6.0, -0.3, 0.4),
    (5.0, 3.0, 0.6, -0.1),
    (0.0, 1.0, 0.9, 0.7),
    (2.0, 1.0, 0.3, 0.5),
)
_UPSTREAM = (
    (0.1, 0.2, -0.1), (-0.3, 0.1, 0.0), (0.2, 0.0, 0.4), (0.1, 0.5, -0.2), (0.0, -0.4, 0.1),
)  # fmt: skip


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
        return table("batch", _BATCH, columns, of_page=True), columns
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


def _parameters() -> tuple[float, float, float]:
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


def forward() -> None:
    """Show the forward pass."""
    st.latex(
        # On a phone lines break between the equations, and the braces keep them from it within one.
        r"{\mu=\tfrac1m\sum_n x_n}\qquad\allowbreak {\sigma^2=\tfrac1m\sum_n (x_n-\mu)^2}"
        r"\qquad\allowbreak {\hat x=\frac{x-\mu}{\sqrt{\sigma^2+\epsilon}}}"
        r"\qquad\allowbreak {y=\gamma\hat x+\beta}"
    )
    st.caption(
        "Ioffe & Szegedy 2015 (1502.03167), Algorithm 1. Each row is an example, each column a "
        "unit with a mean and variance of its own. Point at a value, or walk with the arrow keys."
    )
    explain(
        "**Why γ and β?** They let a layer undo the normalization: with γ = √(σ² + ε) and β = μ "
        "the output is x again. A sigmoid fed with standardized values alone would stay nearly "
        "linear."
    )
    rows, columns = batch()
    gamma, beta, epsilon = _parameters()
    if rows is None:
        return
    found = compute_now("forward", "forward", rows=rows, gamma=gamma, beta=beta, epsilon=epsilon)
    if found is not None:
        steps("forward_steps", found, columns)
        compute("forward", "forward", rows=rows, gamma=gamma, beta=beta, epsilon=epsilon)
    prose(
        "**A batch is a sample.** Its mean and variance differ from the data's, the more the "
        "smaller it is. (Batch norm divides by m; for inference PyTorch stores the unbiased "
        "variance, Keras 3 this biased one.) Here 400 batches of each size are drawn from the "
        "first column."
    )
    compute("noise", "noise", rows=rows)


def backward() -> None:
    """Show the backward pass and its checks."""
    st.latex(
        r"d\hat x = dy\,\gamma\qquad d\sigma^2=\sum d\hat x\,(x-\mu)\cdot\left(-\tfrac12\right)"
        r"(\sigma^2+\epsilon)^{-3/2}\qquad d\mu=-\sum\frac{d\hat x}{\sqrt{\sigma^2+\epsilon}}"
        r"-d\sigma^2\,\tfrac2m\sum(x-\mu)"
    )
    st.latex(
        r"dx=\frac{d\hat x}{\sqrt{\sigma^2+\epsilon}}+d\sigma^2\,\tfrac2m(x-\mu)+\tfrac1m d\mu"
        r"\qquad d\gamma=\sum dy\,\hat x\qquad d\beta=\sum dy"
    )
    st.caption(
        "Ioffe & Szegedy 2015, section 3. The mean and the variance depend on every example, so "
        "every example's gradient depends on all."
    )
    left, right = st.columns(2, gap="medium")
    columns = ["unit 1", "unit 2", "unit 3"]
    with left:
        st.markdown("**x**, the batch of the forward pass")
        rows = table("batch", _BATCH, columns, of_page=True)
    with right:
        st.markdown("**dy**, the gradient that arrives")
        upstream = table("upstream", _UPSTREAM, columns)
    gamma, _, epsilon = _parameters()
    if rows is None or upstream is None:
        return
    arguments = {"rows": rows, "upstream": upstream, "gamma": gamma, "epsilon": epsilon}
    found = compute_now("backward", "backward", **arguments)
    if found is not None:
        steps("backward_steps", found, columns)
        compute("backward", "backward", **arguments)
        prose(
            "The sum of dx vanishes: to push all examples of a unit the same way changes nothing. "
            "The sum of dx · x̂ vanishes too, up to ε: stretching them changes nothing either. "
            "Batch norm takes both out again."
        )
    prose(
        "**Scale invariance.** Multiply the weights in front of batch norm by a factor: what "
        "becomes of the loss and of their gradient? A small net in 64 bits:"
    )
    explain(
        "The length of these weights does not matter, for the same reason: the loss stays, and "
        "the gradient is divided by the factor (van Laarhoven 2017, 1706.05350). The law concerns "
        "what the layer computes, not how it learns: longer weights turn less per step. So weight "
        "decay in front of batch norm does not shrink the function; it keeps the effective "
        "learning rate η / ‖W‖² from dying away."
    )
    factor = slide(
        "Multiply W by", "factor", 10.0, [0.001, 0.1, 0.5, 1.0, 2.0, 10.0, 1000.0], "Any factor."
    )
    compute("scale", "scale invariance", factor=factor)


def code() -> None:
    """Show the source, the same layer elsewhere, and the traps."""
    prose(
        "This is the layer that trains in the Lab and computes on these pages. A K in front is the "
        "number of nets trained at once; with K = 1 it is the layer of the paper."
    )
    names = [*SOURCES, "PyTorch", "Keras"]
    shown = persistent(
        "source",
        names[0],
        lambda **kept: st.segmented_control(
            "Source", names, required=True, label_visibility="collapsed", **kept
        ),
        names,
    )
    text = {"PyTorch": PYTORCH, "Keras": KERAS}.get(shown) or source(shown)
    st.code(text, language="python", height=460 if shown in SOURCES else "content")
    st.markdown("#### What each argument does")
    st.markdown(ARGUMENTS)
    st.markdown("#### Traps")
    st.markdown(TRAPS)


def relatives() -> None:
    """Show who is averaged with whom."""
    prose(
        "Each row is an example, each column a position within a unit. Numbers with the same "
        "letter share one mean and one variance (one mean square in RMS norm). **Batch norm** "
        "averages a unit over examples; **layer** (Ba et al. 2016, 1607.06450) and **group norm** "
        "(Wu & He 2018, 1803.08494) average an example over units; **RMS norm** (Zhang & Sennrich "
        "2019, 1910.07467) divides an example by the root mean square of its units and subtracts "
        "no mean; **instance norm** averages positions alone; **ghost batches** (Hoffer et al. "
        "2017, 1705.08741) are batch norm on parts of the batch. "
        "**Batch renormalization** (Ioffe 2017, 1702.03275) groups like batch norm and then "
        "corrects towards the running averages. All of them can be trained in the Lab.\n\n"
        "**Two relatives look at the weights** and average no values: the batch does not matter. "
        "**Weight norm** (Salimans & Kingma 2016, 1602.07868) learns the length g and the "
        "direction v of each unit's weights apart, w = g · v / ‖v‖. **Weight standardization** "
        "(Qiao et al. 2019, 1903.10520) gives each unit's weights mean 0 and variance 1, "
        "ŵ = (w - mean) / std, with group norm behind it; Brock et al. (2021, 2101.08692) scale ŵ "
        "by γ c / √inputs, where c makes up for what the activation takes, and need no norm of "
        "the values.\n\n"
        "**When not to use batch norm:** with tiny or correlated batches; in sequence models and "
        "transformers (layer norm or RMS norm); when fine-tuning on few images (freeze the "
        "statistics); when a net learns or answers one example at a time."
    )
    compute("relatives", "relatives")


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
    gamma, beta, epsilon = _parameters()
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

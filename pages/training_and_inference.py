"""Training and inference: two modes of one net, and what goes wrong between them."""

from collections.abc import Callable

import streamlit as st

from pages.shared.demo_widgets import compute, explain, slide
from pages.shared.tasks.controls import experiment_here
from pages.shared.widgets.chapters import show_chapters
from pages.shared.widgets.persistent import persistent
from pages.shared.widgets.terms import prose


def averages() -> None:
    """Follow the running averages while a net trains."""
    prose(
        "While it trains, batch norm uses the mean and variance of each **batch**. For inference "
        "it keeps **running averages** of them: `running = (1 - momentum) · running + momentum · "
        "batch`. They describe the net of some steps ago. PyTorch and this page average the "
        "unbiased variance, Keras 3 the biased one; Keras' momentum of 0.99 is 0.01 here. Ioffe & "
        "Szegedy (2015) mention moving averages in one sentence of section 3.1; their Algorithm 2 "
        "averages over batches once training is over, close to what is now called PreciseBN (Wu & "
        "Johnson 2021, 2105.07576)."
    )
    left, middle, right = st.columns(3)
    with left:
        momentum = slide(
            "Momentum", "momentum", 0.1, [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0],
            "Share of the newest batch in the running averages.",
        )  # fmt: skip
        cumulative = persistent(
            "cumulative",
            False,
            lambda **kept: st.toggle(
                "Cumulative average instead", **kept,
                help="Every batch since the start counts the same (momentum=None in PyTorch).",
            ),
            (False, True),
        )  # fmt: skip
    with middle:
        batch = slide(
            "Batch size", "batch", 32, [2, 4, 8, 16, 32, 64, 128],
            "Small batches make noisy statistics.",
        )  # fmt: skip
    with right:
        rate = slide(
            "Learning rate", "rate", 0.1, [0.01, 0.03, 0.1, 0.3, 1.0],
            "The faster the weights move, the further the averages lag.",
        )  # fmt: skip
    compute(
        "averages", "following",
        momentum=momentum, cumulative=cumulative, batch_size=int(batch), rate=rate, steps=200,
    )  # fmt: skip


def forgot() -> None:
    """Ask one trained net in both modes."""
    prose(
        "Forget `model.eval()` and the net normalizes by whatever batch it is evaluated in. Each "
        "such call also moves the running averages, so that it corrupts the model and not only "
        "the answer. Below they are kept as they were: one trained net, the same weights, and only "
        "the batches differ. Choose how they are made."
    )
    left, right = st.columns(2)
    with left:
        size = slide(
            "Batch size", "asked_batch", 10, [1, 2, 5, 10, 25, 50, 100, 250, 500],
            "How many validation digits come together.",
        )  # fmt: skip
    with right:
        order = persistent(
            "order",
            "shuffled",
            lambda **kept: st.segmented_control(
                "Order", ["shuffled", "sorted"], required=True, **kept,
                help="Sorted by class, a batch holds little but one digit.",
            ),
            ("shuffled", "sorted"),
        )  # fmt: skip
    compute("forgot", "forgot eval", batch_size=int(size), order=order)


def small() -> None:
    """Run the experiment on small batches."""
    prose(
        "The smaller the batch, the noisier its mean and variance, and the further training and "
        "inference are apart. Group and layer norm take statistics within each example, so the "
        "batch does not matter to them (Wu & He 2018, 1803.08494); batch renormalization corrects "
        "for the difference (Ioffe 2017, 1702.03275)."
    )
    experiment_here("small")


def fold() -> None:
    """Fold batch norm into the linear map before it."""
    prose(
        "With fixed statistics batch norm only multiplies and adds, one number each for every "
        "unit. So it can be folded into the linear map before it, if it stands directly behind "
        "that map, and costs nothing at inference. Behind an activation it is folded into the map "
        "that comes next."
    )
    st.latex(
        r"W' = W\,\frac{\gamma}{\sqrt{\sigma^2+\epsilon}},\qquad "
        r"b' = (b-\mu)\,\frac{\gamma}{\sqrt{\sigma^2+\epsilon}} + \beta"
    )
    compute("folding", "folding")


def adapt() -> None:
    """Change the images and recompute the statistics."""
    prose(
        "Change the validation digits and watch accuracy fall. Then batch norm's statistics are "
        "recomputed on the changed digits, without labels and with the same weights: **AdaBN** "
        "(Li et al. 2016, 1603.04779)."
    )
    explain(
        "What a mean and a scale can undo comes back; what noise has covered, or inversion turned "
        "around, does not."
    )
    columns = st.columns(4)
    with columns[0]:
        scale = slide(
            "Scale", "scale", 0.4, [0.1, 0.2, 0.4, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0], "Contrast."
        )
    with columns[1]:
        offset = slide(
            "Offset", "offset", 1.5, [-3.0, -1.5, -0.5, 0.0, 0.5, 1.5, 3.0], "Brightness."
        )
    with columns[2]:
        noise = slide(
            "Noise", "noise", 0.0, [0.0, 0.25, 0.5, 1.0, 2.0, 3.0], "Its standard deviation."
        )
    with columns[3]:
        invert = persistent(
            "invert",
            False,
            lambda **kept: st.toggle("Invert", help="Dark is bright.", **kept),
            (False, True),
        )
    compute("adapting", "adapting", scale=scale, offset=offset, noise=noise, invert=invert)


CHAPTERS: dict[str, Callable[[], None]] = {
    "The running averages": averages,
    "Forgot eval()": forgot,
    "Small batches": small,
    "Folding": fold,
    "New domain": adapt,
}

st.html(
    "<h1 class='bn-title'>Training and inference</h1><p class='bn-lead'>Batch norm is two layers "
    "in one: which statistics does it use, and when?</p>"
)
show_chapters(CHAPTERS)

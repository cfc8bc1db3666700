"""The layer's source, here and in two frameworks, and the norms that are related to it."""

import streamlit as st

from pages.shared.demo_widgets import compute
from pages.shared.framework_reference import ARGUMENTS, KERAS, PYTORCH, SOURCES, TRAPS, source
from pages.shared.widgets.persistent import persistent
from pages.shared.widgets.terms import prose


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

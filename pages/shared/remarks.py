"""Sentences above the figures: what fell back, what was refused, what a setting means here."""

import streamlit as st

from bn_core.config import Comparison
from pages.shared.visit import this_visit

_BATCH_OF_ONE = (
    "**A batch of one has nothing to normalize by.** Its mean is the example itself and its "
    "variance is 0, so x̂ = 0 and every normalized unit puts out β, whatever the input: the net "
    "cannot tell examples apart while it trains. PyTorch refuses such a batch with a ValueError, "
    "Keras puts out β without a word. Here it is computed, so that you can see it."
)


def remarks(comparison: Comparison) -> None:
    """Show what there is to say about the link and the settings."""
    visit = this_visit()
    for complaint in visit.complaints:
        st.warning(complaint)
    if visit.sentence:
        st.warning(visit.sentence)
        visit.sentence = ""
    normalized = any(config.normalization == "batch" for config in comparison.configs)
    if comparison.base.batch_size == 1 and normalized:
        st.info(_BATCH_OF_ONE)

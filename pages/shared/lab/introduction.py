"""The Lab's first lines: what batch norm is, what to do, and what an example shows."""

import html

import streamlit as st

from bn_core.comparison import Comparison
from bn_core.presets import PRESETS
from pages.shared.session import Session

_TERMS = {
    "unit": "One of the numbers that a layer computes for each example.",
    "mini-batch": "The few examples that are trained on at a time, 64 of them unless you choose "
    "another batch size.",
    "scale and shift": "Two numbers for each unit, γ and β, that are learned as the weights are: "
    "the unit puts out γ times the normalized value, plus β.",
}


def introduction(session: Session) -> None:
    """Show the title, and the words of the chosen example or else what batch norm is."""
    run = session.run
    begun = run is not None and (run.playing or (run.record is not None and run.record.step > 0))
    shown = "bn-lead bn-begun" if begun else "bn-lead"  # a phone has no room for it any longer
    with st.container(key="lab_words"):
        st.html(first_words(session.lab.comparison, shown))


def first_words(held: Comparison, css_class: str = "bn-lead") -> str:
    """Return the title and the words below it, as HTML."""
    return f"<h1 class='bn-title'>The Lab</h1><p class='{css_class}'>{_lead(held)}</p>"


def _lead(held: Comparison) -> str:
    for preset in PRESETS.values():
        if preset.comparison == held:
            return f"<b>{html.escape(preset.title)}.</b> {html.escape(preset.text)}"
    return (
        f"Batch normalization gives each {_term('unit')} of a layer mean 0 and variance 1 over a "
        f"{_term('mini-batch')}, then a learned {_term('scale and shift')}. These nets learn the "
        "same data with it and without: press <b>Train</b> and compare."
    )


def _term(name: str) -> str:
    """Return a word that explains itself when pointed at or focused."""
    meaning = html.escape(_TERMS[name], quote=True)
    return (
        f"<span class='bn-term' tabindex='0' role='note' aria-label='{name}: {meaning}' "
        f"data-help='{meaning}'>{name}</span>"
    )

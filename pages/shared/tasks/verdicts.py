"""Verdicts on a page: a headline, then one line for each effect."""

import streamlit as st

from bn_core.results import EffectOutcome, PartVerdict, Verdict
from bn_core.verdict_sentence import verdict_sentence
from pages.shared.tasks.experiments import ExperimentRun

ICONS = {"holds": "✔", "fails": "✘", "depends": "≈", "untested": "?"}
"""A sign for each verdict, so that colour is not needed."""


def verdict(run: ExperimentRun) -> None:
    """Show what the numbers of an experiment say."""
    found = run.verdict
    if found is None:
        return
    seeds = f"{run.seeds} seed{'s' * (run.seeds > 1)}"
    first = f", the first of them {run.first_seed}" if run.first_seed else ""
    look = "a quick look" if run.quick else "a full run"
    st.markdown(f"#### {ICONS[found.kind]} {found.headline}")
    st.markdown(f"**{verdict_sentence(found)}** Measured just now in {look} with {seeds}{first}.")
    st.markdown(verdict_lines(found))
    if found.remarks:
        st.caption(found.remarks)


def verdict_lines(found: Verdict) -> str:
    """Return a Markdown list: a line for each effect, under its part if there are several."""
    if not found.parts:
        return found.words
    several = len(found.parts) > 1
    lines = [line for part in found.parts for line in _lines_of_part(part, named=several)]
    return "\n".join(lines).replace(" %", "\N{NO-BREAK SPACE}%")


def _lines_of_part(part: PartVerdict, *, named: bool) -> list[str]:
    """Return a line for each effect; one with the reason if the part could not be tested."""
    start = f"- {ICONS[part.kind]} "
    if len(part.effects) > 1:
        lines = [f"- {_effect_words(effect)}" for effect in part.effects]
        return [f"{start}**{part.name}**", *(f"    {line}" for line in lines)] if named else lines
    if named:
        return [f"{start}**{part.name}**: {part.words}"]
    if part.effects:
        return [f"- {_effect_words(part.effects[0])}"]
    return [f"{start}{part.words[0].upper()}{part.words[1:]}"]


def _effect_words(effect: EffectOutcome) -> str:
    numbers = effect.words.removeprefix(f"{effect.label}: ")
    return f"{ICONS[effect.kind]} **{effect.label}**: {numbers}"

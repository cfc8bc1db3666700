"""Verdicts on a page: a headline, then one line for each effect."""

import streamlit as st

from bn_core.results import VERDICT_WORDS, EffectOutcome, PartVerdict, Verdict
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
    st.markdown(f"{found.summary} Measured just now in {look} with {seeds}{first}.".strip())
    st.markdown(verdict_lines(found))
    if found.remarks:
        st.markdown(found.remarks)


def verdict_lines(found: Verdict) -> str:
    """Return a Markdown list: a line for each effect, under its part if there are several."""
    if not found.parts:
        return found.words
    if len(found.parts) == 1:
        return "\n".join(_lines_of_part(found.parts[0]))
    lines = []
    for part in found.parts:
        lines.append(f"- {ICONS[part.kind]} **{part.name}**: {_part_words(part)}")
        lines += [f"    {line}" for line in _lines_of_part(part) if part.effects]
    return "\n".join(lines)


def _part_words(part: PartVerdict) -> str:
    if not part.effects:
        return part.words
    if part.kind == "depends" and not part.settled:
        return "not settled"
    return VERDICT_WORDS[part.kind].lower()


def _lines_of_part(part: PartVerdict) -> list[str]:
    """Return a line for each effect; one with the reason if the part could not be tested."""
    if not part.effects:
        return [f"- {ICONS[part.kind]} {part.words[0].upper()}{part.words[1:]}"]
    return [_effect_line(effect) for effect in part.effects]


def _effect_line(effect: EffectOutcome) -> str:
    numbers = effect.words.removeprefix(f"{effect.label}: ")
    return f"- {ICONS[effect.kind]} **{effect.label}**: {numbers}"

"""Running experiments from a page, and what became of them."""

import streamlit as st

from bn_core.results import ExperimentSpec
from bn_core.service.pool import PoolFull
from pages.shared.catalogue import catalogue
from pages.shared.inquiry import Trial
from pages.shared.inquiry_view import inquiry_view
from pages.shared.keep import keep
from pages.shared.visit import this_visit

ICONS = {"holds": "✔", "fails": "✘", "depends": "≈", "untested": "?"}
"""A sign for each verdict, so that colour is not needed."""
STARTING = "The workers are still starting. Reload the page in a few seconds."


def settings() -> tuple[int, bool]:
    """Show how many seeds and whether a quick look; return both."""
    seeds = keep(
        "seeds",
        3,
        lambda first, key: st.slider(
            "Seeds",
            1,
            10,
            first,
            key=key,
            width=200,
            help="How many nets are trained from other weights and batches. One proves little.",
        ),
    )
    quick = keep(
        "quick",
        False,
        lambda first, key: st.toggle(
            "Quick look", first, key=key, help="Fewer steps: the verdict is less certain."
        ),
    )
    return seeds, quick


def buttons(about: ExperimentSpec, seeds: int, quick: bool) -> None:
    """Show Run, and Cancel while it runs."""
    visit = this_visit()
    trial = visit.trials.get(about.slug)
    under_way = trial is not None and not trial.done
    if st.button("Run", type="primary", shortcut="T", disabled=under_way, key=f"run.{about.slug}"):
        try:
            visit.trials[about.slug] = Trial(about, seeds, quick)
        except PoolFull as full:
            st.warning(str(full))
        else:
            st.rerun()
    if trial is None or trial.done:
        return
    if st.button("Cancel", shortcut="P", key=f"cancel.{about.slug}"):
        trial.cancel()
        st.rerun()


def verdict(trial: Trial) -> None:
    """Show what the numbers of a trial say."""
    if trial.verdict is None:
        return
    seeds = f"{trial.seeds} seed{'s' * (trial.seeds > 1)}"
    look = "a quick look" if trial.quick else "a full run"
    st.markdown(f"#### {ICONS[trial.verdict.kind]} {trial.verdict.headline}")
    st.markdown(f"{trial.verdict.words} Measured just now in {look} with {seeds}.")


def experiment_here(slug: str) -> Trial | None:
    """Show an experiment as a part of another page: claim, Run, figure, verdict."""
    about = catalogue().get(slug)
    if about is None:
        st.warning(STARTING)
        return None
    st.markdown(f"**{about.claim}** {about.method}")
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        buttons(about, 3, False)
    trial = this_visit().trials.get(slug)
    if trial is None:
        st.info("Nothing has run yet. Press **Run**: it takes less than a minute.")
        return None
    inquiry_view(f"trial.{slug}", trial)
    verdict(trial)
    return trial

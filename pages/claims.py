"""The claims: what is said of batch norm, who says it, and what the reader has measured."""

import streamlit as st

from bn_core.claims import CLAIMS, Claim
from bn_core.results import ExperimentSpec
from pages.shared.catalogue import catalogue
from pages.shared.inquiry import Series
from pages.shared.inquiry_view import inquiry_view
from pages.shared.trials import ICONS, STARTING, settings
from pages.shared.visit import this_visit


def run_all(experiments: dict[str, ExperimentSpec]) -> None:
    """Offer to run every experiment, one after the other."""
    visit = this_visit()
    series = visit.questions.get("series")
    under_way = isinstance(series, Series) and not series.done
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        seeds, quick = settings()
        if st.button("Run them all", type="primary", shortcut="T", disabled=under_way):
            visit.questions["series"] = Series(list(experiments.values()), seeds, quick, visit)
            st.rerun()
        if isinstance(series, Series) and under_way and st.button("Cancel", shortcut="P"):
            series.cancel()
            st.rerun()
    if isinstance(series, Series):
        inquiry_view("series", series)


def card(claim: Claim, tests: list[ExperimentSpec]) -> None:
    """Show one claim, and what was measured of it."""
    with st.container(border=True, height="stretch"):
        flag = " · *contested*" if claim.contested else ""
        st.markdown(f"**{claim.title}**{flag}")
        st.markdown(claim.words)
        st.caption(f"{claim.who}. {claim.note}")
        for about in tests:
            outcome(about, claim.number)
        if not tests:
            own_place(claim)


def outcome(about: ExperimentSpec, claim: int = 0) -> None:
    """Show an experiment's verdict, or that it has not run, and lead to it.

    An experiment may stand on the cards of several claims.
    """
    trial = this_visit().trials.get(about.slug)
    if trial is None:
        words = "not run yet"
    elif trial.verdict is not None:
        words = f"{ICONS[trial.verdict.kind]} {trial.verdict.headline}"
    else:
        words = trial.failure or "running"
    left, right = st.columns([3, 2], vertical_alignment="center")
    with left:
        if st.button(about.title, key=f"open.{claim}.{about.slug}", type="tertiary"):
            st.switch_page("pages/experiment.py", query_params={"experiment": about.slug})
    with right:
        st.markdown(words)


def own_place(claim: Claim) -> None:
    """Lead to where a claim is tried that has no experiment of its own."""
    if claim.number == 15 and st.button("Inside the layer: why normalize", key="open.why"):
        st.switch_page("pages/inside_the_layer.py")


st.html(
    "<h1 class='bn-title'>Claims</h1><p class='bn-lead'>What articles say of batch norm. Nothing "
    "here is decided before you run it.</p>"
)
with st.spinner("Reading the list of experiments …"):
    known = catalogue()
if not known:
    st.warning(STARTING)
    st.stop()
run_all(known)
columns = st.columns(3)
for place, one in enumerate(CLAIMS):
    with columns[place % 3]:
        card(one, [about for about in known.values() if one.number in about.claims])
others = [about for about in known.values() if not about.claims]
if others:
    st.markdown("#### More experiments")
    for other in others:
        outcome(other)

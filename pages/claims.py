"""The claims: what is said of batch norm, who says it, and what the reader has measured."""

import streamlit as st

from bn_core.claims import CLAIMS, Claim, bearing_words
from bn_core.results import ExperimentSpec
from pages.shared.lessons.cards import in_columns
from pages.shared.lessons.next_page import next_page
from pages.shared.session import this_session
from pages.shared.tasks.catalogue import catalogue
from pages.shared.tasks.controls import settings, wait_for_catalogue
from pages.shared.tasks.experiments import ExperimentSuite
from pages.shared.tasks.verdicts import ICONS
from pages.shared.tasks.view import computation_view
from pages.shared.widgets.terms import prose


def run_all(experiments: dict[str, ExperimentSpec]) -> None:
    """Offer to run every experiment, one after the other."""
    session = this_session()
    suite = session.computations.get("suite")
    under_way = suite is not None and not suite.done
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        chosen = settings()
        if st.button("Run them all", type="primary", shortcut="T", disabled=under_way):
            specs = list(experiments.values())
            session.computations["suite"] = ExperimentSuite(session, specs, *chosen)
            st.rerun()
        if suite is not None and under_way and st.button("Cancel", shortcut="P"):
            suite.cancel()
            st.rerun()
    if suite is not None:
        computation_view("suite", suite)


def card(claim: Claim, tests: list[ExperimentSpec]) -> None:
    """Show one claim, and what was measured of it."""
    with st.container(border=True, height="stretch"):
        flag = " · *contested*" if claim.contested else ""
        st.markdown(f"**{claim.title}**{flag}")
        prose(f"*It is claimed:* {claim.words}")
        side(f"for_{claim.number}", "For", f"{claim.who}.")
        side(f"note_{claim.number}", "Against" if claim.contested else "Keep in mind", claim.note)
        for spec in sorted(tests, key=lambda one: one.slug != claim.measured_by):
            outcome(spec, claim)
        own_place(claim)


def side(name: str, label: str, words: str) -> None:
    """Show under its label what speaks for a claim, or what speaks against or limits it."""
    with st.container(key=f"claim_{name}"):
        prose(f"**{label}:** {words}")


def outcome(spec: ExperimentSpec, claim: Claim | None = None) -> None:
    """Show an experiment's verdict and what it says of a claim; lead to the experiment."""
    run = this_session().experiments.get(spec.slug)
    if run is None:
        words = "not run yet"
    elif run.verdict is not None:
        words = f"{ICONS[run.verdict.kind]} {run.verdict.headline}"
        if claim is not None:
            words += f": **{bearing_words(spec.slug, claim.number, run.verdict)}**"
    else:
        words = run.failure or "running"
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        # A link, not a button: the browser's history gets one entry for the way there, not two.
        st.page_link(
            "pages/experiment.py", label=spec.title, query_params={"experiment": spec.slug}
        )
        if claim is not None and spec.slug == claim.measured_by:
            words = f"*measures the claim as stated* · {words}"
        st.markdown(words, width="content")


def own_place(claim: Claim) -> None:
    """Lead to the chapter in which a claim can be tried by hand."""
    if claim.number == 15:
        st.page_link("pages/inside_the_layer.py", label="Inside the layer: why normalize")


st.html(
    "<h1 class='bn-title'>Claims</h1><p class='bn-lead'>What articles say of batch norm. Nothing "
    "here is decided before you run it: open an experiment, or run them all.</p>"
)
with st.spinner("Reading the list of experiments …"):
    known = catalogue()
if not known:
    wait_for_catalogue()
    st.stop()
run_all(known)
in_columns(
    3,
    CLAIMS,
    lambda claim: card(claim, [spec for spec in known.values() if claim.number in spec.claims]),
)
others = [spec for spec in known.values() if not spec.claims]
if others:
    st.markdown("#### More experiments")
    for other in others:
        outcome(other)
next_page(this_session())

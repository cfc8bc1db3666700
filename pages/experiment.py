"""One experiment: a claim, a prediction, a run in front of the reader, and its verdict."""

import streamlit as st

from bn_core.results import ExperimentSpec
from pages.shared.catalogue import catalogue
from pages.shared.inquiry import Trial
from pages.shared.inquiry_view import inquiry_view
from pages.shared.keep import keep
from pages.shared.plain_text import plain_text
from pages.shared.trials import STARTING, buttons, settings, verdict
from pages.shared.visit import this_visit


def choose(experiments: dict[str, ExperimentSpec]) -> ExperimentSpec:
    """Show the list of experiments, and keep the chosen one in the link."""
    asked = st.query_params.get("experiment", this_visit().kept.get("experiment", ""))
    slugs = list(experiments)
    if asked and asked not in experiments:
        st.warning(f"There is no experiment “{plain_text(asked[:40])}”. Here is the first one.")
    first = asked if asked in experiments else slugs[0]
    chosen = st.selectbox(
        "Experiment",
        slugs,
        index=slugs.index(first),
        format_func=lambda slug: experiments[slug].title,
        key=f"experiment.{this_visit().generation}",
    )
    this_visit().kept["experiment"] = chosen
    if st.query_params.get("experiment") != chosen:
        st.query_params["experiment"] = chosen
    return experiments[chosen]


def explain(about: ExperimentSpec) -> None:
    """Show the claim, who makes it, and how it is tested."""
    st.markdown(f"### {about.claim}")
    st.caption(about.source)
    st.markdown(about.method)
    st.latex(about.formula)


def controls(about: ExperimentSpec) -> None:
    """Ask for a prediction; offer Run and Cancel, seeds, and the shorter look."""
    keep(
        f"prediction.{about.slug}",
        None,
        lambda first, key: st.radio(
            f"Your prediction first: {about.question}",
            about.answers,
            index=None if first is None else about.answers.index(first),
            key=key,
            horizontal=True,
        ),
    )
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        buttons(about, *settings())


def judge(about: ExperimentSpec, trial: Trial) -> None:
    """Show the verdict beside the reader's prediction."""
    if trial.verdict is None:
        return
    verdict(trial)
    guess = this_visit().kept.get(f"prediction.{about.slug}")
    if guess:
        st.markdown(f"You predicted: *{guess}*.")


def background(about: ExperimentSpec, trial: Trial) -> None:
    """Show what the paper found, and what to keep in mind when comparing."""
    if trial.verdict is None:
        return
    st.markdown(f"**What was found before.** {about.paper_found}")
    st.markdown(f"**Keep in mind.** {about.disagreement}")


def show() -> None:
    """Show the page."""
    st.html(
        "<h1 class='bn-title'>Experiment</h1><p class='bn-lead'>Predict, run, and read the verdict "
        "off the numbers.</p>"
    )
    with st.spinner("Reading the list of experiments …"):
        experiments = catalogue()
    if not experiments:
        st.warning(STARTING)
        return
    words, run = st.columns([5, 7], gap="medium")
    with words:
        about = choose(experiments)
        trial = this_visit().trials.get(about.slug)
        explain(about)
        controls(about)
        open_in_lab(about)
    with run:
        if trial is None:
            st.info("Nothing has run yet. Say what you expect, then press **Run**.")
            return
        judge(about, trial)
        inquiry_view(f"trial.{about.slug}", trial)
        background(about, trial)


def open_in_lab(about: ExperimentSpec) -> None:
    """Offer the same configuration in the Lab, where it can be watched and changed."""
    if about.link and st.button("Open in the Lab"):
        query = dict(part.split("=", 1) for part in about.link.split("&"))
        st.switch_page("pages/lab.py", query_params=query)


show()

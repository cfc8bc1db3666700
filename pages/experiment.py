"""One experiment: a claim, a prediction, a run in front of the reader, and its verdict."""

import re
from urllib.parse import urlencode

import streamlit as st

from bn_core import lessons
from bn_core.export.report_experiment import ExperimentRequest, report_of_experiment
from bn_core.export.request import ExportError
from bn_core.lessons.predictions import prediction_words
from bn_core.results import ExperimentSpec
from pages.shared.export_menu import page_address, report_button
from pages.shared.plain_text import plain_text
from pages.shared.session import this_session
from pages.shared.tasks.catalogue import catalogue
from pages.shared.tasks.controls import buttons, settings, wait_for_catalogue
from pages.shared.tasks.experiments import ExperimentRun
from pages.shared.tasks.verdicts import verdict
from pages.shared.tasks.view import computation_view
from pages.shared.widgets.persistent import persistent, widget_key
from pages.shared.widgets.terms import prose


def choose(experiments: dict[str, ExperimentSpec]) -> ExperimentSpec:
    """Show the list of experiments, and keep the chosen one in the link."""
    session, slugs = this_session(), list(experiments)
    asked = (session.arrival or {}).get("experiment", "")
    if session.arrival and asked and asked not in experiments:
        del session.arrival["experiment"]
        session.link_warnings.append(
            f"There is no experiment “{asked[:40]}”. Here is the one chosen last, or the first."
        )
    chosen = persistent(
        "experiment",
        slugs[0],
        lambda **kept: st.selectbox(
            "Experiment", slugs, format_func=lambda slug: experiments[slug].title, **kept
        ),
        slugs,
    )
    session.link_values["experiment"] = chosen
    return experiments[chosen]


def explain(spec: ExperimentSpec) -> None:
    """Show the claim, who makes it, and how it is tested."""
    st.markdown(f"### The claim: {spec.claim}")
    st.caption(spec.source)
    prose(spec.method)
    st.markdown(equations(spec.formula))


def equations(formula: str) -> str:
    """Return a formula in TeX as Markdown, with each of its equations on a line of its own."""
    return "\n\n".join(f"$$\n{one}\n$$" for one in re.split(r"[,;]\s*\\qq?uad\s*", formula))


def controls(spec: ExperimentSpec) -> None:
    """Ask for a prediction; offer Run and Cancel, seeds, and the quick run."""
    persistent(
        _prediction(spec),
        None,
        lambda **kept: st.radio(
            f"Your prediction first: {spec.question}",
            range(1, len(spec.answers) + 1),
            index=None,
            format_func=lambda number: spec.answers[number - 1],
            horizontal=True,
            **kept,
        ),
        range(1, len(spec.answers) + 1),
    )
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        buttons(spec, settings())


def _prediction(spec: ExperimentSpec) -> str:
    """Return the name of an experiment's prediction: each experiment keeps its own."""
    return f"prediction_{spec.slug}"


def show_verdict(spec: ExperimentSpec, run: ExperimentRun) -> None:
    """Show the verdict beside the reader's prediction."""
    if run.verdict is None:
        return
    verdict(run)
    number = st.session_state.get(widget_key(_prediction(spec)))
    if number:
        st.info(plain_text(predicted(spec, run, number - 1)))


def predicted(spec: ExperimentSpec, run: ExperimentRun, chosen: int) -> str:
    """Return what the numbers say of the answer that the reader predicted."""
    question, result = lessons.predictions().get(spec.slug), run.result()
    if question is None or result is None:
        return f"You predicted “{spec.answers[chosen]}”. Compare it with the numbers."
    return prediction_words(question, chosen, spec.slug, result)


def background(spec: ExperimentSpec, run: ExperimentRun) -> None:
    """Show what the paper found, and what to keep in mind when comparing."""
    if run.verdict is None:
        return
    prose(f"**What was found before.** {spec.paper_found}")
    prose(f"**Keep in mind.** {spec.disagreement}")


def show() -> None:
    """Show the page."""
    st.html(
        "<h1 class='bn-title'>Experiment</h1><p class='bn-lead'>Predict, run, and read the verdict "
        "off the numbers.</p>"
    )
    with st.spinner("Reading the list of experiments …"):
        experiments = catalogue()
    if not experiments:
        wait_for_catalogue()
        # Not a return: the link is then read in the run of the page that has the list.
        st.stop()
    left, right = st.columns([5, 7], gap="medium")
    with left:
        spec = choose(experiments)
        experiment_run = this_session().experiments.get(spec.slug)
        explain(spec)
        controls(spec)
        open_in_lab(spec)
    with right:
        if experiment_run is None:
            st.info("Nothing has run yet. Say what you expect, then press **Run**.")
            return
        show_verdict(spec, experiment_run)
        computation_view(f"experiment.{spec.slug}", experiment_run)
        background(spec, experiment_run)
        if experiment_run.done:
            offer_report(spec, experiment_run)


def offer_report(spec: ExperimentSpec, run: ExperimentRun) -> None:
    """Offer what has been found so far as one file."""
    number = st.session_state.get(widget_key(_prediction(spec)))
    prediction = spec.answers[number - 1] if number else ""
    session = this_session()
    chosen = {name: text for name, text in session.link_values.items() if text is not None}
    address = f"{page_address('experiment')}?{urlencode(chosen)}"

    def report() -> bytes:
        result = run.result()
        if result is None:
            raise ExportError("Nothing has been measured yet. Wait for the first numbers.")
        chosen_seeds = (run.seeds, run.first_seed, run.quick)
        return report_of_experiment(
            ExperimentRequest(spec, result, run.verdict, *chosen_seeds, address, prediction)
        )

    report_button(session, spec.slug, report)


def open_in_lab(spec: ExperimentSpec) -> None:
    """Offer the same configuration in the Lab, where it can be watched and changed."""
    if spec.link:
        query = dict(part.split("=", 1) for part in spec.link.split("&"))
        st.page_link("pages/lab.py", label="Open in the Lab", query_params=query)


show()

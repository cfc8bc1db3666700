"""A run that decides a question of the quiz: the Lab's nets or a quick experiment, on the page."""

import dataclasses

import streamlit as st

from bn_core.lessons.evidence import Evidence
from bn_core.lessons.links import Link
from bn_core.lessons.quiz import QuizQuestion
from bn_core.service.pool import PoolFull
from pages.shared.lessons.evidence import evidence_about
from pages.shared.lessons.panel_parts import go_to
from pages.shared.session import Session
from pages.shared.tasks.catalogue import catalogue
from pages.shared.tasks.computation import SingleTask
from pages.shared.tasks.experiments import ExperimentRun
from pages.shared.tasks.view import computation_view
from pages.shared.widgets.persistent import widget_key

_SEEDS = 3


def deciding_run(session: Session, question: QuizQuestion) -> Evidence | None:
    """Offer the run that decides a question and show it; return what it says, once it is done."""
    if question.run is None:
        return None
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        if st.button("Let a run decide", key=f"quiz.run.{question.id}"):
            _begin(session, question.run)
        go_to("See it in the app", question.run)
    return _experiment(session, question.run) or _trained(session, question.run)


def _place(link: Link) -> str:
    return widget_key(f"run {link.address}")


def _begin(session: Session, link: Link) -> None:
    try:
        if link.experiment:
            spec = catalogue().get(link.experiment)
            if spec is None:
                st.warning("The workers are still starting. Try again in a moment.")
            elif not _is_known(session, link.experiment):
                run = ExperimentRun(session.visitor, spec, _SEEDS, 0, True)
                session.experiments[link.experiment] = run
        elif _place(link) not in session.computations:
            task = SingleTask(session.visitor, "trained link", comparison=link.comparison)
            session.computations[_place(link)] = task
    except PoolFull as full:
        st.warning(str(full))


def _is_known(session: Session, slug: str) -> bool:
    run = session.experiments.get(slug)
    return run is not None and not run.failure


def _experiment(session: Session, link: Link) -> Evidence | None:
    run = session.experiments.get(link.experiment)
    if run is None:
        return None
    computation_view(f"experiment.{link.experiment}", run)
    return evidence_about(session, link) if run.verdict is not None else None


def _trained(session: Session, link: Link) -> Evidence | None:
    held = session.computations.get(_place(link))
    if held is None:
        return _of_the_lab(session, link)
    computation_view(_place(link), held)
    result = held.result() if held.done and not held.failure else None
    if result is None:
        return None
    evidence = evidence_about(session, link)
    return dataclasses.replace(evidence, record=result.facts["record"])


def _of_the_lab(session: Session, link: Link) -> Evidence | None:
    """Return the Lab's own run if it has trained these very nets to the end."""
    evidence = evidence_about(session, link) if link.comparison is not None else Evidence()
    record = evidence.trained
    return evidence if record is not None and record.ending is not None else None

"""What a visitor has done and measured, as the conditions of lessons and challenges look at it."""

import dataclasses

from bn_core.lessons.challenges import proving
from bn_core.lessons.evidence import Evidence
from bn_core.lessons.links import Link
from bn_core.results import Result
from pages.shared.session import Session


def evidence_of(session: Session) -> Evidence:
    """Return the Lab's run, the experiments, and what the page that is shown holds.

    A page's computations go by the name of their place; they count once they are done.
    """
    verdicts = {
        slug: run.verdict for slug, run in session.experiments.items() if run.verdict is not None
    }
    return Evidence(
        record=session.run.record if session.run is not None else None,
        comparison=session.lab.comparison,
        page=session.page,
        choices={**session.link, **session.shown_values},
        results=_results(session),
        verdicts=verdicts,
    )


def evidence_about(session: Session, link: Link) -> Evidence:
    """Return the evidence for a question that is asked about a link.

    The Lab's run counts only if it trains what the link names: the answer would be another one's.
    """
    evidence = evidence_of(session)
    asked, record = link.comparison, evidence.record
    if asked is None or record is None or proving(record) == asked:
        return evidence
    return dataclasses.replace(evidence, record=None)


def _results(session: Session) -> dict[str, Result]:
    """Return the results that are whole: of experiments by slug, of the page's by their place."""
    found = {}
    for key, computation in session.computations.items():
        of_this_page = key.startswith(f"{session.page}.")
        result = computation.result() if of_this_page and computation.done else None
        if result is not None and not computation.failure:
            found[key.rpartition(".")[2]] = result
    for slug, run in session.experiments.items():
        result = run.result() if run.verdict is not None else None
        if result is not None:
            found[slug] = result
    return found

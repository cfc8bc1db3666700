"""Running experiments from a page, and what became of them."""

from typing import NamedTuple

import streamlit as st

from bn_core.results import ExperimentSpec
from bn_core.service.pool import PoolFull
from pages.shared.lab.runs import problem
from pages.shared.session import this_session
from pages.shared.tasks.catalogue import catalogue
from pages.shared.tasks.experiments import ExperimentRun
from pages.shared.tasks.verdicts import verdict
from pages.shared.tasks.view import computation_view
from pages.shared.widgets.persistent import persistent

_STARTING = "The workers are still starting. This page goes on by itself when they are ready."
_MOST_SEEDS = 10
_LAST_SEED = 100_000


class Seeds(NamedTuple):
    """Which seeds an experiment is run with, and whether with fewer steps."""

    seeds: int = 3
    first_seed: int = 0
    quick: bool = False


def settings() -> Seeds:
    """Show how many seeds, the first of them, and whether a quick look; return all."""
    usual = Seeds()
    seeds = persistent(
        "seeds",
        usual.seeds,
        lambda **kept: st.slider(
            "Seeds",
            1,
            _MOST_SEEDS,
            width=200,
            help="How many nets are trained from other weights and batches. One proves little.",
            **kept,
        ),
        range(1, _MOST_SEEDS + 1),
    )
    first_seed = persistent(
        "first_seed",
        usual.first_seed,
        lambda **kept: st.number_input(
            "First seed",
            0,
            _LAST_SEED,
            step=1,
            width=120,
            help="The seeds count up from here. Other seeds are another sample of the same kind.",
            **kept,
        ),
        range(_LAST_SEED + 1),
    )
    quick = persistent(
        "quick",
        usual.quick,
        lambda **kept: st.toggle(
            "Quick look",
            help="Fewer steps, layers, sizes or draws than the text says: less certain.",
            **kept,
        ),
        (False, True),
    )
    return Seeds(seeds, first_seed, quick)


def buttons(spec: ExperimentSpec, chosen: Seeds) -> None:
    """Show Run, and Cancel while it runs."""
    session = this_session()
    run = session.experiments.get(spec.slug)
    under_way = run is not None and not run.done
    if st.button("Run", type="primary", shortcut="T", disabled=under_way, key=f"run.{spec.slug}"):
        try:
            session.experiments[spec.slug] = ExperimentRun(session.visitor, spec, *chosen)
        except PoolFull as full:
            st.warning(str(full))
        else:
            st.rerun()
    if run is None or run.done:
        return
    if st.button("Cancel", shortcut="P", key=f"cancel.{spec.slug}"):
        run.cancel()
        st.rerun()


def wait_for_catalogue() -> None:
    """Say that no worker has listed the experiments yet, and go on when one has."""

    @st.fragment(run_every=3.0)
    def retry() -> None:
        if catalogue(seconds=1.0):
            st.rerun()
        st.warning(problem() or _STARTING)

    retry()


def experiment_here(slug: str) -> ExperimentRun | None:
    """Show an experiment as a part of another page: claim, Run, figure, verdict."""
    spec = catalogue().get(slug)
    if spec is None:
        wait_for_catalogue()
        return None
    st.markdown(f"**{spec.claim}** {spec.method}")
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        buttons(spec, Seeds())
    run = this_session().experiments.get(slug)
    if run is None:
        st.info("Nothing has run yet. Press **Run**: it takes less than a minute.")
        return None
    computation_view(f"experiment.{slug}", run)
    verdict(run)
    return run

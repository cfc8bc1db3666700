"""The run of this visitor: which one it is, and the buttons that move it."""

import dataclasses
import time

import streamlit as st

from bn_core.comparison import Comparison
from bn_core.figures.view import STEPS_PER_SECOND, View
from bn_core.service.pool import PoolFull
from bn_core.service.run import Run
from bn_core.settings import SettingError, settings_of
from pages.shared import server
from pages.shared.visit import Visit, this_visit


class _Seat:
    """A visitor's connection; when it goes, the run is told."""

    visit: Visit | None = None

    def leave(self) -> None:
        if self.visit is not None:
            self.visit.leave()


@st.cache_resource(scope="session", on_release=_Seat.leave, show_spinner=False)
def _seat() -> _Seat:
    return _Seat()


def run_for(wanted: Comparison) -> Run:
    """Return the run of what the controls ask for, with the button pressed last obeyed.

    Another learning rate does not end a run under way, it changes it. Errors: ``PoolFull``.
    """
    visit = this_visit()
    _seat().visit = visit
    run = _fitting_run(visit, wanted)
    wish, visit.wish = visit.wish, ""
    if wish:
        visit.stirred = time.monotonic()
        _obey(visit, run, wish)
    return run


def _fitting_run(visit: Visit, wanted: Comparison) -> Run:
    run, plan = visit.run, visit.plan
    if plan is not None:
        if run is None or run.as_run() != plan:
            return _new_run(visit, plan)
        visit.plan = None
    elif run is None or not _differ_in_rate_only(run.comparison, wanted):
        return _new_run(visit, wanted)
    elif wanted.base.learning_rate != visit.rate_seen:
        if run.ending is not None or not run.record or not run.record.step:
            return _new_run(visit, wanted)
        _change_rate(visit, run, wanted.base.learning_rate)
    visit.rate_seen = wanted.base.learning_rate
    return run


def _new_run(visit: Visit, comparison: Comparison) -> Run:
    if visit.run is not None:
        visit.run.close()
        visit.run = None
    visit.run = server.pool().open(comparison)
    if visit.plan is None:
        visit.complaints = ()
    visit.plan = visit.cursor = None
    visit.rate_seen = visit.comparison.base.learning_rate
    visit.stirred = time.monotonic()
    return visit.run


def _differ_in_rate_only(one: Comparison, other: Comparison) -> bool:
    rate = {"learning_rate": 1.0, "rate_changes": ()}
    return one.arms == other.arms and one.base.changed(rate) == other.base.changed(rate)


def _change_rate(visit: Visit, run: Run, rate: float) -> None:
    try:
        run.set_learning_rate(rate)
    except SettingError as error:
        visit.sentence = str(error)
    visit.stirred = time.monotonic()


def _obey(visit: Visit, run: Run, wish: str) -> None:
    try:
        match wish:
            case "train":
                visit.cursor = None
                run.play(STEPS_PER_SECOND[visit.view.speed])
            case "pause":
                run.pause()
            case "step":
                visit.cursor = None
                run.step()
    except PoolFull as full:
        visit.sentence = str(full)


def toolbar(run: Run) -> None:
    """Show Train or Pause, Step, Reset, New seeds and the speed, with their keys."""
    over = run.ending is not None
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        if run.playing:
            st.button("Pause", shortcut="P", type="primary", on_click=_wish, args=("pause",))
        else:
            st.button(
                "Train",
                shortcut="T",
                type="primary",
                on_click=_wish,
                args=("train",),
                disabled=over,
            )
        st.button(
            "Step",
            shortcut="S",
            on_click=_wish,
            args=("step",),
            disabled=over or run.playing,
            help="Train on one mini-batch and look inside.",
        )
        st.button(
            "Reset",
            shortcut="X",
            on_click=_reset,
            help="Back to step 0: the same initial weights, the same batches.",
        )
        st.button(
            "New seeds",
            shortcut="N",
            on_click=_new_seeds,
            help="Other initial weights, other batches. The seed is in the link.",
        )
        _speed(run)


def wait_for_place(comparison: Comparison) -> None:
    """Say that all places are taken, and try again until one is free."""

    @st.fragment(run_every=2.0)
    def retry() -> None:
        try:
            run_for(comparison)
        except PoolFull as full:
            st.warning(str(full))
            return
        st.rerun()

    retry()


def _wish(what: str) -> None:
    this_visit().wish = what


def _reset() -> None:
    """Plan the run again; a rate that the reader has set meanwhile is where it now begins."""
    visit = this_visit()
    run = visit.run
    if run is None:
        return
    planned = run.comparison
    if run.as_run() != planned:
        base = planned.base.changed({"learning_rate": run.learning_rate, "rate_changes": ()})
        planned = dataclasses.replace(planned, base=base)
    visit.run = None
    run.close()
    visit.show(planned)


def _new_seeds() -> None:
    visit = this_visit()
    base = visit.comparison.base
    seed = (base.seed + base.replicas) % 1_000_000
    visit.show(dataclasses.replace(visit.comparison, base=base.changed({"seed": seed})))


def _speed(run: Run) -> None:
    setting = settings_of(View)["speed"]
    visit, options = this_visit(), list(setting.options)
    first = visit.first_values.setdefault("speed", visit.view.speed)
    chosen = st.selectbox(
        setting.label,
        options,
        index=options.index(first),
        format_func=lambda option: setting.options[option],
        key=f"set.speed.{visit.generation}",
        label_visibility="collapsed",
        width=230,
    )
    if chosen != visit.view.speed:
        visit.change_view(speed=chosen)
        if run.playing:
            run.play(STEPS_PER_SECOND[chosen])

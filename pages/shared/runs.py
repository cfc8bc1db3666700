"""The run of this visitor: which one it is, and the buttons that move it."""

import dataclasses
import time

import streamlit as st

from bn_core.config import Comparison
from bn_core.figures.view import STEPS_PER_SECOND, View
from bn_core.service.pool import PoolFull
from bn_core.service.run import Run
from bn_core.settings import SettingError, settings_of
from pages.shared import server, state

_SECONDS_TO_SETTLE = 0.8
"""How long after a command the page keeps looking for what it brings."""


class _Seat:
    """A visitor's connection; when it goes, the run it holds is told."""

    run: Run | None = None

    def leave(self) -> None:
        if self.run is not None:
            self.run.leave()


@st.cache_resource(scope="session", on_release=_Seat.leave, show_spinner=False)
def _seat() -> _Seat:
    return _Seat()


def held_run() -> Run | None:
    """Return this visitor's run, if there is one."""
    return st.session_state.get("run")


def run_for(wanted: Comparison) -> Run:
    """Return the run of what the controls ask for: the one that is there, or a new one.

    Another learning rate does not end a run under way, it changes it. Errors: ``PoolFull``.
    """
    run, plan = held_run(), state.take_plan()
    if plan is not None:
        if run is None or run.comparison != plan or run.as_run() != plan:
            return new_run(plan)
    elif run is None or not _differ_in_rate_only(run.comparison, wanted):
        return new_run(wanted)
    elif wanted.base.learning_rate != run.learning_rate:
        if run.ending is not None or not run.record or not run.record.step:
            return new_run(wanted)
        _change_rate(run, wanted.base.learning_rate)
    _seat().run = run
    return run


def new_run(comparison: Comparison) -> Run:
    """Replace this visitor's run by a fresh one. Errors: ``PoolFull``."""
    old: Run | None = st.session_state.pop("run", None)
    if old is not None:
        old.close()
    st.session_state.pop("cursor", None)
    run = server.pool().open(comparison)
    st.session_state["run"] = _seat().run = run
    stir()
    return run


def stir() -> None:
    """Note that something was asked of the run: its answer is on the way."""
    st.session_state["stirred"] = time.monotonic()


def restless(run: Run) -> bool:
    """Return whether the picture of the run will change by itself."""
    if run.playing or run.record is None or not run.record.looks:
        return run.ending is None
    return time.monotonic() - st.session_state.get("stirred", 0.0) < _SECONDS_TO_SETTLE


def toolbar(run: Run) -> None:
    """Show Train or Pause, Step, Reset, New seeds and the speed, with their keys."""
    over = run.ending is not None
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        if run.playing:
            st.button("Pause", shortcut="P", type="primary", on_click=_pause)
        else:
            st.button("Train", shortcut="T", type="primary", on_click=_train, disabled=over)
        st.button(
            "Step",
            shortcut="S",
            on_click=_step,
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
            new_run(comparison)
        except PoolFull as full:
            st.warning(str(full))
            return
        st.rerun()

    retry()


def _differ_in_rate_only(one: Comparison, other: Comparison) -> bool:
    rate = {"learning_rate": 1.0, "rate_changes": ()}
    return one.arms == other.arms and one.base.changed(rate) == other.base.changed(rate)


def _change_rate(run: Run, rate: float) -> None:
    try:
        run.set_learning_rate(rate)
    except SettingError as error:
        state.say(str(error))
    stir()


def _train() -> None:
    run = held_run()
    if run is None:
        return
    st.session_state.pop("cursor", None)
    try:
        run.play(STEPS_PER_SECOND[state.held_view().speed])
    except PoolFull as full:
        state.say(str(full))


def _pause() -> None:
    run = held_run()
    if run is not None:
        run.pause()
        stir()


def _step() -> None:
    run = held_run()
    if run is None:
        return
    st.session_state.pop("cursor", None)
    try:
        run.step()
    except PoolFull as full:
        state.say(str(full))
    stir()


def _reset() -> None:
    """Plan the run again; a rate that the reader has set meanwhile is where it now begins."""
    run = held_run()
    if run is None:
        return
    planned = run.comparison
    if run.as_run() != planned:
        base = planned.base.changed({"learning_rate": run.learning_rate, "rate_changes": ()})
        planned = dataclasses.replace(planned, base=base)
    st.session_state.pop("run")
    run.close()
    state.show(planned)


def _new_seeds() -> None:
    base = state.held_comparison().base
    following = (base.seed + base.replicas) % 1_000_000
    st.session_state[state.widget_key("seed")] = following


def _speed(run: Run) -> None:
    setting = settings_of(View)["speed"]
    view, options = state.held_view(), list(setting.options)
    chosen = st.selectbox(
        setting.label,
        options,
        index=options.index(view.speed),
        format_func=lambda option: setting.options[option],
        label_visibility="collapsed",
        help=setting.help,
        width=230,
    )
    if chosen != view.speed:
        state.change_view(speed=chosen)
        if run.playing:
            run.play(STEPS_PER_SECOND[chosen])

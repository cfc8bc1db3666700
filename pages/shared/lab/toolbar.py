"""The buttons that move the run, and its speed."""

from dataclasses import replace

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from bn_core.config import MOST_STEPS
from bn_core.figures.view import View
from bn_core.service.pool import PoolFull
from bn_core.service.tasks import TrainingRun
from bn_core.settings import settings_of
from pages.shared.export_menu import export_menu
from pages.shared.lab.actions import more_steps
from pages.shared.lab.controls import control_key
from pages.shared.lab.events import ButtonPressed, ViewChanged
from pages.shared.lab.runs import current_run, dispatch
from pages.shared.lessons.arranged_state import LOCKED
from pages.shared.session import Session

_PREDICT_FIRST = "Predict first: the lesson's question stands beside the nets."


def toolbar(session: Session, run: TrainingRun) -> DeltaGenerator:
    """Show Train or Pause, Step, Reset, New seeds and the speed, with their keys; return the row.

    What is added to the row stands to the right of the buttons.
    """
    over = run.ending is not None
    # The question stands beside the Lab alone; a class sees the run on another page.
    waits = session.page == "lab" and session.learning.awaits_prediction
    first = _PREDICT_FIRST if waits else None
    row = st.container(key="lab_toolbar", horizontal=True, gap="small", vertical_alignment="center")
    with row:
        if run.playing:
            _button(session, "pause", "Pause", "P", primary=True)
        elif run.ending is not None and run.ending.kind == "finished":
            _train_on(session, run)
        else:
            _button(
                session, "train", "Train", "T", primary=True, disabled=over or waits, help=first
            )
        _button(
            session,
            "step",
            "Step",
            "S",
            disabled=over or run.playing or waits,
            help=first or "Train on one mini-batch and look inside.",
        )
        _button(
            session,
            "reset",
            "Reset",
            "X",
            help="Back to step 0: the same initial weights, the same batches.",
        )
        _new_seeds(session)
        _speed(session)
        export_menu(session)
    return row


def wait_for_place(session: Session) -> None:
    """Say that all places are taken, and try again until one is free."""

    @st.fragment(run_every=2.0)
    def retry() -> None:
        try:
            current_run(session)
        except PoolFull as full:
            st.warning(str(full))
            return
        st.rerun()

    retry()


def _button(
    session: Session,
    name: str,
    label: str,
    shortcut: str,
    *,
    primary: bool = False,
    disabled: bool = False,
    help: str | None = None,
) -> None:
    st.button(
        label,
        key=f"lab.{name}",
        shortcut=shortcut,
        type="primary" if primary else "secondary",
        on_click=dispatch,
        args=(session, ButtonPressed(name)),
        disabled=disabled,
        help=help,
    )


def _new_seeds(session: Session) -> None:
    access = session.learning.arranged.access("seed")
    if access == "hidden":
        return
    _button(
        session,
        "new_seeds",
        "New seeds",
        "N",
        disabled=access == "locked",
        help=LOCKED
        if access == "locked"
        else "Other initial weights, other batches. The seed is in the link.",
    )


def _train_on(session: Session, run: TrainingRun) -> None:
    """Offer to train a finished run for more steps; there is a limit to them."""
    steps = run.comparison.base.steps
    more = more_steps(steps) if session.learning.arranged.is_free("steps") else steps
    _button(
        session,
        "train_on",
        f"Train to step {more:,}" if more > steps else "Finished",
        "T",
        primary=True,
        disabled=more == steps,
        help="The same nets for twice as many steps. The steps so far are trained again first, at "
        f"full speed. “Steps to run” under All settings sets any number up to {MOST_STEPS:,}.",
    )


def _speed(session: Session) -> None:
    setting, view = settings_of(View)["speed"], session.lab.view
    options = list(setting.options)
    chosen = st.selectbox(
        setting.label,
        options,
        index=options.index(view.speed),
        format_func=lambda option: setting.options[option],
        key=control_key(session, "speed"),
        label_visibility="collapsed",
        width=230,
    )
    if chosen != view.speed:
        dispatch(session, ViewChanged(replace(view, speed=chosen)))

"""The run of this visitor: events go to the reducer, and what it answers to the pool.

This module and ``tasks/requests.py`` are the only ones that call the pool.
"""

import time
from dataclasses import replace

import streamlit as st

from bn_core.comparison import Comparison
from bn_core.datasets.own import OwnData
from bn_core.service.own_names import names_in
from bn_core.service.pool import PoolFull
from bn_core.service.tasks import TrainingRun
from bn_core.settings import SettingError
from pages.shared import server
from pages.shared.lab.actions import (
    Effect,
    Event,
    LabState,
    OpenRun,
    Pause,
    Play,
    RunStatus,
    Say,
    SetRate,
    StepOnce,
    reduce,
)
from pages.shared.runs.keeping import keep_present
from pages.shared.session import Session


class _Connection:
    """A visitor's connection; when it goes, the run is told."""

    session: Session | None = None

    def disconnect(self) -> None:
        if self.session is not None:
            self.session.disconnect()


@st.cache_resource(scope="session", on_release=_Connection.disconnect, show_spinner=False)
def _connection() -> _Connection:
    return _Connection()


def dispatch(session: Session, event: Event) -> None:
    """Apply an event to the Lab's state, and note what the run must be told."""
    with session.lock:
        session.lab, effects = reduce(observed(session), event)
        if any(isinstance(effect, OpenRun) for effect in effects):
            session.pending_actions.clear()  # they were meant for the run that now goes
        session.pending_actions += effects


def observed(session: Session) -> LabState:
    """Return the Lab's state with the run as it is now; none if another one is asked for.

    Its rate is the one it has still to be told: a script that is broken off before it tells the
    run leaves that to the next, which must not take the old rate for a planned change.
    """
    if _asks_for_a_run(session) or session.run is None:
        return replace(session.lab, run=None)
    status = _status(session.run)
    for effect in session.pending_actions:
        if isinstance(effect, SetRate):
            status = replace(status, learning_rate=effect.rate)
    return replace(session.lab, run=status)


def _asks_for_a_run(session: Session) -> bool:
    return any(isinstance(effect, OpenRun) for effect in session.pending_actions)


def current_run(session: Session) -> TrainingRun:
    """Return the run of what was asked for last; one that was forgotten goes on where it was.

    Errors: ``PoolFull``.
    """
    _connection().session = session
    if session.run is not None and session.run.forgotten and not _asks_for_a_run(session):
        session.run = server.pool().reopen(session.run, session.visitor)
    perform_pending(session)
    assert session.run is not None, "a session begins with an event that opens a run"
    return session.run


def perform_pending(session: Session) -> None:
    """Tell the pool what events have asked for. Errors: ``PoolFull``; then it stays to be done."""
    while session.pending_actions:
        _perform(session, session.pending_actions[0])
        del session.pending_actions[0]
        session.last_command_at = time.monotonic()


def keep_data(session: Session, data: OwnData, title: str) -> str:
    """Keep a visitor's own data and return their name. Errors: ``PoolFull``."""
    name = server.pool().keep_data(session.visitor, data)
    session.own_titles[name] = title
    return name


def own_data(session: Session) -> list[OwnData]:
    """Return the visitor's own data, and keep them for longer."""
    return server.pool().data_of(session.visitor)


def data_proof(name: str) -> str:
    """Return what proves that its bearer has opened data of their own."""
    return server.pool().data_proof(name)


def admit_to_data(session: Session, name: str, proof: str) -> bool:
    """Give data to the visitor who proves to have opened them; return whether they are here."""
    return server.pool().admit_to_data(session.visitor, name, proof)


def problem_of(session: Session, comparison: Comparison) -> str:
    """Return why this visitor cannot train a comparison, with what to change; else nothing."""
    names = names_in({"comparison": comparison})
    return server.pool().data_problem(session.visitor, names) or comparison.problem()


def problem() -> str:
    """Return why the server can train nothing now, in a sentence; empty if it can."""
    return server.pool().problem()


def workers_start() -> bool:
    """Return whether no worker has taken commands yet, as right after the server's start."""
    return not server.pool().wait_ready(0)


def runs_training() -> int:
    """Return how many runs of all visitors train at this moment."""
    return server.pool().training()


def _status(run: TrainingRun) -> RunStatus:
    return RunStatus(
        opened_as=run.comparison,
        plan=run.as_run(),
        learning_rate=run.learning_rate,
        step=run.record.step if run.record else 0,
        playing=run.playing,
        ended=run.ending is not None,
    )


def _perform(session: Session, effect: Effect) -> None:
    if isinstance(effect, OpenRun):
        _open(session, effect)
    elif isinstance(effect, Say):
        session.notice = effect.sentence
    elif session.run is not None:
        try:
            _command(session, session.run, effect)
        except (PoolFull, SettingError) as refused:
            session.notice = str(refused)


def _open(session: Session, asked: OpenRun) -> None:
    if session.run is not None:
        keep_present(session)
        session.repeated = session.run if asked.repeats else None
        session.run.close()
        session.run = None
    session.run = server.pool().open(asked.comparison, session.visitor)


def _command(session: Session, run: TrainingRun, effect: Effect) -> None:
    match effect:
        case Play(steps_per_second):
            repeated = session.repeated
            run.play(steps_per_second, repeated.step_reached if repeated else 0)
        case Pause():
            run.pause()
        case StepOnce():
            run.step()
        case SetRate(rate):
            run.set_learning_rate(rate)

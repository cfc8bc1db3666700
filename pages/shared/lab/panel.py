"""All settings of the Lab beside those of the bar, in groups, each once."""

from dataclasses import replace

import streamlit as st

from bn_core.figures.view import View
from bn_core.settings import settings_of
from pages.shared.lab.controls import control_key, show
from pages.shared.lab.events import PresetChosen, ViewChanged
from pages.shared.lab.runs import dispatch
from pages.shared.lab.setting_groups import (
    PANEL,
    changed_settings,
    is_relevant,
    usual_settings,
)
from pages.shared.lessons.arranged_state import LOCKED
from pages.shared.session import Session

_COLUMNS = (("Net", "Data"), ("Training", "Seeds and display"), ("Batch norm",))


def all_settings(session: Session) -> None:
    """Show the panel behind a button that says how many settings differ from the usual ones."""
    arranged = session.learning.arranged
    changed = changed_settings(session.lab.comparison.base, arranged.shown)
    label = f"All settings: {len(changed)} changed" if changed else "All settings"
    with st.popover(label, key="lab.all_settings", help="Every other setting, in one place."):
        _say_what_changed(session, changed)
        with st.container(key="lab_panel"):
            for column, groups in zip(st.columns(len(_COLUMNS)), _COLUMNS, strict=True):
                with column:
                    for group in groups:
                        _group(session, group)


def _say_what_changed(session: Session, changed: list[str]) -> None:
    if not changed:
        st.caption("All of these are at their usual values.")
        return
    held = session.lab.comparison
    free = session.learning.arranged.is_free
    settings = {name: value for name, value in usual_settings().items() if free(name)}
    usual = replace(held, base=held.base.changed(settings))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"Not at their usual values: {', '.join(changed)}.", width="stretch")
        st.button(
            "Back to the usual values",
            key="lab.usual",
            on_click=dispatch,
            args=(session, PresetChosen(usual)),
            disabled=usual == held,
        )


def _group(session: Session, group: str) -> None:
    arranged, comparison = session.learning.arranged, session.lab.comparison
    relevant = [name for name in PANEL[group] if is_relevant(name, comparison)]
    shown = [name for name in relevant if arranged.shown(name)]
    if shown or not relevant or group == "Seeds and display":
        st.markdown(f"**{group}**")
    locks_all = bool(shown) and not any(map(arranged.is_free, shown))
    if locks_all:
        st.caption(LOCKED)
    for name in shown:
        show(session, name, says_locked=not locks_all)
    if group == "Seeds and display":
        _projector(session)


def _projector(session: Session) -> None:
    setting = settings_of(View)["projector"]
    large = st.toggle(
        setting.label,
        session.lab.view.projector,
        key=control_key(session, "projector"),
        help=setting.help,
    )
    if large != session.lab.view.projector:
        dispatch(session, ViewChanged(replace(session.lab.view, projector=large)))

"""The nets of the comparison: one chip each, to change, copy or remove it, and a way to add one."""

from collections.abc import Sequence

import streamlit as st

from bn_core.arms import ARMS, MOST_ARMS, Arm
from bn_core.comparison import Comparison, is_offered
from bn_core.config import LAYER_FIELDS, SETTINGS, Config
from bn_core.figures.theme import ArmStyle, arm_styles, paint
from bn_core.lessons.arranged import NETS
from pages.shared.lab.arm_edits import (
    NOTHING_CHANGED,
    ArmAdded,
    ArmChanged,
    ArmEvent,
    ArmRemoved,
    Change,
    Refused,
    edited,
)
from pages.shared.lab.events import CopyAsked
from pages.shared.lab.runs import dispatch
from pages.shared.lab.setting_groups import fields_of_a_net
from pages.shared.lessons.arranged_state import LOCKED
from pages.shared.plain_text import plain_text
from pages.shared.session import Session
from pages.shared.widgets.settings import setting_widget

_ADD = "lab.add_net"
_COPIED = "lab.copied"
_OFFERED_AT_ONCE = ("none", "before", "after", "layer")
"""Registered arms that one press adds."""
_FORM = 340
"""Width of what a popover asks, in pixels."""
_SAME = (
    "All nets train on the same data, from the same initial weights where they share layers. The "
    "output layer begins alike only in nets with as many hidden layers."
)


def nets_row(session: Session) -> None:
    """Show the nets that are compared, those that one press adds, and "Add a net"."""
    arms, access = session.lab.comparison.arms, session.learning.arranged.access(NETS)
    styles = arm_styles(arms)
    if access != "free":
        st.html("<span class='bn-nets-fixed'></span>")  # the drawing offers no edits either
    if access == "hidden":
        return
    st.html(_chip_styles(styles))
    if access == "locked":
        _locked_nets(arms)
        return
    with st.container(key="lab_nets", horizontal=True, gap="small", vertical_alignment="center"):
        st.markdown("Nets", width="content", help=_SAME)
        for index, arm in enumerate(arms):
            _chip(session, index, arm)
        for name in _OFFERED_AT_ONCE:
            if name not in {arm.name for arm in arms} and _fits(session, name):
                _offer(session, ARMS[name])
        _add_a_net(session)


def _locked_nets(arms: Sequence[Arm]) -> None:
    """Show the nets of a lesson that keeps them as they are."""
    with st.container(key="lab_nets", horizontal=True, gap="small", vertical_alignment="center"):
        st.markdown("Nets", width="content", help=_SAME)
        for index, arm in enumerate(arms):
            with st.container(key=f"lab_net_{index}", width="content"):
                st.markdown(plain_text(arm.label), help=arm.help or None)
        st.caption(LOCKED, width="content")


def _fits(session: Session, name: str) -> bool:
    return is_offered(ARMS[name], session.lab.comparison.base)


def _chip(session: Session, index: int, arm: Arm) -> None:
    """Show a net in its colour, with what changes it and what removes it."""
    with st.container(key=f"lab_net_{index}", horizontal=True, gap=None, width="content"):
        popover = st.popover(
            arm.label,
            key=f"lab.net.{index}",
            on_change="rerun",
            help=arm.help or "Change or copy this net.",
        )
        with popover:
            if popover.open:
                with st.container(width=_FORM):
                    _change_a_net(session, index, arm)
        st.button(
            f"Remove {arm.label}",
            key=f"lab.remove.{index}",
            icon=":material/close:",
            on_click=dispatch,
            args=(session, ArmRemoved(arm.name)),
            disabled=len(session.lab.comparison.arms) == 1,
        )


def _offer(session: Session, arm: Arm) -> None:
    st.button(
        f"+ {arm.label}",
        key=f"lab.offer.{arm.name}",
        type="tertiary",
        help=arm.help,
        on_click=dispatch,
        args=(session, ArmAdded(arm.name)),
        disabled=len(session.lab.comparison.arms) >= MOST_ARMS,
    )


def _change_a_net(session: Session, index: int, arm: Arm) -> None:
    st.markdown(f"**{arm.label}**")
    if not _fields(session, arm.config(session.lab.comparison.base)):
        st.caption(LOCKED)
        return
    change = _choose_change(session, arm, f"lab.change.{arm.name}")
    refusal = _preview(session, ArmChanged(arm.name, change))
    with st.container(horizontal=True):
        _button(
            session, "Change this net", f"lab.net.{index}", ArmChanged(arm.name, change), refusal
        )
        st.button(
            "Copy it",
            key=f"lab.copy.{index}",
            on_click=_close_and_dispatch,
            args=(session, f"lab.net.{index}", CopyAsked(arm.name)),
        )


def _add_a_net(session: Session) -> None:
    """Offer the other registered nets, and a copy of one that is shown with one thing changed."""
    arms = session.lab.comparison.arms
    _open_for_a_copy(session)
    full = len(arms) >= MOST_ARMS
    popover = st.popover(
        f"{MOST_ARMS} nets are the most" if full else "Add a net",
        key=_ADD,
        on_change="rerun",
        disabled=full,
        help=f"Another normalization, or a copy that differs in anything. At most {MOST_ARMS}.",
    )
    with popover:
        if popover.open:
            with st.container(width=_FORM):
                _copy_a_net(session, {arm.name: arm for arm in arms})
                _other_normalizations(session)


def _copy_a_net(session: Session, arms: dict[str, Arm]) -> None:
    if not _fields(session, session.lab.comparison.base):
        return
    st.markdown("**Copy a net and change one thing**")
    if st.session_state.get(_COPIED) not in arms:
        st.session_state[_COPIED] = list(arms)[-1]
    name = st.selectbox(
        "Net to copy", list(arms), format_func=lambda name: arms[name].label, key=_COPIED
    )
    event = ArmAdded(name, _choose_change(session, arms[name], f"lab.copy.{name}"))
    _button(session, "Add this net", _ADD, event, _preview(session, event))


def _other_normalizations(session: Session) -> None:
    shown = {arm.name for arm in session.lab.comparison.arms} | set(_OFFERED_AT_ONCE)
    others = [arm for name, arm in ARMS.items() if name not in shown and _fits(session, name)]
    if others:
        st.markdown("**Or another normalization**")
    with st.container(horizontal=True, gap="small"):
        for arm in others:
            st.button(
                arm.label,
                key=f"lab.offer.{arm.name}",
                help=arm.help,
                on_click=_close_and_dispatch,
                args=(session, _ADD, ArmAdded(arm.name)),
            )


def _button(session: Session, label: str, popover: str, event: ArmEvent, refusal: str) -> None:
    """Show what performs an event and closes its popover; not while the event is refused."""
    st.button(
        label,
        key=f"{popover}.do",
        type="primary",
        on_click=_close_and_dispatch,
        args=(session, popover, event),
        disabled=bool(refusal),
    )


def _close_and_dispatch(session: Session, popover: str, event: ArmEvent | CopyAsked) -> None:
    st.session_state[popover] = False
    dispatch(session, event)


def _preview(session: Session, event: ArmAdded | ArmChanged) -> str:
    """Say what the net will be called, or why it cannot be; return the latter."""
    held = session.lab.comparison
    if isinstance(event, ArmAdded) and not _differs(held, event):
        st.caption("Choose another value: it is what the copy will differ in.")
        return "no change"
    try:
        after = edited(held, event)
    except Refused as refused:
        st.caption(plain_text(str(refused).removesuffix(NOTHING_CHANGED)))
        return str(refused)
    new = [arm for arm in after.arms if arm not in held.arms]
    if not new:
        st.caption("That is what it has now. Choose another value.")
        return "no change"
    st.caption(f"It will be called **{plain_text(new[0].label)}**.")
    return ""


def _differs(comparison: Comparison, event: ArmAdded) -> bool:
    """Return whether a copy would have another value than the net that it is a copy of."""
    of = next((arm for arm in comparison.arms if arm.name == event.of), None)
    config = of.config(comparison.base) if of is not None else None
    return any(getattr(config, name, None) != value for name, value in event.changes)


def _open_for_a_copy(session: Session) -> None:
    """Open "Add a net" for the net that the reader asked to copy."""
    if session.lab.copy_of:
        st.session_state[_ADD] = True
        st.session_state[_COPIED] = session.lab.copy_of
        dispatch(session, CopyAsked(""))


def _choose_change(session: Session, arm: Arm, key: str) -> Change:
    """Let the reader choose a setting and its value for a net."""
    config = arm.config(session.lab.comparison.base)
    labels = _fields(session, config)
    fields = list(labels)
    field = st.selectbox(
        "What differs",
        fields,
        index=fields.index("batch_size") if "batch_size" in fields else 0,
        format_func=labels.__getitem__,
        key=f"{key}.field",
    )
    setting, value = SETTINGS[field], getattr(config, field)
    stops = set(range(1, config.depth + 1)) if field in LAYER_FIELDS else {value}
    return ((field, setting_widget(setting, value, f"{key}.{field}.{value}", stops)),)


def _fields(session: Session, config: Config) -> dict[str, str]:
    """Return what a net may differ in: nothing that a lesson has locked or hidden."""
    arranged = session.learning.arranged
    fields = fields_of_a_net(config).items()
    return {name: label for name, label in fields if arranged.is_free(name)}


def _chip_styles(styles: list[ArmStyle]) -> str:
    """Return what colours the chips as their curves are, in the page's theme."""
    theme = st.context.theme.type or "light"
    rules = [
        f".st-key-lab_net_{index} {{ --bn-net: {paint(style.colour, theme)}; }}"
        for index, style in enumerate(styles)
    ]
    return f"<style>{' '.join(rules)}</style>"

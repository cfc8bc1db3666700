"""The place where a teacher arranges a lesson: question, prediction, controls, link."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from bn_core.comparison import Comparison
from bn_core.config import SETTINGS
from bn_core.datasets.own import is_name
from bn_core.lessons.arranged import LONGEST_LINK, LONGEST_QUESTION, NETS, Access
from bn_core.lessons.asked_predictions import (
    BEST_BY,
    LONGEST_ANSWER,
    MOST_ANSWERS,
    MOST_BOUNDS,
    RANGED,
    is_share,
)
from bn_core.lessons.quantities import QUANTITIES
from pages.shared.export_menu import page_address
from pages.shared.lab.setting_groups import BAR, PANEL, is_relevant
from pages.shared.lab.url_state import lab_query
from pages.shared.lessons.draft import Draft
from pages.shared.lessons.drawing import CURVES
from pages.shared.live.component import component
from pages.shared.plain_text import plain_text
from pages.shared.session import Session

_GROUPS: Mapping[str, tuple[str, ...]] = {
    "Nets": (NETS,),
    **{SETTINGS[name].label: (name,) for name in BAR},
    "Net: other settings": PANEL["Net"],
    "Training: other settings": PANEL["Training"],
    "Batch norm": PANEL["Batch norm"],
    "Data: other settings": PANEL["Data"],
    "Seeds": PANEL["Seeds and display"],
}
"""What is freed, locked or hidden together: the bar's controls singly, others by their group."""
_EVERYTHING = tuple(control for controls in _GROUPS.values() for control in controls)

_KINDS = {
    "nothing": "nothing: they only read the question",
    "best": "which net does best",
    "range": "how large a number is",
    "draw": "a curve, which they draw",
    "own": "one of my own answers",
}
_ACCESS: Mapping[Access, str] = {"free": "Free", "locked": "Locked", "hidden": "Hidden"}
_SEVERAL = "Several"

_HTML = """<div class="bn-arranged"><button type="button" data-does="copy">Copy link</button>
<button type="button" data-does="view">View as student</button>
<input type="text" readonly hidden aria-label="The link of the lesson">
<span role="status"></span></div>"""


def arranging(session: Session, draft: Draft) -> None:
    """Show what an author chooses; what the Lab shows beside it is where students begin."""
    st.caption(
        "Set up the Lab as students are to find it. The link holds the whole lesson; the server "
        "stores nothing."
    )
    comparison = session.lab.comparison
    if is_name(comparison.base.data):
        st.caption("Students need the same file of data: the link names it and does not hold it.")
    _field(
        "question",
        draft,
        lambda key, take: st.text_area(
            "Question",
            key=key,
            on_change=take,
            max_chars=LONGEST_QUESTION,
            height=100,
            placeholder="Which of these nets learns, and why?",
        ),
    )
    _select("Students predict", "kind", draft, list(_KINDS), _KINDS)
    _prediction(draft, comparison)
    _controls(draft, comparison)
    close = session.learning.close
    st.button(
        "Close",
        key="arranging.close",
        type="tertiary",
        on_click=close,
        help="A link that you have copied goes on working; what is not in one is lost.",
    )
    _hand_out(session, draft, comparison)


def _field(name: str, draft: Draft, show: Callable[[str, Callable[[], None]], Any]) -> None:
    """Show a widget of a part of the draft; what the reader enters is there before the page is."""
    key = f"arranging.{name}"

    def take() -> None:
        setattr(draft, name, st.session_state[key])

    st.session_state[key] = getattr(draft, name)
    show(key, take)


def _select(
    label: str, name: str, draft: Draft, options: Sequence[str], words: Mapping[str, str]
) -> None:
    if getattr(draft, name) not in options:
        setattr(draft, name, options[0])
    _field(
        name,
        draft,
        lambda key, take: st.selectbox(
            label, options, key=key, on_change=take, format_func=words.__getitem__
        ),
    )


def _prediction(draft: Draft, comparison: Comparison) -> None:
    """Show what else there is to choose of what students predict."""
    match draft.kind:
        case "best":
            words = {name: text[0].upper() + text[1:] for name, text in BEST_BY.items()}
            _select("Best is", "quantity", draft, list(words), words)
        case "range":
            _select("Number", "quantity", draft, list(RANGED), _words_of(RANGED))
            _net(draft, comparison)
            unit = " in %" if is_share(draft.quantity) else ""
            _field(
                "bounds",
                draft,
                lambda key, take: st.text_input(
                    f"Numbers that divide the answers{unit}",
                    key=key,
                    on_change=take,
                    max_chars=80,
                    help=f"“50, 90” makes three answers: below 50, from 50 to below 90, and 90 or "
                    f"more. At most {MOST_BOUNDS} numbers.",
                ),
            )
        case "draw":
            words = {curve: label.capitalize() for curve, label in CURVES.items()}
            _select("Curve", "curve", draft, list(words), words)
            _net(draft, comparison)
        case "own":
            _field(
                "answers",
                draft,
                lambda key, take: st.text_area(
                    "Answers, one in a line",
                    key=key,
                    on_change=take,
                    max_chars=(LONGEST_ANSWER + 1) * MOST_ANSWERS,
                    help="After the run students read what it shows and compare.",
                ),
            )


def _net(draft: Draft, comparison: Comparison) -> None:
    labels = {arm.name: plain_text(arm.label) for arm in comparison.arms}
    _select("Net", "net", draft, list(labels), labels)


def _words_of(quantities: Sequence[str]) -> dict[str, str]:
    words = {name: QUANTITIES[name].words.format("a net") for name in quantities}
    return {name: text[0].upper() + text[1:] for name, text in words.items()}


def _controls(draft: Draft, comparison: Comparison) -> None:
    with st.container(key="arranging_controls", gap=None):
        st.markdown(
            "Controls",
            help="A locked control shows its value and cannot be changed; a hidden one is not "
            "there.",
        )
        _access(draft, "**All of them**", _EVERYTHING)
        for group, controls in _GROUPS.items():
            _access(draft, group, controls)
        if not st.toggle("Single settings", key="arranging.single", persist_state="session"):
            return
        for group, names in PANEL.items():
            st.markdown(f"**{group}**")
            for name in names:
                if is_relevant(name, comparison):
                    _access(draft, SETTINGS[name].label, (name,))


def _access(draft: Draft, label: str, controls: tuple[str, ...]) -> None:
    """Show whether controls are free, locked or hidden, in a row with their name."""
    common = draft.access_of(controls)
    options = list(_ACCESS.values()) + ([] if common else [_SEVERAL])
    key = f"arranging.access.{controls[0]}.{len(controls)}"

    def take() -> None:
        chosen = st.session_state[key]
        for access, words in _ACCESS.items():
            if words == chosen:
                draft.give(controls, access)

    st.session_state[key] = _ACCESS[common] if common else _SEVERAL
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.markdown(label, width="stretch")
        st.selectbox(
            label.strip("*"),
            options,
            key=key,
            on_change=take,
            label_visibility="collapsed",
            width=105,
        )


def _hand_out(session: Session, draft: Draft, comparison: Comparison) -> None:
    """Show what copies the link and opens it, or say what is missing."""
    lesson, problem = draft.lesson(comparison)
    query = lab_query(comparison, session.lab.view) | lesson.query()
    link = f"{page_address()}?{urlencode(query, safe=':~;,')}"
    if len(link) > LONGEST_LINK:
        problem = problem or (
            f"The link would have {len(link):,} characters, and {LONGEST_LINK:,} are the most: "
            "shorten the question or the answers, or compare fewer nets."
        )
    with st.container(key="arranging_link", gap="small"):
        # The number has the browser's code called after each run of the script.
        data = {"link": "" if problem else link, "shown": session.script_runs}
        component("arranged_link", _HTML)(key="arranged_link", data=data)
        st.caption(problem or f"The link has {len(link):,} characters.")

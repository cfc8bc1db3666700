"""Widgets from the declarations of settings, and the link that holds them all."""

from dataclasses import fields
from typing import Any

import streamlit as st

from bn_core.config import ARMS, Comparison, Config, comparison_from_query, comparison_to_query
from bn_core.figures.view import View
from bn_core.settings import Setting, from_query, settings_of, to_query

GROUPS = {
    "Data": ("data", "noise", "points"),
    "Net": ("depth", "width", "activation", "initialization", "init_std", "gain"),
    "Training": ("optimizer", "learning_rate", "batch_size", "steps", "weight_decay", "dropout"),
    "Batch norm": ("bn_momentum", "bn_cumulative", "bn_epsilon", "bn_scale", "bn_shift",
                   "evaluate_with"),
    "Seeds": ("seed", "replicas"),
}  # fmt: skip


def asked_for() -> tuple[Comparison, list[str]]:
    """Return the comparison the controls show; the link fills them when the page opens."""
    complaints: list[str] = []
    if "comparison" not in st.session_state:
        query = {key: value for key, value in st.query_params.items()}
        comparison, complaints = comparison_from_query(query)
        found, more = from_query(View, query)
        st.session_state["comparison"], st.session_state["view"] = comparison, View(**found)
        complaints += more
    held: Comparison = st.session_state["comparison"]
    with st.sidebar:
        names = st.pills("Arms", list(ARMS), selection_mode="multi", key="arms",
                         default=[arm.name for arm in held.arms],
                         format_func=lambda name: ARMS[name].label)  # fmt: skip
        values = {field.name: getattr(held.base, field.name) for field in fields(Config)}
        for group, names_in_group in GROUPS.items():
            with st.expander(group, expanded=group == "Training"):
                for name in names_in_group:
                    values[name] = _widget(Config, name, values[name])
    arms = tuple(ARMS[name] for name in ARMS if name in names) or held.arms
    comparison = Comparison(Config(**values), arms)
    st.session_state["comparison"] = comparison
    return comparison, complaints


def shown_as() -> View:
    """Return the view the controls show, and write the whole state into the link."""
    held: View = st.session_state["view"]
    with st.sidebar, st.expander("View"):
        view = View(**{f.name: _widget(View, f.name, getattr(held, f.name)) for f in fields(View)})
    st.session_state["view"] = view
    query = comparison_to_query(st.session_state["comparison"]) | to_query(view)
    if dict(st.query_params) != query:
        st.query_params.from_dict(query)
    return view


def _widget(cls: type, name: str, value: Any) -> Any:
    """Return what the reader chose with the widget of one declared setting."""
    setting: Setting = settings_of(cls)[name]
    text = {"label": setting.label, "help": setting.help, "key": f"{cls.__name__}.{name}"}
    match setting.kind:
        case "choice":
            options = list(setting.options)
            return st.selectbox(options=options, index=options.index(value),
                                format_func=lambda o: setting.options[o], **text)  # fmt: skip
        case "switch":
            return st.toggle(value=value, **text)
        case "whole":
            return st.number_input(min_value=int(setting.low), max_value=int(setting.high),
                                   value=value, **text)  # fmt: skip
        case _:
            return st.number_input(min_value=setting.low, max_value=setting.high, value=value,
                                   format="%g", step=None, **text)  # fmt: skip

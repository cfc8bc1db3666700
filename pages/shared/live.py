"""The live view: one component that keeps its plots and redraws them in place."""

import math
import threading
from typing import Any

import orjson
import streamlit as st

from bn_core.figures.chart import Chart
from bn_core.figures.frame import makers, state_of
from bn_core.figures.serialize import to_bytes
from bn_core.figures.summary import Range, ending_words, rows
from bn_core.figures.theme import arm_styles
from bn_core.figures.view import View
from bn_core.records import Record
from bn_core.service.run import Run
from bn_core.settings import SettingError, settings_of
from pages.shared.browser import component
from pages.shared.visit import Kept, this_visit

_HTML = """<div class="bn-live">
<div class="bn-top"><div class="bn-summary"></div><p class="bn-notice" role="status"></p></div>
<label class="bn-time"><span>Time</span><input type="range" min="0" max="0" value="0"
 aria-label="Go back to a recorded step"><output></output></label>
<div class="bn-grid"></div></div>"""

_DRAWING = threading.Lock()
"""One frame at a time: many threads that compute would only keep each other, and the server's
own thread, from the processor."""

_HEAD = ("", "train loss", "validation loss", "validation accuracy", "time per step", "")


def live_view(run: Run) -> None:
    """Draw a run as it is now, or as it was at the step the reader went back to."""
    assert run.record is not None, "there is something to draw"
    visit = this_visit()
    shown = (run.number, run.version, visit.view, visit.cursor)
    if visit.frame is None or visit.frame[0] != shown:
        cursor = _cursor(run.record, visit.cursor)
        with _DRAWING:
            made = frame(run.record, visit.view, cursor, run.number, visit.charts)
            visit.frame = (shown, made)
    component("live", _HTML)(
        key="live",
        data=visit.frame[1],
        on_moved_change=_moved,
        on_chosen_change=_chosen,
    )


def frame(record: Record, view: View, cursor: int | None, reset: int, kept: Kept) -> bytes:
    """Return all that the live view shows.

    ``reset`` is another number where zoom is forgotten; ``kept`` holds the charts made before.
    """
    steps = [look.step for look in record.looks]
    styles = arm_styles(arm.name for arm in record.comparison.arms)
    body = {
        "charts": _charts(record, view, cursor, reset, kept),
        "head": _HEAD,
        "rows": [
            {"cells": cells, "colour": style.colour, "dash": style.dash}
            for cells, style in zip(_table(record), styles, strict=True)
        ],
        "notice": ending_words(record),
        "steps": steps,
        "step": record.step,
        "planned": record.comparison.base.steps,
        "cursor": None if cursor is None else steps[cursor],
        "projector": view.projector,
    }
    return to_bytes(body)


def _charts(
    record: Record, view: View, cursor: int | None, reset: int, kept: Kept
) -> list[orjson.Fragment]:
    for name, make in makers(record, view).items():
        state = (reset, state_of(name, record, view, cursor))
        if name not in kept or kept[name][0] != state:
            chart = _chart(make(record, view, cursor), record, view, reset)
            kept[name] = (state, to_bytes(chart))
    return [orjson.Fragment(made) for _, made in kept.values()]


def _chart(chart: Chart, record: Record, view: View, reset: int) -> dict[str, Any]:
    choices = [_choice(name, record, view) for name in _choices_of(chart.id, record, view)]
    key = "/".join([str(reset), *(str(choice["value"]) for choice in choices)])
    return vars(chart) | {"choices": choices, "reset": key}


def _choices_of(chart_id: str, record: Record, view: View) -> tuple[str, ...]:
    """Return the settings of the view that stand above a chart."""
    match chart_id:
        case "loss":
            return ("loss_scale",)
        case "moment":
            return ("moment",) if record.comparison.base.plane else ()
        case "distributions" if view.distributions == "percentiles":
            return ("distributions", "site", "layer", "unit")
        case "distributions":
            return ("distributions", "site")
        case "gradients":
            return ("gradients",)
        case _:
            return ()


def _choice(name: str, record: Record, view: View) -> dict[str, Any]:
    setting, value = settings_of(View)[name], getattr(view, name)
    if name == "layer":
        depth = record.comparison.base.depth
        value = value if value <= depth else 0
        options = [("0", "last layer"), *((str(n), f"layer {n}") for n in range(1, depth + 1))]
    else:
        options = list(setting.options.items())
    about = {"name": name, "label": setting.label, "help": setting.help}
    return about | {"value": str(value), "options": options}


def _chosen() -> None:
    """Take over what the reader chose above a chart."""
    asked = st.session_state["live"].get("chosen") or {}
    setting = settings_of(View).get(str(asked.get("name")))
    if setting is None:
        return
    try:
        this_visit().change_view(**{asked["name"]: setting.read(str(asked.get("value")))})
    except SettingError as error:
        this_visit().sentence = str(error)


def _moved() -> None:
    """Go to the step to which the reader moved the time slider."""
    asked = st.session_state["live"].get("moved") or {}
    this_visit().cursor = asked.get("step")


def _cursor(record: Record, step: Any) -> int | None:
    """Return which look is that of a step; None, the newest, if there is none."""
    steps = [look.step for look in record.looks]
    return steps.index(step) if step in steps and step != steps[-1] else None


def _table(record: Record) -> list[list[str]]:
    return [
        [
            row.label,
            _range(row.train_loss, ".3f"),
            _range(row.validation_loss, ".3f"),
            _range(row.validation_accuracy, ".1%"),
            _number(row.milliseconds_per_step, ".2f", " ms"),
            row.state,
        ]
        for row in rows(record)
    ]


def _range(values: Range, form: str) -> str:
    if math.isnan(values.median):
        return "-"
    return f"{values.median:{form}} ({values.low:{form}} to {values.high:{form}})"


def _number(value: float, form: str, unit: str) -> str:
    return "-" if math.isnan(value) else f"{value:{form}}{unit}"

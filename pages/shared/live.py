"""The live view: one component that keeps its plots and redraws them in place."""

import math
from dataclasses import asdict
from typing import Any

import streamlit as st

from bn_core.figures.frame import charts
from bn_core.figures.serialize import to_bytes
from bn_core.figures.summary import Range, ending_words, rows
from bn_core.figures.theme import PALETTES
from bn_core.figures.view import View
from bn_core.service.run import Run

_HTML = """<div class="bn-live">
<div class="bn-table"></div><p class="bn-notice" role="status"></p>
<label class="bn-time"><span>Time</span><input type="range" min="0" max="0" value="0"
 aria-label="Go back to a recorded step"><output></output></label>
<div class="bn-grid"></div></div>"""

_CSS = """
.bn-live { color: var(--st-text-color); font-family: var(--st-font); }
.bn-grid { display: grid; gap: .5rem; grid-template-columns: repeat(auto-fit, minmax(300px, 1fr)); }
.bn-panel { border: 1px solid var(--st-border-color); border-radius: .5rem; padding: .3rem .5rem; min-width: 0; }
.bn-panel header { display: flex; justify-content: space-between; position: relative; }
.bn-panel h3 { font-size: .85rem; font-weight: 600; margin: 0; padding: .15rem 0; }
.bn-panel summary { list-style: none; cursor: pointer; border: 1px solid; border-radius: 50%;
  width: 1.2rem; height: 1.2rem; line-height: 1.1rem; text-align: center; font-size: .75rem; }
.bn-help { position: absolute; right: 0; top: 1.6rem; z-index: 20; width: min(20rem, 90%);
  background: var(--st-secondary-background-color); border-radius: .5rem; padding: .6rem .8rem; font-size: .8rem; }
.bn-help p { margin: 0 0 .4rem; }
.bn-plot { height: 260px; }
.bn-time { display: flex; gap: .7rem; align-items: center; font-size: .85rem; margin: .2rem 0 .5rem; }
.bn-time input { flex: 1; accent-color: var(--st-primary-color); }
.bn-time output { min-width: 11rem; text-align: right; font-variant-numeric: tabular-nums; }
.bn-table table { width: 100%; border-collapse: collapse; font-size: .8rem; font-variant-numeric: tabular-nums; }
.bn-table { overflow-x: auto; }
.bn-table th, .bn-table td { padding: .1rem .5rem; text-align: left; border-bottom: 1px solid var(--st-border-color); }
.bn-notice { font-size: .85rem; margin: .3rem 0; min-height: 1.2em; }
"""

_JS = """
const ready = import(new URL("lab-files/live.mjs", document.baseURI));
export default async (component) => (await ready).default(component);
"""


def live_view(run: Run, view: View) -> None:
    """Draw a run as it is now, or as it was at the step the reader went back to."""
    assert run.record is not None
    state = st.session_state.get("live") or {}
    cursor = state.get("cursor")
    if cursor is not None and not 0 <= int(cursor) < len(run.record.looks):
        cursor = None
    _component()(key="live", data=_frame(run, view, cursor), on_cursor_change=_nothing)


def _component() -> Any:
    return st.components.v2.component(
        "bn_live", html=_HTML, css=_CSS, js=_JS, isolate_styles=False
    )


def _nothing() -> None:
    """The new value is read from the session's state."""


def _frame(run: Run, view: View, cursor: int | None) -> bytes:
    record = run.record
    assert record is not None
    return to_bytes(
        {
            "charts": [asdict(chart) for chart in charts(record, view, cursor)],
            "palettes": PALETTES,
            "rows": [
                [
                    row.label,
                    _range(row.train_loss, 3),
                    _range(row.validation_loss, 3),
                    _range(row.validation_accuracy, 1, percent=True),
                    f"{row.milliseconds_per_step:.2f}",
                    row.state,
                ]
                for row in rows(record)
            ],
            "notice": ending_words(record),
            "steps": [look.step for look in record.looks],
            "step": record.step,
            "planned": record.comparison.base.steps,
            "cursor": cursor,
        }
    )


def _range(values: Range, digits: int, percent: bool = False) -> str:
    if math.isnan(values.median):
        return "-"
    factor, unit = (100, " %") if percent else (1, "")
    low, middle, high = (factor * v for v in (values.low, values.median, values.high))
    return f"{middle:.{digits}f}{unit} ({low:.{digits}f} to {high:.{digits}f})"

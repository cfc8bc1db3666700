"""An update of a run in the Lab: its charts, its table, and where in time it is."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, cast

from bn_core.comparison import Comparison
from bn_core.conclusion import conclude
from bn_core.figures import diagram_nets
from bn_core.figures.dashboard import builders, state_of
from bn_core.figures.diagram import Diagram, diagram, unbuilt_diagram, up_to_date
from bn_core.figures.diagram_nets import Chip, Nets
from bn_core.figures.settings_words import settings_line
from bn_core.figures.summary import Range, ending_words, rows
from bn_core.figures.theme import arm_styles
from bn_core.figures.view import View
from bn_core.kept_runs import KeptRun
from bn_core.records import Record, Snapshot, snapshot_spacing
from bn_core.settings import settings_of
from pages.shared.live.feed import Chart
from pages.shared.live.schema import ChartUpdate, Choice, Frame, Row

_HEAD = ("", "train loss", "validation loss", "validation accuracy", "time per step", "")


def frame(
    record: Record,
    view: View,
    step: int | None,
    *,
    playing: bool,
    live: Snapshot | None = None,
    data_title: str = "",
) -> Frame:
    """Return what an update says beside its charts; ``step`` is where the reader went back to."""
    steps = [snapshot.step for snapshot in record.snapshots]
    cursor = _cursor(record, step)
    styles, newest = arm_styles(record.comparison.arms), up_to_date(record, live)
    # The drawing and the charts are back at an earlier step; the table is not.
    head = _HEAD if cursor is None else (f"at step {record.step:,}", *_HEAD[1:])
    return Frame(
        notice=_notice(record, newest, playing),
        settings=settings_line(record.comparison, data_title),
        head=list(head),
        rows=[
            Row(cells=cells, colour=style.colour, dash=style.dash, symbol=style.symbol)
            for cells, style in zip(_table(newest, playing), styles, strict=True)
        ],
        steps=steps,
        step=record.step,
        planned=record.comparison.base.steps,
        cursor=None if cursor is None else steps[cursor],
        diagram=_paused(diagram(record, cursor, live, view), record, playing),
        conclusion=conclude(record) if record.ending is not None else "",
        projector=view.projector,
    )


def nets(record: Record, run: int, *, fixed: bool = False) -> Chart:
    """Return the layers of the nets and the examples, which change with the run alone.

    In ``fixed`` nets no norm can be added, removed or moved.
    """
    state = run, record.comparison, bool(record.snapshots), fixed
    return state, lambda: _maybe_fixed(diagram_nets.nets(record), fixed)


def unbuilt_frame(comparison: Comparison, view: View, notice: str) -> Frame:
    """Return what a page shows first: nets of which no worker has yet reported anything."""
    return Frame(notice=notice, diagram=unbuilt_diagram(comparison), projector=view.projector)


def untrained_frame(comparison: Comparison, view: View, notice: str) -> Frame:
    """Return what a page shows in place of another run's numbers: nets without any as yet."""
    empty = ["-"] * (len(_HEAD) - 2)
    frame = Frame(
        notice=notice,
        head=list(_HEAD),
        rows=[
            Row(
                cells=[arm.label, *empty, "not trained yet"],
                colour=style.colour,
                dash=style.dash,
                symbol=style.symbol,
            )
            for arm, style in zip(comparison.arms, arm_styles(comparison.arms), strict=True)
        ],
        steps=[0],
        step=0,
        planned=comparison.base.steps,
        cursor=None,
        conclusion="",
        projector=view.projector,
    )
    if diagram_nets.unbuilt_nets(comparison) is not None:
        frame["diagram"] = unbuilt_diagram(comparison)
    return frame


def unbuilt_nets(comparison: Comparison, run: int, *, fixed: bool = False) -> Chart | None:
    """Return the layers of nets that are still to be built, where they are known before."""
    found = diagram_nets.unbuilt_nets(comparison)
    return None if found is None else ((run, "unbuilt", fixed), lambda: _maybe_fixed(found, fixed))


def _maybe_fixed(nets: Nets, fixed: bool) -> Nets:
    """Return nets whose norms are not offered as controls, if they are ``fixed``."""
    if fixed:
        for block in (block for lane in nets["lanes"] for block in lane["blocks"]):
            block["chips"] = [
                Chip(**{**chip, "kind": "fixed_norm"}) if chip["kind"] == "norm" else chip
                for chip in block["chips"]
                if chip["present"]
            ]
    return nets


def charts(
    record: Record, view: View, step: int | None, run: int, ghosts: Sequence[KeptRun] = ()
) -> dict[str, Chart]:
    """Return the charts by name; with another ``run`` a chart forgets the reader's zoom.

    ``ghosts`` are earlier runs, drawn faintly behind the curves over the steps.
    """
    cursor = _cursor(record, step)

    def chart(name: str, make: Callable[..., Any]) -> ChartUpdate:
        choices = [_choice(chosen, record, view) for chosen in _choices_of(name, record, view)]
        reset = "/".join([str(run), *(choice["value"] for choice in choices)])
        return cast(
            ChartUpdate, vars(make(record, view, cursor)) | {"choices": choices, "reset": reset}
        )

    return {
        name: ((run, state_of(name, record, view, cursor, ghosts)), partial(chart, name, make))
        for name, make in builders(record, view, ghosts).items()
    }


def _paused(drawn: Diagram, record: Record, playing: bool) -> Diagram:
    """Have nets that learn say that they rest, as the table does."""
    if not playing and record.ending is None:
        for lane in drawn["lanes"]:
            lane["words"] += " (paused)" if lane["kind"] == "learning" else ""
    return drawn


def _notice(record: Record, newest: Record, playing: bool) -> str:
    """Return how far the run is, and how far the charts are that are measured more seldom."""
    measured, shown = record.snapshots[-1].step, newest.snapshots[-1].step
    if playing or measured == record.step:
        return ending_words(record)
    spacing = snapshot_spacing(record.comparison.base.steps)
    seldom = f"every {spacing:,} steps, last at step {measured:,}"
    if shown == measured:
        return f"{ending_words(record)} Nets, table and charts are measured {seldom}."
    return (
        f"{ending_words(record)} Nets and table are measured at step {shown:,}, the charts of "
        f"layers and validation {seldom}."
    )


def _choices_of(chart_id: str, record: Record, view: View) -> tuple[str, ...]:
    """Return the settings of the view that stand above a chart."""
    match chart_id:
        case "loss":
            return ("loss_scale", "axis")
        case "moment":
            return ("moment",) if record.comparison.base.data_spec.kind == "plane" else ()
        case "distributions" if view.distributions == "percentiles":
            return ("distributions", "site", "layer", "unit")
        case "distributions":
            return ("distributions", "site")
        case "gradients":
            return ("gradients",)
        case _:
            return ()


def _choice(name: str, record: Record, view: View) -> Choice:
    setting, value = settings_of(View)[name], getattr(view, name)
    if name == "layer":
        depth = record.comparison.depth
        value = value if value <= depth else 0
        word = record.comparison.layer_word
        numbered = ((str(n), f"{word} {n}") for n in range(1, depth + 1))
        options = [("0", f"last {word}"), *numbered]
    else:
        options = list(setting.options.items())
    return Choice(
        name=name, label=setting.label, help=setting.help, value=str(value), options=options
    )


def _cursor(record: Record, step: int | None) -> int | None:
    """Return which snapshot is that of a step; None, the newest, if there is none."""
    steps = [snapshot.step for snapshot in record.snapshots]
    return steps.index(step) if step in steps and step != steps[-1] else None


def _table(record: Record, playing: bool) -> list[list[str]]:
    return [
        [
            row.label,
            _range(row.train_loss, ".3f"),
            _range(row.validation_loss, ".3f"),
            _range(row.validation_accuracy, ".1%"),
            _number(row.milliseconds_per_step, ".2f", " ms"),
            row.state if playing else row.state.replace("training", "paused"),
        ]
        for row in rows(record)
    ]


def _range(values: Range, form: str) -> str:
    return values.words(form)


def _number(value: float, form: str, unit: str) -> str:
    return "-" if math.isnan(value) else f"{value:{form}}{unit}"

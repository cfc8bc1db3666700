"""Earlier runs, faint behind the curves of the present one."""

from collections.abc import Sequence

import numpy as np

from bn_core.figures.chart import LegendEntry
from bn_core.figures.context import FigureContext, Trace
from bn_core.figures.layout import line
from bn_core.figures.record_queries import float32
from bn_core.figures.theme import arm_styles
from bn_core.kept_runs import KeptArm, KeptRun

Array = np.ndarray

MOST_GHOSTS = 2
_FEW_CURVES = 5
"""So many curves of earlier runs stay readable; the newest run is shown whatever it has."""
_FAINT, _CLEAR = 0.38, 0.85


def readable(runs: Sequence[KeptRun]) -> tuple[KeptRun, ...]:
    """Return the first of the runs, as many as stay readable behind other curves."""
    shown: list[KeptRun] = []
    for run in runs[:MOST_GHOSTS]:
        if shown and sum(len(one.arms) for one in [*shown, run]) > _FEW_CURVES:
            break
        shown.append(run)
    return tuple(shown)


def loss_ghosts(context: FigureContext, ghosts: Sequence[KeptRun], top: float) -> list[Trace]:
    """Return the training losses of earlier runs; what lies above the axis ends at its top."""
    return [
        trace
        for ghost in ghosts
        for trace in _traces(
            context,
            ghost,
            ghost.train_steps,
            [np.minimum(arm.train_loss, top) for arm in ghost.arms],
            "%{y:.4g} nats, training",
        )
    ]


def accuracy_ghosts(context: FigureContext, ghosts: Sequence[KeptRun]) -> list[Trace]:
    """Return the validation accuracies of earlier runs, in per cent."""
    return [
        trace
        for ghost in ghosts
        for trace in _traces(
            context,
            ghost,
            ghost.measured_steps,
            [100 * arm.accuracy[0] for arm in ghost.arms],
            "%{y:.1f} %, validation",
        )
    ]


def ghost_words(context: FigureContext, ghosts: Sequence[KeptRun]) -> str:
    """Return for the text alternative which earlier runs are drawn; nothing if there are none."""
    if not ghosts:
        return ""
    named = "; ".join(ghost.words_beside(context.record.comparison) for ghost in ghosts)
    return f" Faint: earlier runs: {named}."


def ghost_legend(ghosts: Sequence[KeptRun]) -> list[LegendEntry]:
    """Return the line of the legend for all earlier runs together; none if there are none."""
    return [LegendEntry("earlier runs", colour="@muted/0.5", dash="solid")] * bool(ghosts)


def escaped(text: str) -> str:
    """Return text that plotly shows as it is: no tags, no templates."""
    for sign, shown in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("%{", "% {")):
        text = text.replace(sign, shown)
    return text


def _traces(
    context: FigureContext, ghost: KeptRun, steps: Array, curves: list[Array], number: str
) -> list[Trace]:
    present = context.record.comparison
    words = escaped(ghost.words_beside(present))
    # What the same link has trained already stands for its run until that one has begun.
    clear = ghost.comparison == present and not context.record.step
    styles = arm_styles(arm.name for arm in ghost.arms)
    traces = [
        {
            "type": "scatter",
            "mode": "lines",
            "x": float32(steps),
            "y": float32(values),
            "line": line(context.view, style.faint(_CLEAR if clear else _FAINT), style.dash, 1.4),
            "name": f"earlier: {words}, {escaped(arm.label)}",
            "hovertemplate": f"{number}, step %{{x:,}}<extra>{_extra(words, arm)}</extra>",
        }
        for arm, style, values in zip(ghost.arms, styles, curves, strict=True)
    ]
    return traces


def _extra(words: str, arm: KeptArm) -> str:
    return f"earlier run ({words}): {escaped(arm.label)}"

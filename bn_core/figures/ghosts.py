"""Earlier runs, faint behind the curves of the present one."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bn_core.comparison import Comparison
from bn_core.figures.chart import LegendEntry
from bn_core.figures.context import FigureContext, Trace
from bn_core.figures.layout import line
from bn_core.figures.record_queries import float32
from bn_core.figures.theme import ArmStyle, arm_styles
from bn_core.kept_runs import KeptArm, KeptRun

Array = np.ndarray

MOST_GHOSTS = 2
_FEW_CURVES = 5
"""So many curves of earlier runs stay readable; the newest run is shown whatever it has."""
_FAINT, _CLEAR = 0.45, 0.85
_DASHES = ("", "2px,4px")
"""The newest run has the dashes of its nets; an older one has one that no net has."""
_LONGEST = 34


def is_comparable(one: Comparison, other: Comparison) -> bool:
    """Return whether the curves of two runs say something beside each other.

    They do if the data are the same, and the kinds of net.
    """
    kinds = [{config.architecture for config in each.configs} for each in (one, other)]
    return one.base.data == other.base.data and kinds[0] == kinds[1]


def readable(runs: Sequence[KeptRun]) -> tuple[KeptRun, ...]:
    """Return the first of the runs, as many as stay readable behind other curves."""
    shown: list[KeptRun] = []
    for run in runs[:MOST_GHOSTS]:
        if shown and sum(len(one.arms) for one in [*shown, run]) > _FEW_CURVES:
            break
        shown.append(run)
    return tuple(shown)


def loss_ghosts(context: FigureContext, ghosts: Sequence[KeptRun], top: float) -> list[Trace]:
    """Return the training losses of earlier runs, as far as they lie within the axis."""
    return [
        trace
        for place, ghost in enumerate(ghosts)
        for trace in _traces(
            context,
            place,
            ghost,
            ghost.train_steps,
            [np.where(arm.train_loss <= top, arm.train_loss, np.nan) for arm in ghost.arms],
            "%{y:.4g} nats, training",
        )
    ]


def accuracy_ghosts(context: FigureContext, ghosts: Sequence[KeptRun]) -> list[Trace]:
    """Return the validation accuracies of earlier runs, in per cent."""
    return [
        trace
        for place, ghost in enumerate(ghosts)
        for trace in _traces(
            context,
            place,
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


def ghost_legend(context: FigureContext, ghosts: Sequence[KeptRun]) -> list[LegendEntry]:
    """Return a line of the legend for each net of the earlier runs, drawn as its curve is."""
    present = context.record.comparison
    return [
        LegendEntry(
            f"earlier, {_cut(ghost.words_beside(present))}: {arm.label}{_lost(arm)}",
            colour=style.colour,
            dash=style.dash,
        )
        for place, ghost in enumerate(ghosts)
        for arm, style in zip(ghost.arms, _styles(context, place, ghost), strict=True)
    ]


def _cut(words: str) -> str:
    return words if len(words) <= _LONGEST else f"{words[: _LONGEST - 1].rstrip(' ,')}…"


def _lost(arm: KeptArm) -> str:
    return " (diverged)" if arm.state.startswith("diverged") else ""


def _styles(context: FigureContext, place: int, ghost: KeptRun) -> list[ArmStyle]:
    """Return how the nets of the earlier run in a place are drawn: faint, older ones dotted."""
    # What the same link has trained already stands for its run until that one has begun.
    clear = ghost.comparison == context.record.comparison and not context.record.step
    dash = _DASHES[min(place, len(_DASHES) - 1)]
    return [
        replace(style, colour=style.faint(_CLEAR if clear else _FAINT), dash=dash or style.dash)
        for style in arm_styles(arm.name for arm in ghost.arms)
    ]


def escaped(text: str) -> str:
    """Return text that plotly shows as it is: no tags, no templates."""
    for sign, shown in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("%{", "% {")):
        text = text.replace(sign, shown)
    return text


def _traces(
    context: FigureContext,
    place: int,
    ghost: KeptRun,
    steps: Array,
    curves: list[Array],
    number: str,
) -> list[Trace]:
    words = escaped(ghost.words_beside(context.record.comparison))
    styles = _styles(context, place, ghost)
    return [
        {
            "type": "scatter",
            "mode": "lines",
            "x": float32(steps),
            "y": float32(values),
            "line": line(context.view, style.colour, style.dash, 1.4),
            "name": f"earlier: {words}, {escaped(arm.label)}",
            "hovertemplate": f"{number}, step %{{x:,}}<extra>{_extra(words, arm)}</extra>",
        }
        for arm, style, values in zip(ghost.arms, styles, curves, strict=True)
    ]


def _extra(words: str, arm: KeptArm) -> str:
    return f"earlier run ({words}): {escaped(arm.label)}"

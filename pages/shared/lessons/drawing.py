"""A curve that the reader draws before a run; once the run is over, it is drawn over the curve."""

import math
from collections.abc import Mapping
from functools import partial
from typing import Any, TypedDict

import numpy as np
import streamlit as st

from bn_core.comparison import Comparison
from bn_core.config import Config
from bn_core.lessons.guided import Drawing
from bn_core.lessons.measures import arm_index
from bn_core.lessons.sketches import Gap, Sketch, SketchError, compare, median_curve, read_sketch
from bn_core.records import Record
from pages.shared.live.component import component
from pages.shared.plain_text import plain_text
from pages.shared.session import Session, this_session

CURVES: Mapping[str, str] = {
    "training_loss": "training loss in nats",
    "validation_loss": "validation loss in nats",
    "validation_accuracy": "validation accuracy",
}
"""The curves that can be drawn, in words."""

HEADROOM = 1.2
"""The top of a loss axis over the loss of guessing."""

_HTML = """<div class="bn-draw"><svg viewBox="0 0 320 200" tabindex="0" role="application"></svg>
<p class="bn-draw-legend"><span class="bn-draw-mine">your curve</span>
<span class="bn-draw-theirs">the run, median of its seeds</span></p>
<p class="bn-draw-keys">Draw with the mouse or a finger. Keys: arrows move the pen, Space sets a
point, Backspace removes it.</p><output aria-live="polite"></output>
<button type="button">Clear the drawing</button><p class="bn-draw-words" role="status"></p></div>"""

Points = list[tuple[float, float]]


class DrawData(TypedDict):
    """What the script hands to the browser's code."""

    id: str
    label: str
    unit: str
    last: int
    """The last step of the axis."""
    top: float
    """The largest value of the axis."""
    marks: list[tuple[float, str]]
    """Values with what stands beside them: a number, then words."""
    points: Points
    locked: bool
    """Whether the run has begun, so that nothing can be predicted any more."""
    run: Points
    drawn: Points
    """The same stretch of the drawing as ``run`` has of the run; both empty until it is over."""
    words: str


def drawing_pad(
    session: Session, id: str, drawing: Drawing, comparison: Comparison, record: Record | None
) -> None:
    """Show the pad for one curve of what is compared; ``record`` is its run, if it is there.

    ``id`` says what the drawing belongs to: a step of a lesson, or a curve of the Lab.
    """
    labels = {arm.name: arm.label for arm in comparison.arms}
    if drawing.net not in labels:
        st.caption("There is no such net to draw a curve of. Press “Set this up”.")
        return
    base = comparison.base
    of_losses, classes = drawing.curve != "validation_accuracy", max(_classes(base, record), 2)
    top = HEADROOM * math.log(classes) if of_losses else 1.0
    sketch = _sketch(session.learning.sketches.get(id, []), base.steps, top)
    gap, words = _compared(record, drawing, sketch, top)
    what = f"{CURVES[drawing.curve]} of “{labels[drawing.net]}”"
    data = DrawData(
        id=id,
        label=f"Drawing of the {what} over {base.steps} steps",
        unit="nats" if of_losses else "",
        last=base.steps,
        top=top,
        marks=_marks(drawing.curve, classes),
        points=_points(sketch.steps, sketch.values) if sketch else [],
        locked=record is not None and record.step > 0,
        run=_points(gap.steps, gap.run) if gap else [],
        drawn=_points(gap.steps, gap.drawn) if gap else [],
        words=words,
    )
    st.markdown(plain_text(f"The {what}, as you expect it:"))
    key, take = f"draw.{id}", partial(_take, f"draw.{id}", id, base.steps, top)
    component("draw", _HTML)(key=key, data=data, on_drawn_change=take)


def _classes(base: Config, record: Record | None) -> int:
    return len(record.summary.classes if record is not None else base.data_spec.classes)


def _take(key: str, id: str, last: int, top: float) -> None:
    """Take over what the reader drew."""
    message = st.session_state[key].get("drawn")
    this_session().learning.take_sketch(message, id, last, top)


def _sketch(points: Points, last: int, top: float) -> Sketch | None:
    try:
        return read_sketch(points, last, top)
    except SketchError:
        return None


def _compared(
    record: Record | None, drawing: Drawing, sketch: Sketch | None, top: float
) -> tuple[Gap | None, str]:
    """Return how far the drawing is from a run that is over, and what to say."""
    later = "At the end of the run it is drawn over your curve."
    if record is None or not record.step:
        return None, f"Now train. {later}" if sketch else ""
    if sketch is None:
        return None, "The run has begun: “Reset” lets you draw first."
    arm = arm_index(record, drawing.net)
    if record.ending is None or arm is None:
        return None, later
    try:
        gap = compare(sketch, *median_curve(record, arm, drawing.curve), top)
    except SketchError as error:
        return None, str(error)
    return gap, gap.words


def _marks(curve: str, classes: int) -> list[tuple[float, str]]:
    if curve == "validation_accuracy":
        chance = 1 / classes
        return [(0.0, "0"), (chance, f"{chance:.1g} guessing"), (0.5, "0.5"), (1.0, "1")]
    guess = math.log(classes)
    return [(0.0, "0"), (guess / 2, f"{guess / 2:.2f}"), (guess, f"{guess:.2f} guessing")]


def _points(steps: Any, values: Any) -> Points:
    columns = (np.round(np.asarray(one, float), 5).tolist() for one in (steps, values))
    return list(zip(*columns, strict=True))

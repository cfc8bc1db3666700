"""The teacher's run on the students' devices: one run, however many look at it.

What is sent is the summary that is also kept of a finished run: at most 60 points a curve.
"""

import math
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import numpy as np

from bn_core.classroom import Axes, Classroom, Phase
from bn_core.classroom.questions import CURVE_POINTS
from bn_core.comparison import Comparison, comparison_from_query
from bn_core.figures.theme import PALETTES, arm_styles
from bn_core.kept_runs import KeptRun, link_of, summarize

if TYPE_CHECKING:
    from pages.shared.session import Session

CURVES = {"loss": "validation loss (nats)", "accuracy": "accuracy (share of 1)"}
_shown: dict[str, "ShownRun"] = {}


@dataclass
class ShownRun:
    """A run that a class sees, and which of its curves the class was asked to draw."""

    classroom: Classroom
    session: "Session"
    """The teacher's: the run that their Lab has at a time is shown."""
    drawn: tuple[int, str] | None = None
    """The net, by its place, and the curve that the class was asked to draw."""
    drawn_of: Comparison | None = None
    """The nets of which it was asked; no others can tell what is right."""
    sent: tuple[Any, ...] = ()

    def send(self) -> None:
        """Send what is new of the run; once the answers are shown, its curve as the true one."""
        run = self.session.run
        if run is None or run.forgotten:
            return  # what was sent last stays
        if not run.disconnected_for():
            run.renew_lease()  # it goes on though the teacher looks at the class, not at the Lab
        record = run.record
        asked = self.classroom.asked[-1] if self.classroom.asked else None
        revealed = self.classroom.phase is Phase.REVEAL
        state = (id(run), record and record.step, record and len(record.snapshots), run.playing)
        given = self.classroom.announcement.get("link", "")
        state = (*state, len(self.classroom.asked), revealed, given)
        if state == self.sent or (self.drawn and not revealed):
            return  # before they are shown, the run would tell what the class is still to draw
        self.sent = state
        is_given = not given or _same_nets(_nets_of(given), run.comparison)
        if record is None or not record.step:
            self.classroom.announce(run=untrained(run.comparison) | {"given": is_given})
            return
        kept = summarize(record, link_of(run.as_run()), int(time.time()))
        is_asked = run.comparison == self.drawn_of
        if revealed and self.drawn and is_asked and asked and asked.question.axes is not None:
            truth = true_curve(kept, *self.drawn, asked.question.axes)
            self.classroom.decide(truth=truth)
        self.classroom.announce(run=shown(kept, run.playing) | {"given": is_given})


def show(classroom: Classroom, session: "Session", drawn: tuple[int, str] | None = None) -> None:
    """Show the Lab's run to a class from now on; ``drawn`` is the curve it is asked to draw."""
    of = session.run.comparison if drawn and session.run is not None else None
    _shown[classroom.code] = ShownRun(classroom, session, drawn, of)
    if drawn:
        classroom.announce(run=None)  # an earlier run might tell what is to be drawn


def follow(classroom: Classroom, session: "Session") -> None:
    """Show the run of this Lab if the one that was shown has gone, as after a reload."""
    one = _shown.get(classroom.code)
    if one is None or one.session is session:
        return
    run = one.session.run
    if run is None or run.forgotten or run.disconnected_for():
        one.session = session


def hide(classroom: Classroom) -> None:
    """Show no run any more."""
    _shown.pop(classroom.code, None)
    classroom.announce(run=None)


def is_shown(classroom: Classroom) -> bool:
    """Return whether a class sees a run."""
    return classroom.code in _shown


def send_runs() -> None:
    """Send each class what is new of the run that it sees; forget classes that have ended."""
    for code, one in list(_shown.items()):
        if one.classroom.ended:
            _shown.pop(code, None)
        else:
            one.send()


def shown(kept: KeptRun, playing: bool) -> dict[str, Any]:
    """Return what devices draw of a run: its curves, their colours, where it stands."""
    comparison = kept.comparison
    curves = [
        {
            "state": arm.state,
            "loss": _finite(arm.validation_loss[0]),
            "accuracy": _finite(arm.accuracy[0]),
        }
        for arm in kept.arms
    ]
    return {
        "nets": [net | held for net, held in zip(_nets(comparison), curves, strict=True)],
        "steps": [int(step) for step in kept.measured_steps],
        "top": _highest_loss(comparison),
        "words": f"step {kept.steps}" + (", training" if playing else ""),
        "conclusion": kept.conclusion,
    }


def untrained(comparison: Comparison) -> dict[str, Any]:
    """Return what devices show of a run before its first step: the names of its nets."""
    return {"nets": _nets(comparison), "steps": [], "words": "not trained yet"}


def _nets(comparison: Comparison) -> list[dict[str, Any]]:
    return [
        {
            "label": arm.label,
            "dash": "" if style.dash == "solid" else style.dash.replace("px", ""),
            "light": PALETTES["light"][style.colour[1:]],
            "dark": PALETTES["dark"][style.colour[1:]],
        }
        for arm, style in zip(comparison.arms, arm_styles(comparison.arms), strict=True)
    ]


def _nets_of(link: str) -> Comparison:
    return comparison_from_query(dict(parse_qsl(link.removeprefix("?"))))[0]


def _same_nets(one: Comparison, other: Comparison) -> bool:
    """Return whether two runs train the same, apart from rates that were changed on the way."""
    first, second = (replace(each.base, rate_changes=()) for each in (one, other))
    return first == second and one.arms == other.arms


def axes_of(comparison: Comparison, curve: str) -> Axes:
    """Return the axes over which a curve of a run is drawn before it is trained."""
    top = 1.0 if curve == "accuracy" else _highest_loss(comparison)
    return Axes("step", CURVES[curve], float(comparison.base.steps), top)


def true_curve(kept: KeptRun, net: int, curve: str, axes: Axes) -> tuple[float, ...]:
    """Return the median of a measured curve as shares of the axis, at the places of a drawing.

    It ends where the run stands.
    """
    arm = kept.arms[net]
    values = (arm.accuracy if curve == "accuracy" else arm.validation_loss)[0]
    places = np.linspace(0, axes.last, CURVE_POINTS)
    places = places[places <= kept.measured_steps[-1]]
    held = np.clip(values / axes.top, 0.0, 1.0)
    return tuple(float(share) for share in np.interp(places, kept.measured_steps, held))


def _highest_loss(comparison: Comparison) -> float:
    """Return a little more than the loss of a guess, ln(number of classes)."""
    return 1.2 * math.log(max(len(comparison.base.data_spec.classes), 2))


def _finite(values: np.ndarray) -> list[float | None]:
    return [round(float(value), 4) if math.isfinite(value) else None for value in values]

"""What each event does to the Lab, as a pure function: (state, event) -> (state, effects).

Events come from the link, the controls, the buttons and the run; effects are what the run is told.
Nothing here knows Streamlit, the pool or the time, so every case has a fast test.
"""

from dataclasses import dataclass, field, replace

from bn_core.comparison import Comparison
from bn_core.figures.view import STEPS_PER_SECOND, View

MOST_SEEDS = 1_000_000
"""Seeds begin again from 0 there."""


@dataclass(frozen=True)
class RunStatus:
    """What an event must know of the run."""

    opened_as: Comparison
    plan: Comparison
    """What repeats the run: ``opened_as`` with the rate changes that the reader made since."""
    learning_rate: float
    """The rate of the next step."""
    step: int = 0
    playing: bool = False
    ended: bool = False


@dataclass(frozen=True)
class LabState:
    """What the Lab shows. The controls show ``comparison``, which holds no rate changes."""

    comparison: Comparison = field(default_factory=Comparison)
    view: View = field(default_factory=View)
    run: RunStatus | None = None
    """The run as the event found it; None while there is none or another was asked for."""
    cursor: int | None = None
    """The step that the reader went back to."""
    generation: int = 0
    """Part of the controls' keys. What the browser still sends for controls of an older number is
    not read, so a value that came too late cannot undo what a link, preset or button brought."""
    rate_generation: int = 0
    """The same for the learning rate's slider alone."""
    link_warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class OpenRun:
    """Close the run and open another."""

    comparison: Comparison


@dataclass(frozen=True)
class Play:
    """Train on; 0 steps per second is no limit."""

    steps_per_second: float


@dataclass(frozen=True)
class Pause:
    """Stop training until told to go on."""


@dataclass(frozen=True)
class StepOnce:
    """Train on one mini-batch."""


@dataclass(frozen=True)
class SetRate:
    """Train with another learning rate from the next step."""

    rate: float


Effect = OpenRun | Play | Pause | StepOnce | SetRate


@dataclass(frozen=True)
class PageEntered:
    """The reader came from another page without a link."""


@dataclass(frozen=True)
class LinkOpened:
    """The reader came by a link, or went back or forward to one."""

    comparison: Comparison
    view: View
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class PresetChosen:
    """A preset's button was pressed."""

    comparison: Comparison


@dataclass(frozen=True)
class ControlsChanged:
    """The controls show another comparison."""

    comparison: Comparison


@dataclass(frozen=True)
class RateMoved:
    """The reader moved the learning rate's slider."""

    rate: float


@dataclass(frozen=True)
class RateConfirmed:
    """The run has come to a rate that the slider does not show: a planned change."""

    rate: float


@dataclass(frozen=True)
class ViewChanged:
    """The reader looks at the figures in another way, or at another speed."""

    view: View


@dataclass(frozen=True)
class StepChosen:
    """The reader went back to a recorded step; None is the newest."""

    step: int | None


@dataclass(frozen=True)
class ButtonPressed:
    """A button of the toolbar: train, pause, step, reset or new_seeds."""

    name: str


Event = (
    PageEntered
    | LinkOpened
    | PresetChosen
    | ControlsChanged
    | RateMoved
    | RateConfirmed
    | ViewChanged
    | StepChosen
    | ButtonPressed
)
Outcome = tuple[LabState, tuple[Effect, ...]]


def reduce(state: LabState, event: Event) -> Outcome:
    """Return the state after an event, and what the run must be told."""
    match event:
        case PageEntered():
            return _with_new_controls(state), ()
        case LinkOpened(comparison, view, warnings):
            return _plan(replace(state, view=view, link_warnings=warnings), comparison)
        case PresetChosen(comparison):
            return _plan(replace(state, link_warnings=()), comparison)
        case ControlsChanged(comparison):
            return _controls_changed(state, comparison)
        case RateMoved(rate):
            return _rate_moved(state, rate)
        case RateConfirmed(rate):
            newer = state.rate_generation + 1
            return replace(_with_rate(state, rate), rate_generation=newer), ()
        case ViewChanged(view):
            return _view_changed(state, view)
        case StepChosen(step):
            return replace(state, cursor=step), ()
        case ButtonPressed(name):
            return _button_pressed(state, name)


def rate_event(state: LabState, slider: float | None) -> RateMoved | RateConfirmed | None:
    """Return what has happened to the learning rate; ``slider`` is None while it is not there.

    The reader's hand comes before a planned change: both may have come since the page was shown.
    """
    shown = state.comparison.base.learning_rate
    if slider is not None and slider != shown:
        return RateMoved(slider)
    if state.run is not None and state.run.learning_rate != shown:
        return RateConfirmed(state.run.learning_rate)
    return None


def without_rate_changes(comparison: Comparison) -> Comparison:
    """Return what the controls can show of a comparison."""
    return replace(comparison, base=comparison.base.changed({"rate_changes": ()}))


def _with_new_controls(state: LabState) -> LabState:
    return replace(state, generation=state.generation + 1)


def _with_rate(state: LabState, rate: float) -> LabState:
    base = state.comparison.base.changed({"learning_rate": rate})
    return replace(state, comparison=replace(state.comparison, base=base))


def _plan(state: LabState, planned: Comparison) -> Outcome:
    """Have the controls show a comparison, and have it run unless it does."""
    state = replace(_with_new_controls(state), comparison=without_rate_changes(planned))
    if state.run is not None and state.run.plan == planned:
        return state, ()
    return _open(state, planned)


def _open(state: LabState, planned: Comparison) -> Outcome:
    return replace(state, run=None, cursor=None), (OpenRun(planned),)


def _controls_changed(state: LabState, comparison: Comparison) -> Outcome:
    state, run = replace(state, comparison=comparison), state.run
    if comparison.problem():
        return state, ()  # the page says what to change
    if run is not None and _differ_in_rate_only(run.opened_as, comparison):
        return _rate_moved(state, comparison.base.learning_rate)
    return _open(replace(state, link_warnings=()), comparison)


def _differ_in_rate_only(one: Comparison, other: Comparison) -> bool:
    rate = {"learning_rate": 1.0, "rate_changes": ()}
    return one.arms == other.arms and one.base.changed(rate) == other.base.changed(rate)


def _rate_moved(state: LabState, rate: float) -> Outcome:
    """Change the rate of a run under way; one that has not begun or has ended begins anew."""
    state, run = _with_rate(state, rate), state.run
    if run is not None and run.learning_rate == rate:
        return state, ()
    if run is None or run.ended or run.step == 0:
        return _open(replace(state, link_warnings=()), state.comparison)
    return state, (SetRate(rate),)


def _view_changed(state: LabState, view: View) -> Outcome:
    other_speed = view.speed != state.view.speed
    state = replace(state, view=view)
    if other_speed and state.run is not None and state.run.playing:
        return state, (Play(STEPS_PER_SECOND[view.speed]),)
    return state, ()


def _button_pressed(state: LabState, name: str) -> Outcome:
    match name:
        case "train":
            return replace(state, cursor=None), (Play(STEPS_PER_SECOND[state.view.speed]),)
        case "pause":
            return state, (Pause(),)
        case "step":
            return replace(state, cursor=None), (StepOnce(),)
        case "reset" if state.run is not None:
            planned = _beginning(state.run)
            shown = replace(_with_new_controls(state), comparison=without_rate_changes(planned))
            return _open(shown, planned)
        case "new_seeds":
            base = state.comparison.base
            seed = (base.seed + base.replicas) % MOST_SEEDS
            return _plan(state, replace(state.comparison, base=base.changed({"seed": seed})))
    return state, ()


def _beginning(run: RunStatus) -> Comparison:
    """Return what a reset trains: a rate that the reader has set is where it now begins."""
    if run.plan == run.opened_as:
        return run.opened_as
    rate = {"learning_rate": run.learning_rate, "rate_changes": ()}
    return replace(run.opened_as, base=run.opened_as.base.changed(rate))

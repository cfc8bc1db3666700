"""What each event does to the Lab, as a pure function: (state, event) -> (state, effects).

Events come from the link, the controls, the buttons and the run; effects are what the run is told.
Nothing here knows Streamlit, the pool or the time, so every case has a fast test.
"""

from dataclasses import replace

from bn_core.arms import MOST_ARMS
from bn_core.comparison import Comparison
from bn_core.config import MOST_STEPS, SETTINGS, Config
from bn_core.figures.view import STEPS_PER_SECOND, View
from bn_core.settings import settings_of
from pages.shared.lab.arm_edits import (
    ArmAdded,
    ArmChanged,
    ArmEvent,
    ArmRemoved,
    DiagramEdited,
    Refused,
    edited,
)
from pages.shared.lab.events import (
    ButtonPressed,
    ControlsChanged,
    CopyAsked,
    Effect,
    Event,
    LabState,
    LinkOpened,
    OpenRun,
    PageEntered,
    Pause,
    Play,
    PresetChosen,
    RateConfirmed,
    RateMoved,
    RunStatus,
    Say,
    SetRate,
    StepChosen,
    StepOnce,
    ViewChanged,
)

MOST_SEEDS = 1_000_000
"""Seeds begin again from 0 there."""

Outcome = tuple[LabState, tuple[Effect, ...]]


def reduce(state: LabState, event: Event) -> Outcome:
    """Return the state after an event, and what the run must be told."""
    match event:
        case PageEntered():
            return _with_new_controls(state), ()
        case LinkOpened(comparison, view, warnings, cursor):
            opened, effects = _plan(replace(state, view=view, link_warnings=warnings), comparison)
            return replace(opened, cursor=cursor), effects
        case PresetChosen(comparison):
            whole = replace(state, view=_looking_at_all(state.view), link_warnings=())
            return _plan(whole, comparison)
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
        case CopyAsked(arm) | DiagramEdited("copy", arm):
            shown = arm in [shown.name for shown in state.comparison.arms]
            return replace(state, copy_of=arm if shown else ""), ()
        case DiagramEdited("select", _, layer):
            return _view_changed(state, _looking_at(state, layer))
        case ArmAdded() | ArmRemoved() | ArmChanged() | DiagramEdited():
            return _arms_edited(state, event)


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
    state, comparison = _with_own_depth(state, comparison)
    state, run = replace(state, comparison=comparison), state.run
    if comparison.problem():
        return state, ()  # the page says what to change
    if run is not None and _differ_in_rate_only(run.opened_as, comparison):
        return _rate_moved(state, comparison.base.learning_rate)
    return _open(replace(state, link_warnings=()), comparison)


def _with_own_depth(state: LabState, changed: Comparison) -> tuple[LabState, Comparison]:
    """Note the depth when other settings begin to decide on it; give it back when they end."""
    held = state.comparison.base
    decided, decides = _depth_is_decided(held), _depth_is_decided(changed.base)
    if decides and not decided:
        return replace(state, own_depth=held.depth), changed
    if decides or not decided:
        return state, changed
    depth = SETTINGS["depth"].default if state.own_depth is None else state.own_depth
    if changed.base.depth == held.depth:  # the reader has not chosen another at the same time
        changed = replace(changed, base=changed.base.changed({"depth": depth}))
    return replace(state, own_depth=None), changed


def _depth_is_decided(base: Config) -> bool:
    """Return whether the units or channels of each layer say how many layers there are."""
    return bool(base.widths) or base.needs_images


def _arms_edited(state: LabState, event: ArmEvent) -> Outcome:
    """Train other nets, or say why they stay as they are."""
    before = state.comparison
    try:
        comparison = edited(before, _with_newer_name(state, event))
    except Refused as refused:
        return state, (Say(str(refused)),)
    if comparison == before:
        return state, ()
    if len(comparison.arms) == len(before.arms):
        pairs = zip(before.arms, comparison.arms, strict=True)
        newer = tuple((old.name, new.name) for old, new in pairs if old.name != new.name)
        state = replace(state, renamed=(*state.renamed, *newer)[-MOST_ARMS:])
    return _controls_changed(state, comparison)


def _with_newer_name(state: LabState, event: ArmEvent) -> ArmEvent:
    """Return the event for the net as it is called now, if its name was another one before."""
    if isinstance(event, ArmAdded):
        return event
    shown, name = {arm.name for arm in state.comparison.arms}, event.arm
    for old, new in state.renamed:
        if name not in shown and name == old:
            name = new
    return replace(event, arm=name)


def _looking_at(state: LabState, layer: int) -> View:
    """Return the view that shows a layer over time, large; one beyond its limits changes none."""
    setting = settings_of(View)["layer"]
    fits = setting.low < layer <= setting.high
    return replace(state.view, layer=layer, distributions="percentiles") if fits else state.view


def _looking_at_all(view: View) -> View:
    """Return the view without a layer that was shown large: the next nets may not have it."""
    usual = View()
    return replace(view, layer=usual.layer, distributions=usual.distributions, unit=usual.unit)


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
            return _looking_ahead(state), (Play(STEPS_PER_SECOND[state.view.speed]),)
        case "train_on" if state.run is not None:
            return _train_on(state, state.run)
        case "pause":
            return state, (Pause(),)
        case "step":
            return _looking_ahead(state), (StepOnce(),)
        case "reset" if state.run is not None:
            planned = _beginning(state.run)
            shown = replace(_with_new_controls(state), comparison=without_rate_changes(planned))
            return _open(shown, planned)
        case "new_seeds":
            base = state.comparison.base
            seed = (base.seed + base.replicas) % MOST_SEEDS
            return _plan(state, replace(state.comparison, base=base.changed({"seed": seed})))
    return state, ()


def more_steps(steps: int) -> int:
    """Return how many steps a run trains that goes on after ``steps``."""
    return min(2 * steps, MOST_STEPS)


def _looking_ahead(state: LabState) -> LabState:
    """Show the newest step, or the one of the link once the run has come there."""
    ahead = state.cursor is not None and state.run is not None and state.run.step < state.cursor
    return state if ahead else replace(state, cursor=None)


def _train_on(state: LabState, run: RunStatus) -> Outcome:
    """Train the same nets for more steps.

    A run's length is planned, with the steps at which it is measured: so the steps so far are
    repeated, at full speed.
    """
    base = run.plan.base
    planned = replace(run.plan, base=base.changed({"steps": more_steps(base.steps)}))
    problem = planned.problem()
    if problem:
        return state, (Say(problem),)
    if planned == run.plan:
        return state, ()
    state, _ = _plan(replace(state, link_warnings=()), planned)
    return state, (OpenRun(planned, repeats=True), Play(STEPS_PER_SECOND[state.view.speed]))


def _beginning(run: RunStatus) -> Comparison:
    """Return what a reset trains: a rate that the reader has set is where it now begins."""
    if run.plan == run.opened_as:
        return run.opened_as
    rate = {"learning_rate": run.learning_rate, "rate_changes": ()}
    return replace(run.opened_as, base=run.opened_as.base.changed(rate))

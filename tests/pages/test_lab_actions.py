"""What each event does to the Lab's state, and what the run is told; no browser, no Streamlit."""

from dataclasses import replace

import pytest

from bn_core.comparison import ARMS, Comparison
from bn_core.config import MOST_STEPS, Config
from bn_core.figures.view import STEPS_PER_SECOND, View
from pages.shared.lab.actions import rate_event, reduce
from pages.shared.lab.arm_edits import DiagramEdited
from pages.shared.lab.events import (
    ButtonPressed,
    ControlsChanged,
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


def comparison(**changes) -> Comparison:
    return Comparison(Config(**changes))


HERE = comparison(depth=3, learning_rate=0.1)
OTHER = comparison(depth=4, learning_rate=0.1)
PLANNED = comparison(depth=3, learning_rate=0.1, rate_changes=((200, 0.01),))
LONGER = comparison(depth=3, learning_rate=0.1, steps=2000)
TOO_HEAVY = comparison(depth=20, width=256, batch_size=512, replicas=10)


def run(step: int = 50, plan: Comparison = HERE, rate: float = 0.1, **changes) -> RunStatus:
    """Return a run that was opened as HERE and is at a step."""
    status = RunStatus(opened_as=HERE, plan=plan, learning_rate=rate, step=step)
    return replace(status, **changes)


def at(status: RunStatus | None = None, shown: Comparison = HERE, **changes) -> LabState:
    return LabState(comparison=shown, run=status, **changes)


def shown_rate(rate: float) -> Comparison:
    return comparison(depth=3, learning_rate=rate)


CASES = {
    "a link opens its run": (at(), LinkOpened(OTHER, View()), OTHER, (OpenRun(OTHER),)),
    "a link to the run that is there keeps it": (at(run()), LinkOpened(HERE, View()), HERE, ()),
    "a finished run trains on for twice as many steps, from its beginning": (
        at(run(1000, ended=True)),
        ButtonPressed("train_on"),
        LONGER,
        (OpenRun(LONGER, repeats=True), Play(STEPS_PER_SECOND["normal"])),
    ),
    "and with the rates that it had": (
        at(run(1000, plan=PLANNED, rate=0.01, ended=True), shown_rate(0.01)),
        ButtonPressed("train_on"),
        LONGER,
        (
            OpenRun(comparison(depth=3, rate_changes=((200, 0.01),), steps=2000), repeats=True),
            Play(STEPS_PER_SECOND["normal"]),
        ),
    ),
    "a link with planned rates shows the first rate and runs the plan": (
        at(run()),
        LinkOpened(PLANNED, View()),
        HERE,
        (OpenRun(PLANNED),),
    ),
    "Back to the link of a run whose rate was changed keeps the run": (
        at(run(250, plan=PLANNED, rate=0.01), shown_rate(0.01)),
        LinkOpened(PLANNED, View()),
        HERE,
        (),
    ),
    "coming back from another page keeps the run": (at(run()), PageEntered(), HERE, ()),
    "a preset opens its run": (at(run()), PresetChosen(OTHER), OTHER, (OpenRun(OTHER),)),
    "another setting opens another run": (
        at(run()),
        ControlsChanged(OTHER),
        OTHER,
        (OpenRun(OTHER),),
    ),
    "settings that cannot be trained open nothing": (
        at(run()),
        ControlsChanged(TOO_HEAVY),
        TOO_HEAVY,
        (),
    ),
    "back at the settings of the run, it is kept": (
        at(run(), TOO_HEAVY),
        ControlsChanged(HERE),
        HERE,
        (),
    ),
    "back at them after a change of rate, the run is kept too": (
        at(run(250, plan=PLANNED, rate=0.01), TOO_HEAVY),
        ControlsChanged(shown_rate(0.01)),
        shown_rate(0.01),
        (),
    ),
    "another rate changes a run under way": (
        at(run()),
        RateMoved(0.01),
        shown_rate(0.01),
        (SetRate(0.01),),
    ),
    "the same through the controls": (
        at(run()),
        ControlsChanged(shown_rate(0.01)),
        shown_rate(0.01),
        (SetRate(0.01),),
    ),
    "a run that has not begun starts at the other rate": (
        at(run(step=0)),
        RateMoved(0.01),
        shown_rate(0.01),
        (OpenRun(shown_rate(0.01)),),
    ),
    "a run that has ended begins anew at the other rate": (
        at(run(ended=True)),
        RateMoved(0.01),
        shown_rate(0.01),
        (OpenRun(shown_rate(0.01)),),
    ),
    "while a run is waited for, the last rate counts": (
        at(None),
        RateMoved(0.01),
        shown_rate(0.01),
        (OpenRun(shown_rate(0.01)),),
    ),
    "a planned rate moves the slider and tells the run nothing": (
        at(run(200, plan=PLANNED, rate=0.01)),
        RateConfirmed(0.01),
        shown_rate(0.01),
        (),
    ),
    "Train": (at(run(), cursor=3), ButtonPressed("train"), HERE, (Play(100.0),)),
    "Pause": (at(run(playing=True)), ButtonPressed("pause"), HERE, (Pause(),)),
    "Step": (at(run(), cursor=3), ButtonPressed("step"), HERE, (StepOnce(),)),
    "Reset repeats the plan": (
        at(run(plan=PLANNED, opened_as=PLANNED, rate=0.01), shown_rate(0.01)),
        ButtonPressed("reset"),
        HERE,
        (OpenRun(PLANNED),),
    ),
    "Reset after the reader changed the rate begins with it": (
        at(run(plan=PLANNED, rate=0.01), shown_rate(0.01)),
        ButtonPressed("reset"),
        shown_rate(0.01),
        (OpenRun(shown_rate(0.01)),),
    ),
    "Reset without a run": (at(None), ButtonPressed("reset"), HERE, ()),
    "another speed reaches a run that trains": (
        at(run(playing=True)),
        ViewChanged(View(speed="slow")),
        HERE,
        (Play(3.0),),
    ),
    "another speed lets a paused run rest": (at(run()), ViewChanged(View(speed="slow")), HERE, ()),
    "another axis tells the run nothing": (
        at(run(playing=True)),
        ViewChanged(View(loss_scale="log")),
        HERE,
        (),
    ),
}


@pytest.mark.parametrize(("state", "event", "shown", "effects"), CASES.values(), ids=CASES)
def test_an_event_leads_to_a_comparison_and_effects(state, event, shown, effects):
    after, told = reduce(state, event)
    assert after.comparison == shown
    assert told == effects
    assert after.comparison.base.rate_changes == (), "the controls show no rate changes"
    assert not any(isinstance(effect, OpenRun) for effect in told) or after.run is None


def test_new_seeds_count_on_by_the_number_of_seeds_and_begin_again_at_the_end():
    few = comparison(seed=5, replicas=3)
    after, effects = reduce(at(run(), few), ButtonPressed("new_seeds"))
    assert after.comparison.base.seed == 8 and effects == (OpenRun(after.comparison),)
    last = comparison(seed=999_999, replicas=3)
    after, _ = reduce(at(run(), last), ButtonPressed("new_seeds"))
    assert after.comparison.base.seed == 2


@pytest.mark.parametrize(
    "event",
    [LinkOpened(OTHER, View()), PresetChosen(OTHER), PageEntered(), ButtonPressed("new_seeds")],
)
def test_what_the_browser_still_sends_for_older_controls_is_not_read(event):
    after, _ = reduce(at(run()), event)
    assert after.generation == 1, "the controls have other keys"


def test_a_preset_leaves_the_layer_that_was_shown_large():
    looking = replace(at(run()), view=View(layer=3, distributions="percentiles", projector=True))
    after, _ = reduce(looking, PresetChosen(OTHER))
    assert after.view == View(projector=True)


def test_what_the_reader_moves_keeps_the_controls():
    for event in (ControlsChanged(OTHER), RateMoved(0.01), ButtonPressed("train")):
        after, _ = reduce(at(run()), event)
        assert (after.generation, after.rate_generation) == (0, 0)


def test_a_planned_rate_renews_the_slider_alone():
    after, _ = reduce(at(run(200, plan=PLANNED, rate=0.01)), RateConfirmed(0.01))
    assert (after.generation, after.rate_generation) == (0, 1)


@pytest.mark.parametrize("event", [ButtonPressed("train"), ButtonPressed("step")])
def test_training_on_leaves_the_earlier_step_that_was_shown(event):
    assert reduce(at(run(), cursor=7), event)[0].cursor is None


def test_a_step_is_shown_until_another_run_is_opened():
    after, effects = reduce(at(run()), StepChosen(7))
    assert (after.cursor, effects) == (7, ())
    assert reduce(after, ControlsChanged(OTHER))[0].cursor is None


def test_the_step_of_a_link_is_shown_once_the_run_has_come_there():
    opened, _ = reduce(at(), LinkOpened(HERE, View(), cursor=70))
    assert opened.cursor == 70
    trained, _ = reduce(replace(opened, run=run(0)), ButtonPressed("train"))
    assert trained.cursor == 70, "it has still to come"
    for button in ("train", "step"):
        assert reduce(replace(trained, run=run(80)), ButtonPressed(button))[0].cursor is None
    back, _ = reduce(replace(opened, run=run(80)), LinkOpened(HERE, View()))
    assert back.cursor is None


def test_there_is_a_limit_to_training_on():
    most = comparison(steps=MOST_STEPS)
    status = RunStatus(opened_as=most, plan=most, learning_rate=0.1, step=MOST_STEPS, ended=True)
    after, effects = reduce(at(status, most), ButtonPressed("train_on"))
    assert after.comparison == most and not any(isinstance(e, OpenRun) for e in effects)


def test_warnings_of_a_link_stay_until_the_reader_asks_for_another_run():
    warned, _ = reduce(at(), LinkOpened(HERE, View(), ("The link's depth is left out.",)))
    warned = replace(warned, run=run())
    kept, _ = reduce(warned, ButtonPressed("train"))
    assert kept.link_warnings
    for event in (ControlsChanged(OTHER), PresetChosen(OTHER)):
        assert reduce(warned, event)[0].link_warnings == ()


RATES = {
    "all show the same": (at(run()), 0.1, None),
    "there is no slider yet": (at(run()), None, None),
    "the slider was moved": (at(run()), 0.01, RateMoved(0.01)),
    "the run has come to a planned rate": (at(run(rate=0.01)), 0.1, RateConfirmed(0.01)),
    "both: the reader's hand counts": (at(run(rate=0.01)), 0.3, RateMoved(0.3)),
    "another run is asked for: the old one's rate does not count": (at(None), 0.1, None),
}


@pytest.mark.parametrize(("state", "slider", "event"), RATES.values(), ids=RATES)
def test_slider_and_run_are_told_apart(state, slider, event):
    assert rate_event(state, slider) == event


def test_quick_moves_of_the_rate_all_reach_the_same_run():
    state, told = at(run()), []
    for rate in (0.07, 0.05, 0.03):
        state, effects = reduce(state, RateMoved(rate))
        told += effects
        state = replace(state, run=run(rate=rate))  # not yet confirmed by the worker
    assert told == [SetRate(0.07), SetRate(0.05), SetRate(0.03)]
    assert rate_event(state, 0.03) is None


def test_arms_are_part_of_what_a_run_is():
    three = replace(HERE, arms=(ARMS["none"], ARMS["before"], ARMS["after"]))
    assert reduce(at(run()), ControlsChanged(three))[1] == (OpenRun(three),)


@pytest.mark.parametrize(
    "decide", [{"widths": (64, 32)}, {"architecture": "conv"}, {"architecture": "recurrent"}]
)
def test_the_depth_comes_back_when_no_other_setting_decides_on_it(decide):
    deep = comparison(depth=12)
    decided = replace(deep, base=deep.base.changed(decide))
    state, _ = reduce(at(None, deep), ControlsChanged(decided))
    assert state.comparison.base.depth < 12
    undo = {name: getattr(Config(), name) for name in decide}
    back = replace(decided, base=state.comparison.base.changed(undo))
    state, effects = reduce(state, ControlsChanged(back))
    assert state.comparison == deep and effects == (OpenRun(deep),)
    other = replace(decided, base=decided.base.changed({"seed": 5}))
    after, _ = reduce(at(None, decided), ControlsChanged(other))
    assert after.comparison == other, "while they decide, nothing else changes the depth"


def test_without_an_earlier_depth_the_usual_one_follows_a_convolutional_net():
    linked = comparison(architecture="conv")
    dense = replace(linked, base=linked.base.changed({"architecture": "plain"}))
    after, _ = reduce(at(None, linked), ControlsChanged(dense))
    assert after.comparison.base.depth == Config().depth
    chosen = replace(linked, base=linked.base.changed({"architecture": "plain", "depth": 9}))
    assert reduce(at(None, linked), ControlsChanged(chosen))[0].comparison == chosen


def test_what_is_pressed_in_a_drawing_that_is_out_of_date_is_done_to_the_same_net():
    state = at(run())
    first = DiagramEdited("toggle", "before", 1)
    state, _ = reduce(state, first)
    newer = state.comparison.arms[1]
    state, effects = reduce(state, DiagramEdited("toggle", "before", 3))
    assert isinstance(effects[0], OpenRun) and newer not in state.comparison.arms
    config = state.comparison.configs[1]
    assert [config.normalizes(index) for index in range(3)] == [False, True, False]
    state, effects = reduce(state, DiagramEdited("remove", "before"))
    assert [arm.name for arm in state.comparison.arms] == ["none"]
    _, (said,) = reduce(state, DiagramEdited("toggle", "before", 2))
    assert isinstance(said, Say) and "no longer shown" in said.sentence

"""How the nets of a comparison are added, changed and removed; no browser, no Streamlit."""

from dataclasses import replace

import pytest

from bn_core.arms import ARMS, MOST_ARMS, Arm, derived_arm
from bn_core.comparison import Comparison, comparison_from_query, comparison_to_query
from bn_core.config import Config
from bn_core.figures.view import View
from pages.shared.lab.actions import reduce
from pages.shared.lab.arm_edits import (
    ArmAdded,
    ArmChanged,
    ArmEvent,
    ArmRemoved,
    DiagramEdited,
    Place,
    Refused,
    edited,
    same_net,
    same_nets,
)
from pages.shared.lab.diagram_edits import diagram_edit
from pages.shared.lab.events import CopyAsked, LabState, OpenRun, RateMoved, RunStatus, Say

BASE = Config(depth=4, width=32, batch_size=64, learning_rate=0.1)


def nets(*arms: str | Arm, base: Config = BASE) -> Comparison:
    return Comparison(base, tuple(ARMS[arm] if isinstance(arm, str) else arm for arm in arms))


def derived(name: str, **changes) -> Arm:
    return derived_arm(ARMS[name], changes, BASE)


def layers(*normalized: int, name: str = "before", **changes) -> Arm:
    return derived(name, normalized_layers=normalized, **changes)


def toggle(arm: str | Arm, layer: int, place: Place = "before") -> DiagramEdited:
    return DiagramEdited("toggle", arm if isinstance(arm, str) else arm.name, layer, place)


def everywhere(what: str, arm: str | Arm, place: Place = "before") -> DiagramEdited:
    name = arm if isinstance(arm, str) else arm.name
    return DiagramEdited("add_everywhere" if what == "add" else "remove_everywhere", name, 0, place)


def move(arm: str | Arm, layer: int, place: Place = "after") -> DiagramEdited:
    return DiagramEdited("move", arm if isinstance(arm, str) else arm.name, layer, place)


SMALL = derived("before", batch_size=4)
MOVED = derived("before", moved_layers=(2,))
CASES: dict[str, tuple[Comparison, ArmEvent, tuple[str | Arm, ...]]] = {
    "a registered net is added": (nets("none"), ArmAdded("layer"), ("none", "layer")),
    "a copy differs in one thing": (
        nets("none", "before"),
        ArmAdded("before", (("batch_size", 4),)),
        ("none", "before", SMALL),
    ),
    "a copy of a copy differs in two": (
        nets("before", SMALL),
        ArmAdded(SMALL.name, (("optimizer", "adam"),)),
        ("before", SMALL, derived("before", batch_size=4, optimizer="adam")),
    ),
    "a net that is not shown can be the origin of a copy": (
        nets("none"),
        ArmAdded("after", (("depth", 2),)),
        ("none", derived("after", depth=2)),
    ),
    "a net is removed": (nets("none", "before"), ArmRemoved("none"), ("before",)),
    "a net is removed in its drawing": (
        nets("none", "before"),
        DiagramEdited("remove", "before"),
        ("none",),
    ),
    "a net is changed in its place": (
        nets("none", "before", "after"),
        ArmChanged("before", (("batch_size", 4),)),
        ("none", SMALL, "after"),
    ),
    "what is set back to the others' value is no difference": (
        nets("none", SMALL),
        ArmChanged(SMALL.name, (("batch_size", 64),)),
        ("none", "before"),
    ),
    "the norm of one layer goes": (nets("before"), toggle("before", 3), (layers(1, 2, 4),)),
    "and comes back": (nets(layers(1, 2, 4)), toggle(layers(1, 2, 4), 3), ("before",)),
    "the norm of the last normalized layer goes": (
        nets(layers(2)),
        toggle(layers(2), 2),
        ("none",),
    ),
    "so do all at once": (nets("before"), everywhere("remove", "before"), ("none",)),
    "also where only some have one": (
        nets(layers(1, 2)),
        everywhere("remove", layers(1, 2)),
        ("none",),
    ),
    "every layer that lacks a norm gets one": (
        nets(layers(1, 2)),
        everywhere("add", layers(1, 2)),
        ("before",),
    ),
    "at the place that was pressed, and the others keep theirs": (
        nets(layers(1, 2, moved_layers=(1,))),
        everywhere("add", layers(1, 2, moved_layers=(1,)), "after"),
        (derived("before", moved_layers=(1, 3, 4)),),
    ),
    "every layer of another normalization": (
        nets(layers(2, name="layer")),
        everywhere("add", layers(2, name="layer")),
        ("layer",),
    ),
    "other changes outlast the norm": (
        nets(derived("before", batch_size=4, normalized_layers=(1,))),
        toggle(derived("before", batch_size=4, normalized_layers=(1,)), 1),
        (derived("none", batch_size=4),),
    ),
    "a norm for one layer of a plain net": (nets("none"), toggle("none", 3), (layers(3),)),
    "behind the activation": (
        nets("none"),
        toggle("none", 3, "after"),
        (layers(3, name="after"),),
    ),
    "a norm for every layer of a plain net": (
        nets("none"),
        everywhere("add", "none"),
        ("before",),
    ),
    "behind the activation of every layer": (
        nets("none"),
        everywhere("add", "none", "after"),
        ("after",),
    ),
    "a norm comes back on the other side": (
        nets(layers(1, 2, 4)),
        toggle(layers(1, 2, 4), 3, "after"),
        (derived("before", moved_layers=(3,)),),
    ),
    "another normalization loses a layer": (
        nets("layer"),
        toggle("layer", 1),
        (layers(2, 3, 4, name="layer"),),
    ),
    "a norm that goes takes its own place with it": (
        nets(MOVED),
        toggle(MOVED, 2),
        (layers(1, 3, 4),),
    ),
    "one norm moves behind the activation": (nets("before"), move("before", 2), (MOVED,)),
    "and returns": (nets(MOVED), move(MOVED, 2, "before"), ("before",)),
    "all norms move": (nets("before"), move("before", 0), ("after",)),
    "all norms move, whatever was moved before": (nets(MOVED), move(MOVED, 0), ("after",)),
    "the last one that moves makes it all of them": (
        nets(derived("before", moved_layers=(1, 2, 3))),
        move(derived("before", moved_layers=(1, 2, 3)), 4),
        ("after",),
    ),
    "of two normalized layers both have moved": (
        nets(layers(1, 2, moved_layers=(1,))),
        move(layers(1, 2, moved_layers=(1,)), 2),
        (layers(1, 2, name="after"),),
    ),
    "a norm that stands there already": (nets("before"), move("before", 2, "before"), ("before",)),
}


@pytest.mark.parametrize(("before", "event", "arms"), CASES.values(), ids=CASES)
def test_an_event_changes_the_nets(before, event, arms):
    after = edited(before, event)
    assert after.arms == nets(*arms).arms
    assert after.base == before.base
    assert comparison_from_query(comparison_to_query(after)) == (after, []), "the link holds it"


FULL = nets(*(derived("before", batch_size=size) for size in range(1, MOST_ARMS + 1)))
REFUSED: dict[str, tuple[Comparison, ArmEvent, str]] = {
    "a net that is there already": (nets("none", "before"), ArmAdded("none"), "“No norm”"),
    "a copy that differs in nothing": (
        nets("none"),
        ArmAdded("none", (("batch_size", 64),)),
        "“No norm”",
    ),
    "a copy that differs in what it does not read": (
        nets("none"),
        ArmAdded("none", (("bn_epsilon", 0.01),)),
        "“No norm”",
    ),
    "a change that makes two the same": (
        nets("before", SMALL),
        ArmChanged("before", (("batch_size", 4),)),
        "batch 4",
    ),
    "a last norm whose net is there without": (
        nets("none", layers(1)),
        toggle(layers(1), 1),
        "“No norm”",
    ),
    "one net too many": (FULL, ArmAdded("none"), f"At most {MOST_ARMS}"),
    "the only net": (nets("none"), ArmRemoved("none"), "One net at least"),
    "a net that is gone": (nets("none"), ArmRemoved("before"), "no longer"),
    "a change of a net that is gone": (nets("none"), toggle("after", 1), "no longer"),
    "a layer that is not there": (nets("before"), toggle("before", 5), "4 hidden layers"),
    "no layer at all": (nets("before"), toggle("before", 0), "Name the layer"),
    "a layer below the first": (nets("before"), move("before", -1), "4 hidden layers"),
    "a norm that is not there": (nets("none"), move("none", 2), "no normalization to move"),
    "a norm that this layer lacks": (nets(layers(1)), move(layers(1), 2), "no normalization"),
    "a value outside its limits": (nets("none"), ArmAdded("none", (("depth", 99),)), "Hidden"),
    "what all nets share": (nets("none"), ArmAdded("none", (("seed", 3),)), "eed"),
    "a net too heavy to train": (
        nets("none", base=Config(depth=20, width=128, batch_size=512, replicas=10)),
        ArmAdded("none", (("width", 256),)),
        "heavier",
    ),
}


@pytest.mark.parametrize(("before", "event", "words"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_is_refused_in_a_sentence(before, event, words):
    with pytest.raises(Refused, match=words):
        edited(before, event)


def at(comparison: Comparison, **changes) -> LabState:
    run = RunStatus(opened_as=comparison, plan=comparison, learning_rate=0.1, step=50)
    return LabState(comparison=comparison, run=replace(run, **changes))


def test_other_nets_open_another_run():
    state, effects = reduce(at(nets("none")), ArmAdded("before"))
    assert effects == (OpenRun(nets("none", "before")),)
    assert state.run is None and state.comparison == nets("none", "before")


def test_what_is_refused_changes_nothing_and_is_said():
    before = at(nets("none"))
    after, effects = reduce(before, ArmRemoved("none"))
    assert after == before
    (said,) = effects
    assert isinstance(said, Say) and "Add another" in said.sentence


def test_an_edit_without_effect_keeps_the_run():
    before = at(nets("before"))
    assert reduce(before, move("before", 2, "before")) == (before, ())


def test_a_layer_that_is_selected_is_shown_large_and_the_run_goes_on():
    after, effects = reduce(at(nets("before")), DiagramEdited("select", "before", 3))
    assert (after.view.layer, after.view.distributions, effects) == (3, "percentiles", ())
    for beyond in (0, -1, 21):
        same, _ = reduce(at(nets("before")), DiagramEdited("select", "before", beyond))
        assert same.view == View()


@pytest.mark.parametrize("event", [CopyAsked("before"), DiagramEdited("copy", "before")])
def test_who_copies_a_net_is_asked_what_is_to_differ(event):
    after, effects = reduce(at(nets("none", "before"), playing=True), event)
    assert (after.copy_of, effects) == ("before", ())
    assert reduce(after, CopyAsked(""))[0].copy_of == ""
    assert reduce(after, CopyAsked("<script>"))[0].copy_of == ""


def test_an_own_rate_stays_when_the_slider_moves_the_others():
    own = derived("before", learning_rate=1.0)
    state, _ = reduce(at(nets("before", own)), RateMoved(0.01))
    assert [config.learning_rate for config in state.comparison.configs] == [0.01, 1.0]


@pytest.mark.parametrize(
    "asked",
    [
        None,
        [],
        "toggle",
        {},
        {"kind": "toggle"},
        {"kind": "format", "arm": "before", "layer": 1, "place": "before"},
        {"kind": ["toggle"], "arm": "before", "layer": 1, "place": "before"},
        {"kind": "toggle", "arm": 7, "layer": 1, "place": "before"},
        {"kind": "toggle", "arm": "before", "layer": True, "place": "before"},
        {"kind": "toggle", "arm": "before", "layer": 1.5, "place": "before"},
        {"kind": "toggle", "arm": "before", "layer": 21, "place": "before"},
        {"kind": "toggle", "arm": "before", "layer": -1, "place": "before"},
        {"kind": "move", "arm": "before", "layer": 1, "place": "beside"},
    ],
)
def test_a_message_that_is_no_edit_is_not_read(asked):
    assert diagram_edit(asked) is None


def test_an_edit_is_read_from_the_browsers_message():
    asked = {"kind": "move", "arm": "before", "layer": 2, "place": "after"}
    assert diagram_edit(asked) == DiagramEdited("move", "before", 2, "after")
    assert diagram_edit({"kind": "copy", "arm": "none"}) == DiagramEdited("copy", "none")


def test_two_nets_that_another_base_makes_the_same_are_named():
    own = nets("none", "before", SMALL)
    assert same_nets(own) == []
    changed = replace(own, base=BASE.changed({"batch_size": 4}))
    assert same_nets(changed) == [("BN before", SMALL.label)]


def test_nets_are_the_same_when_they_differ_in_nothing_that_they_read():
    plain, normed = BASE, BASE.changed({"normalization": "batch"})
    assert same_net(plain, plain.changed({"bn_scale": False, "groups": 4}))
    assert same_net(normed, normed.changed({"groups": 4, "init_std": 0.5}))
    assert not same_net(normed, normed.changed({"bn_scale": False}))
    assert not same_net(plain, plain.changed({"gain": 2.0}))

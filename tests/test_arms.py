"""Arms that differ from the base in anything: their names, labels, links, and what does not fit."""

import random
from typing import Any

import pytest

from bn_core.cli.link import comparison_from_link, query_of_comparison
from bn_core.comparison import (
    ARM_FIELDS,
    ARMS,
    MOST_ARMS,
    Arm,
    Comparison,
    comparison_from_query,
    comparison_to_query,
    derived_arm,
)
from bn_core.config import SETTINGS, Config
from bn_core.service.costs import cost_of
from bn_core.settings import Setting, SettingError

TEN = Config(depth=10)
MANY = "~".join(f"none;batch:{n}" for n in range(1, 30))


@pytest.mark.parametrize(
    ("arm", "changes", "name", "label"),
    [
        ("before", {"batch_size": 4}, "before;batch:4", "BN before, batch 4"),
        ("none", {"learning_rate": 0.5}, "none;lr:0.5", "No norm, rate 0.5"),
        (
            "before",
            {"normalized_layers": (5, 4, 3, 2, 1)},
            "before;normed:1-2-3-4-5",
            "BN before, layers 1-5",
        ),
        ("before", {"normalized_layers": (10,)}, "before;normed:10", "BN before, layer 10"),
        ("none", {"normalized_layers": (1, 2, 4)}, "none", "No norm"),
        (
            "ghost",
            {"normalized_layers": (1, 2, 4)},
            "ghost;normed:1-2-4",
            "Ghost BN, layers 1, 2 and 4",
        ),
        (
            "before",
            {"depth": 20, "normalized_layers": (1, 3, 5, 7, 9)},
            "before;depth:20;normed:1-3-5-7-9",
            "BN before, depth 20, 5 layers",
        ),
        ("before", {"moved_layers": (3,)}, "before;moved:3", "BN before, layer 3 after"),
        ("after", {"moved_layers": (3,)}, "after;moved:3", "BN after, layer 3 before"),
        ("layer", {"placement": "after"}, "layer;place:after", "Layer norm, after the activation"),
        ("before", {"depth": 3}, "before;depth:3", "BN before, depth 3"),
        ("before", {"depth": 1}, "before;depth:1", "BN before, depth 1"),
        ("none", {"widths": (8, 4)}, "none;widths:8-4", "No norm, units 8-4"),
        (
            "none",
            {"optimizer": "adam", "learning_rate": 0.001, "dropout": 0.5, "depth": 3},
            "none;depth:3;opt:adam;lr:0.001;drop:0.5",
            "No norm, depth 3, Adam, +2 more",
        ),
    ],
)  # fmt: skip
def test_a_derived_arm_is_named_after_what_differs(arm, changes, name, label):
    derived = derived_arm(ARMS[arm], changes, TEN)
    assert (derived.name, derived.label) == (name, label)
    assert derived.registered_name == arm
    if arm != "none" or "normalized_layers" not in changes:  # which mean nothing without norm
        assert derived.config(TEN) == TEN.changed({**dict(ARMS[arm].changes), **changes})


@pytest.mark.parametrize("name", [name for name in ARM_FIELDS if name != "normalization"])
def test_every_field_of_an_arm_has_words_and_a_link_of_its_own(name):
    setting, random_of = SETTINGS[name], random.Random(1)
    base = TEN.changed({name: another(setting, getattr(TEN, name), random_of)})
    for value in (getattr(TEN, name), another(setting, getattr(base, name), random_of)):
        if value == getattr(base, name):
            continue
        arm = derived_arm(ARMS["layer"], {name: value}, base)
        label = ARMS["layer"].label
        assert name == "placement" or (arm.label.startswith(f"{label}, ") and len(arm.label) < 99)
        comparison = Comparison(base, (arm, ARMS["none"]))
        assert getattr(arm.config(base), name) == value
        assert comparison_from_query(comparison_to_query(comparison))[0].arms == comparison.arms


def another(setting: Setting, value: Any, draw: random.Random) -> Any:
    """Return a value that a setting takes, other than ``value``."""
    while True:
        match setting.kind:
            case "choice":
                found: Any = draw.choice(list(setting.options))
            case "switch":
                found = draw.random() < 0.5
            case "wholes":
                low, high = int(setting.low), min(int(setting.high), 10)
                numbers = range(low, high + 1)
                found = tuple(sorted(draw.sample(numbers, draw.randint(0, 4))))
            case "whole":
                found = draw.randint(int(setting.low), int(min(setting.high, 64)))
            case _:
                number = round(draw.uniform(setting.low, setting.high), 3)
                found = setting.check(max(number, setting.low))
        if found != value:
            return found


def random_comparison(draw: random.Random) -> Comparison:
    base = Config()
    for name in draw.sample(["depth", "width", "learning_rate", "dropout", "steps", "seed"], 2):
        base = base.changed({name: another(SETTINGS[name], None, draw)})
    arms: dict[str, Arm] = {}
    for _ in range(draw.randint(1, MOST_ARMS)):
        chosen = draw.sample(ARM_FIELDS, draw.randint(0, 4))
        changes = {name: another(SETTINGS[name], None, draw) for name in chosen}
        arm = derived_arm(draw.choice(list(ARMS.values())), changes, base)
        arms[arm.name] = arm
    return Comparison(base, tuple(arms.values()))


def test_any_comparison_comes_back_from_its_link():
    draw, derived, back = random.Random(4), 0, 0
    for _ in range(1_500):
        comparison = random_comparison(draw)
        if comparison.problem():
            continue
        query = comparison_to_query(comparison)
        assert comparison_from_query(query) == (comparison, [])
        back += 1
        derived += any(";" in arm.name for arm in comparison.arms)
        if query:
            assert comparison_from_link(query_of_comparison(comparison)) == (comparison, [])
    assert derived > 300 and back > derived, "the test needs comparisons of every kind"


def test_registered_arms_in_another_order_keep_it():
    comparison = Comparison(TEN, (ARMS["after"], ARMS["none"]))
    assert comparison_to_query(comparison)["arms"] == "after~none"
    assert comparison_from_query(comparison_to_query(comparison)) == (comparison, [])
    assert (
        comparison_to_query(Comparison(TEN, (ARMS["none"], ARMS["after"])))["arms"] == "none-after"
    )


def test_what_equals_the_base_is_no_change():
    assert derived_arm(ARMS["before"], {"batch_size": TEN.batch_size}, TEN) is ARMS["before"]
    small = derived_arm(ARMS["before"], {"batch_size": 4}, TEN)
    assert derived_arm(small, {"batch_size": TEN.batch_size}, TEN) is ARMS["before"]
    assert derived_arm(small, {"learning_rate": 1.0}, TEN).name == "before;lr:1.0;batch:4"


def test_equal_nets_are_equal_arms():
    every = tuple(range(1, 11))
    before, after = ARMS["before"], ARMS["after"]
    assert derived_arm(before, {"moved_layers": every}, TEN) is after
    assert derived_arm(after, {"moved_layers": every}, TEN) is before
    assert derived_arm(before, {"normalized_layers": every}, TEN) is before
    assert derived_arm(before, {"placement": "after"}, TEN) is after
    assert derived_arm(after, {"normalization": "none"}, TEN) is ARMS["none"]
    assert derived_arm(ARMS["none"], {"normalization": "batch"}, TEN) is before
    last = derived_arm(before, {"normalized_layers": (10,)}, TEN)
    assert derived_arm(last, {"moved_layers": (10,)}, TEN).name == "after;normed:10"
    assert derived_arm(last, {"normalization": "none"}, TEN) is ARMS["none"]
    behind = TEN.changed({"placement": "after"})
    assert (
        derived_arm(ARMS["layer"], {"placement": "after"}, behind).config(behind).placement
        == "after"
    )


def test_the_newest_change_of_the_layers_counts():
    narrow = derived_arm(ARMS["none"], {"widths": (8, 4)}, TEN)
    assert derived_arm(narrow, {"depth": 3}, TEN).config(TEN).layer_widths == (64,) * 3
    chosen = TEN.changed({"widths": (32, 16)})
    assert derived_arm(ARMS["none"], {"width": 16}, chosen).config(chosen).layer_widths == (16,) * 2


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"data": "moons"}, "share"),
        ({"replicas": 2}, "share"),
        ({"rate_changes": ((4, 0.1),)}, "share"),
        ({"nonsense": 1}, "share"),
        ({"batch_size": 0}, "1 to 512"),
        ({"learning_rate": float("nan")}, "30"),
    ],
)
def test_an_arm_cannot_differ_in_what_all_share_or_beyond_the_limits(changes, said):
    with pytest.raises(SettingError, match=said):
        derived_arm(ARMS["none"], changes, TEN)


def test_an_arm_that_differs_in_too_much_for_a_link_is_refused():
    draw = random.Random(3)
    changes = {name: another(SETTINGS[name], getattr(TEN, name), draw) for name in ARM_FIELDS}
    changes |= {"widths": tuple(range(237, 257)), "normalization": "batch"}
    with pytest.raises(SettingError, match="too much for a link"):
        derived_arm(ARMS["before"], changes, TEN)


def test_a_comparison_has_at_most_eight_arms():
    nine = tuple(derived_arm(ARMS["none"], {"batch_size": n}, TEN) for n in range(1, 10))
    assert Comparison(TEN, nine[:8])
    with pytest.raises(SettingError, match="at most 8"):
        Comparison(TEN, nine)


@pytest.mark.parametrize(
    ("text", "names", "said"),
    [
        ("none~before;batch:9999", ["none"], "Batch size goes from 1 to 512"),
        ("none~before;batch:", ["none"], "Batch size is a number"),
        ("x;y~none", ["none"], "begins with one of: none, before"),
        ("before;norm:none", ["none", "before"], "no setting “norm”"),
        ("none~before;data:moons", ["none"], "no setting “data”"),
        ("none~before;<script>:1", ["none"], "no setting “·script·”"),
        ("none~before;batch:4;batch:5", ["none"], "sets “batch” twice"),
        ("none~" + ";".join(["before", *["batch:4"] * 90]), ["none"], "too long"),
        ("~" * 40, ["none", "before"], "begins with one of"),
        (MANY, MANY.split("~")[:8], "at most 8 nets"),
        ("-".join(ARMS), list(ARMS)[:8], "at most 8 nets"),
        ("none;batch:4~none;batch:4", ["none;batch:4"], ""),
        ("none~before;normed:20", ["none"], "Layer 20 cannot be normalized"),
        ("none~before;moved:20", ["none"], "Layer 20's norm cannot move"),
        ("none~group;groups:48", ["none"], "Group norm, 48 groups: Group norm cannot split 64"),
        ("none~none;width:256;depth:20;batch:512", ["none"], "Until then this net is left out"),
    ],
)  # fmt: skip
def test_a_net_of_a_link_that_does_not_fit_is_left_out_and_named(text, names, said):
    query = {"arms": text, "seeds": "10"}
    comparison, complaints = comparison_from_query(query)
    assert [arm.name for arm in comparison.arms] == names
    assert comparison.base == Config(replicas=10), "the settings that all share are not to blame"
    assert comparison.problem() == ""
    assert any(said in words for words in complaints) if said else complaints == []
    assert all(0 < len(words) < 400 and "<" not in words for words in complaints)


def test_hostile_nets_never_break_a_comparison():
    draw = random.Random(5)
    signs = "~;:-_.0123456789abdefnorm\x00<>é" * 2
    keys = [setting.key for setting in SETTINGS.values()]
    for _ in range(1_500):
        parts = [
            draw.choice([draw.choice(keys), *ARMS]) + draw.choice(["", ":", ";", "~", ":4", ":2-1"])
            if draw.random() < 0.7
            else "".join(draw.choices(signs, k=draw.randint(0, 9)))
            for _ in range(draw.randint(1, 20))
        ]
        query = {"arms": draw.choice(["", ";", "~", "none;"]).join(parts)}
        if draw.random() < 0.3:
            query |= {"depth": "20", "width": "256", "batch": str(draw.randint(1, 512))}
        comparison, complaints = comparison_from_query(query)
        assert comparison.problem() == ""
        assert all(0 < len(words) < 500 for words in complaints)
        assert comparison_from_query(comparison_to_query(comparison)) == (comparison, [])


def test_nets_too_heavy_only_together_leave_those_that_are_registered():
    heavy = "~".join(f"none;width:256;depth:20;batch:{n}" for n in range(101, 109))
    comparison, complaints = comparison_from_query({"arms": heavy, "seeds": "8"})
    assert [arm.name for arm in comparison.arms] == ["none"] and comparison.problem() == ""
    assert any("heavier than one visitor may run" in words for words in complaints)


def test_each_arm_costs_what_it_is():
    def with_arm(**changes: Any) -> Comparison:
        return Comparison(TEN, (ARMS["none"], derived_arm(ARMS["before"], changes, TEN)))

    usual = Comparison(TEN, (ARMS["none"], ARMS["before"]))
    per_example = usual.operations() / 2 / TEN.batch_size
    assert with_arm(batch_size=4).operations() == pytest.approx(per_example * (64 + 4))
    assert with_arm(depth=20).operations() > 1.9 * usual.operations() / 2 + usual.operations() / 2
    assert cost_of(with_arm(batch_size=512, width=256)).transient > cost_of(usual).transient
    assert cost_of(with_arm(optimizer="adam")).resident > cost_of(usual).resident


def test_a_problem_of_one_net_names_it():
    base = Config(data="moons", points=100)
    arm = derived_arm(ARMS["before"], {"batch_size": 128}, base)
    words = Comparison(base, (ARMS["none"], arm)).problem()
    assert words.startswith("BN before, batch 128: A batch of 128 does not fit")
    assert "100 training examples" in words


def test_an_own_rate_stays_when_the_rate_of_the_base_moves():
    arm = derived_arm(ARMS["before"], {"learning_rate": 0.5}, TEN)
    moved = TEN.changed({"learning_rate": 2.0, "rate_changes": ((10, 3.0),)})
    assert arm.has_own_rate and not ARMS["before"].has_own_rate
    assert arm.config(moved).learning_rate == 0.5 and arm.config(moved).rate_changes == ()
    assert ARMS["before"].config(moved).rate_changes == ((10, 3.0),)


def test_the_deepest_net_says_how_many_layers_there_are_to_draw():
    arms = tuple(derived_arm(ARMS["none"], {"depth": n}, TEN) for n in (2, 12))
    assert Comparison(TEN, arms).depth == 12

"""Settings and links: what goes out comes back, and nothing a link holds breaks a page."""

import dataclasses
import pickle
import random

import pytest

from bn_core.comparison import (
    ARMS,
    MOST_ARMS,
    Arm,
    Comparison,
    comparison_from_query,
    comparison_to_query,
)
from bn_core.config import SETTINGS, Config
from bn_core.figures.view import View
from bn_core.settings import SettingError, from_query, settings_of, to_query, unknown_keys


def random_value(name: str, draw: random.Random):
    setting = SETTINGS[name]
    match setting.kind:
        case "choice":
            return draw.choice(list(setting.options))
        case "switch":
            return draw.random() < 0.5
        case "whole":
            return draw.randint(int(setting.low), int(setting.high))
        case "schedule":
            steps = sorted(draw.sample(range(1, 9_000), draw.randint(0, 20)))
            return tuple((step, 10 ** draw.uniform(-4, 1.4)) for step in steps)
        case "wholes":
            low, high = int(setting.low), int(setting.high)
            return tuple(
                draw.randint(low, high) for _ in range(draw.choice([0, 0, 1, 3, setting.most]))
            )
        case "log":
            return setting.low * (setting.high / setting.low) ** draw.random()
        case _:
            return draw.uniform(setting.low, setting.high)


def random_comparison(draw: random.Random) -> Comparison:
    while True:
        config = Config().changed({name: random_value(name, draw) for name in SETTINGS})
        names = draw.sample(list(ARMS), draw.randint(1, MOST_ARMS))
        comparison = Comparison(config, tuple(arm for arm in ARMS.values() if arm.name in names))
        if not comparison.problem():
            return comparison


def test_every_comparison_survives_its_link():
    draw = random.Random(1)
    for _ in range(250):
        comparison = random_comparison(draw)
        again, complaints = comparison_from_query(comparison_to_query(comparison))
        assert again == comparison
        assert complaints == []


def test_the_usual_comparison_has_an_empty_link():
    assert comparison_to_query(Comparison()) == {}
    assert to_query(View()) == {}


NASTY = [
    "",
    " ",
    "nan",
    "-nan",
    "inf",
    "-inf",
    "1e999",
    "-1",
    "0",
    "1e-400",
    "99999999999999999999999999",
    "0x10",
    "1_000",
    "\u0661\u0662",
    "true",
    "None",
    "null",
    "[]",
    "{}",
    "..",
    "../../etc/passwd",
    "<script>alert(1)</script>",
    "'; DROP TABLE runs; --",
    "\x00",
    "\ud800",
    "on",
    "off",
    "none-none",
    "-",
    "--",
    "a" * 100_000,
    "1:",
    ":1",
    "5:0.1_3:0.1",
    "1:0.1_1:0.2",
    "1:nan",
    "_".join(f"{i}:0.1" for i in range(1, 60)),
]


def hostile_query(draw: random.Random) -> dict[str, str]:
    keys = [setting.key for setting in SETTINGS.values()] + ["arms"]
    query = {}
    for _ in range(draw.randint(1, 12)):
        key = draw.choice([*keys, "".join(chr(draw.randint(1, 0x2FF)) for _ in range(5))])
        text = "".join(chr(draw.randint(0, 0x3000)) for _ in range(draw.randint(0, 30)))
        raw = draw.randbytes(draw.randint(0, 30)).decode("latin-1")
        query[key] = draw.choice([*NASTY, text, raw, str(draw.uniform(-1e6, 1e6))])
    if draw.random() < 0.3:  # each within its limits, together far too much
        query |= {"depth": "20", "width": "256", "batch": "512", "seeds": "10"}
    if draw.random() < 0.2:
        query |= {"data": "moons", "points": "20", "batch": str(draw.randint(1, 512))}
    if draw.random() < 0.2:
        query |= {"arms": "group-none", "groups": str(draw.randint(1, 64))}
    return query


def fell_back(comparison: Comparison, query: dict[str, str]) -> list[str]:
    """Return the settings that a link names and that are not as it says."""
    named = [name for name, setting in SETTINGS.items() if setting.key in query]
    written = to_query(comparison.base)
    missing = []
    for name in named:
        setting, text = SETTINGS[name], query[SETTINGS[name].key]
        now = written.get(setting.key, setting.write(setting.default))
        if now != text and not (is_number(text) and is_number(now) and float(text) == float(now)):
            missing.append(name)
    return missing


def is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("seed", [2, pytest.param(3, marks=pytest.mark.slow)])
def test_hostile_links_fall_back_and_say_so(seed):
    draw = random.Random(seed)
    heavy = unknown = 0
    for _ in range(1_000):
        query = hostile_query(draw)
        comparison, complaints = comparison_from_query(query)
        assert comparison.problem() == ""
        assert all(0 < len(words) < 500 for words in complaints)
        together = any("Until then" in words for words in complaints)
        for name in fell_back(comparison, query):
            setting = SETTINGS[name]
            if setting.kind == "schedule" and getattr(comparison.base, name) != ():
                continue  # read, and written more neatly
            if name == "depth" and (comparison.base.widths or comparison.base.needs_images):
                continue  # the widths of single layers say how many there are
            if name == "normalized_layers" and comparison.base.normalized_layers != ():
                continue  # sorted, each once
            assert getattr(comparison.base, name) == setting.default
            own = any(words.startswith(setting.label) for words in complaints)
            assert own or (together and name in TOGETHER), (name, query[setting.key][:80])
        heavy += together
        unknown += len(unknown_keys(query, [s.key for s in SETTINGS.values()]))
        again, no_complaints = comparison_from_query(comparison_to_query(comparison))
        assert again == comparison and no_complaints == []
    assert heavy > 100 and unknown > 100, "the test needs links of every kind"


TOGETHER = {"width", "depth", "batch_size", "replicas", "points", "groups"}
TOGETHER |= {"widths", "normalized_layers", "architecture", "channels", "dense"}
TOGETHER |= {"train_examples"}
"""What may be too much, or not fit, only together."""


@pytest.mark.parametrize("value", [None, 5, 2.5, True, [], ["none"], {"a": 1}, b"none", object()])
def test_a_value_that_is_no_text_falls_back_too(value):
    query = {setting.key: value for setting in SETTINGS.values()} | {"arms": value}
    comparison, complaints = comparison_from_query(query)
    assert comparison == Comparison()
    assert len(complaints) >= len(SETTINGS)


@pytest.mark.parametrize(
    ("text", "names", "complaint"),
    [
        ("none", ["none"], False),
        ("after-none", ["none", "after"], False),
        ("none-none", ["none"], False),
        ("none-drop", ["none"], True),
        ("", ["none", "before"], True),
        ("-", ["none", "before"], True),
        ("NONE", ["none", "before"], True),
        ("none-" * 1_000 + "none", ["none", "before"], True),
    ],
)
def test_arms_of_a_link_are_those_known_in_their_usual_order(text, names, complaint):
    comparison, complaints = comparison_from_query({"arms": text})
    assert [arm.name for arm in comparison.arms] == names
    assert bool(complaints) == complaint
    assert all("none, before, after" in words for words in complaints)


def test_a_field_that_is_right_is_kept_beside_one_that_is_not():
    comparison, complaints = comparison_from_query({"depth": "900", "width": "32"})
    assert comparison.base == Config(width=32)
    assert complaints == ["Hidden layers goes from 1 to 20. The link's value is left out."]


@pytest.mark.parametrize("name", [n for n, s in SETTINGS.items() if s.kind in ("whole", "log")])
def test_a_value_outside_its_limits_is_refused_with_the_limits_named(name):
    setting = SETTINGS[name]
    for value in (setting.low / 2 - 1, setting.high * 2 + 1, float("nan"), "1", None, True):
        with pytest.raises(SettingError, match=f"{setting.low:g} to {setting.high:g}"):
            Config().changed({name: value})


def test_every_setting_explains_itself_and_has_a_key_of_its_own():
    every = [*SETTINGS.values(), *settings_of(View).values()]
    keys = [setting.key for setting in every]
    assert len(set(keys)) == len(keys)
    assert "arms" not in keys
    for setting in every:
        assert setting.label and len(setting.help) > 20
        assert setting.check(setting.default) == setting.default


def test_a_hostile_view_falls_back_too():
    found, complaints = from_query(View, {"layer": "-4", "site": "x", "loss": "log"})
    assert View(**found) == View(loss_scale="log")
    assert len(complaints) == 2


def test_a_comparison_that_is_too_heavy_says_what_to_lower():
    heavy = Comparison(Config(depth=20, width=256, batch_size=512, replicas=10))
    assert "Lower the width" in heavy.problem()


def test_a_batch_larger_than_the_data_is_refused_with_the_limit():
    words = Comparison(Config(data="moons", points=100, batch_size=128)).problem()
    assert "100 training examples" in words and "128" in words


def test_a_comparison_travels_between_processes_and_keeps_its_arms_configs():
    comparison = Comparison(Config(depth=3), (ARMS["after"], ARMS["none"]))
    copy = pickle.loads(pickle.dumps(comparison))
    assert (
        copy == comparison and hash(copy) == hash(comparison) and copy.configs == comparison.configs
    )
    assert [config.normalization for config in comparison.configs] == ["batch", "none"]
    assert comparison.configs[0].placement == "after"
    assert all(config.depth == 3 for config in comparison.configs)
    assert comparison.configs is comparison.configs, "made once: it is asked for at every draw"
    wider = dataclasses.replace(comparison, base=Config(depth=3, width=8))
    assert wider != comparison
    assert [config.width for config in wider.configs] == [8, 8]


def test_a_comparison_needs_an_arm_and_each_once():
    for arms in ((), (ARMS["none"], ARMS["none"])):
        with pytest.raises(SettingError):
            Comparison(Config(), arms)


def test_configs_cannot_be_changed_in_place():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Config().depth = 3  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "widths"), [("128-64", (128, 64)), ("4", (4,)), ("-".join(["256"] * 20), (256,) * 20)]
)
def test_widths_in_a_link_give_each_layer_its_own(text, widths):
    comparison, complaints = comparison_from_query({"widths": text})
    assert complaints == []
    assert comparison.base.layer_widths == widths and comparison.base.depth == len(widths)
    assert comparison_to_query(comparison)["widths"] == text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("3", "each goes from 4 to 256"),
        ("64-257", "each goes from 4 to 256"),
        ("-".join(["8"] * 21), "at most 20"),
        ("", "like 12-8-4"),
        ("64-", "like 12-8-4"),
        ("64,32", "like 12-8-4"),
        ("1e2", "like 12-8-4"),
        ("٦٤", "like 12-8-4"),
        ("9" * 600, "each goes from 4 to 256"),
    ],
)
def test_widths_that_cannot_be_read_are_left_out_and_named(text, said):
    comparison, complaints = comparison_from_query({"widths": text, "depth": "3"})
    assert comparison.base == Config(depth=3)
    assert len(complaints) == 1 and said in complaints[0]


@pytest.mark.parametrize("value", [64, "64", (64.0,), (True,), None, ((8,),)])
def test_widths_are_whole_numbers(value):
    with pytest.raises(SettingError, match="whole numbers"):
        Config(widths=value)


def test_another_depth_or_width_replaces_the_widths_and_the_same_one_keeps_them():
    config = Config(widths=(8, 16, 8), width=32)
    assert config.changed({"depth": 3, "width": 32, "seed": 1}).widths == (8, 16, 8)
    assert config.changed({"depth": 4}).layer_widths == (32,) * 4
    assert config.changed({"width": 12}).layer_widths == (12,) * 3
    assert config.changed({"widths": (4, 4), "depth": 9}).depth == 2


def test_normalized_layers_are_counted_from_one_and_each_once():
    config = Config(normalization="batch", normalized_layers=(3, 1, 3))
    assert config.normalized_layers == (1, 3)
    assert [config.normalizes(index) for index in range(4)] == [True, False, True, False]
    assert not Config(normalized_layers=(1,)).normalizes(0), "there is no norm to have"


def test_a_layer_that_is_not_there_cannot_be_normalized():
    words = Comparison(Config(depth=2, normalized_layers=(1, 5))).problem()
    assert "Layer 5 cannot be normalized" in words and "from 1 to 2" in words
    comparison, complaints = comparison_from_query({"normed": "1-5", "depth": "2", "groups": "4"})
    assert comparison.base == Config(depth=2, groups=4) and len(complaints) == 1


def test_residual_layers_need_one_width():
    residual = Config(architecture="residual")
    assert "one width" in Comparison(residual.changed({"widths": (8, 16)})).problem()
    assert Comparison(residual.changed({"widths": (8, 8)})).problem() == ""
    assert Comparison(Config(widths=(8, 16))).problem() == ""


def test_groups_have_to_divide_the_layers_that_they_normalize():
    group = (ARMS["group"],)
    wide = Config(widths=(64, 12), groups=8)
    assert "12 units into 8 groups" in Comparison(wide, group).problem()
    assert Comparison(wide.changed({"normalized_layers": (1,)}), group).problem() == ""


def test_operations_count_the_weights_of_every_layer_of_every_arm():
    base = Config(widths=(100, 50), batch_size=10, replicas=2)
    of_one = 3 * 10 * 2 * (64 * 100 + 100 * 50 + 50 * 10)
    assert Comparison(base, (ARMS["none"],)).operations() == of_one
    deeper = Arm("deeper", "deeper", (("widths", (100, 50, 50)),))
    both = Comparison(base, (ARMS["none"], deeper)).operations()
    assert both == 2 * of_one + 3 * 10 * 2 * 50 * 50
    heavy = Config(widths=(256,) * 20, batch_size=512, replicas=10)
    assert "Lower the width" in Comparison(heavy).problem()

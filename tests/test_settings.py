"""One declaration per setting: what it takes, how it refuses, and what a link makes of it."""

import dataclasses

import pytest

from bn_core.settings import (
    LONGEST_VALUE,
    MOST_CHANGES,
    Schedule,
    Setting,
    SettingError,
    check_all,
    choice,
    from_query,
    log_number,
    number,
    schedule,
    switch,
    to_query,
    unknown_keys,
    whole,
)

RATE = Setting("log", "r", "Rate", "How far a step goes.", 0.1, 1e-3, 10.0)


@dataclasses.dataclass(frozen=True)
class Example:
    """One setting of each kind."""

    colour: str = choice("red", {"red": "Red", "blue": "Blue"}, key="c", label="Colour", help="")
    count: int = whole(4, 1, 9, key="n", label="Count", help="")
    share: float = number(0.5, 0.0, 1.0, key="s", label="Share", help="")
    size: float = log_number(1.0, 1e-3, 1e3, key="z", label="Size", help="")
    ready: bool = switch(True, key="on", label="Ready", help="")
    plan: Schedule = schedule(RATE, 100, key="p", label="Plan", help="")

    def __post_init__(self) -> None:
        check_all(self)


REFUSED = {
    "colour": (["green", "", 1, None, ["red"]], "red, blue"),
    "count": ([0, 10, -1, 10**400, float("nan"), float("inf"), "4", None, True, [4]], "1 to 9"),
    "share": ([-0.1, 1.1, 10**400, float("nan"), -float("inf"), "0.5", None, False], "0 to 1"),
    "size": ([0, -1.0, 1e-4, 1e4, 10**400, float("nan"), "1", {}], "0.001 to 1000"),
    "ready": (["on", 1, 0, None, "True"], "on or off"),
}


@pytest.mark.parametrize("name", list(REFUSED))
def test_a_value_that_does_not_fit_is_refused_and_told_what_does(name):
    values, words = REFUSED[name]
    for value in values:
        with pytest.raises(SettingError, match=words):
            Example(**{name: value})


def test_a_count_is_whole_and_keeps_its_type():
    with pytest.raises(SettingError, match="whole number"):
        Example(count=2.5)  # type: ignore[arg-type]
    assert type(Example(count=2.0).count) is int  # type: ignore[arg-type]
    assert type(Example(share=1).share) is float


@pytest.mark.parametrize(
    "plan",
    [
        None,
        5,
        "5:0.1",
        (5, 0.1),
        ((5,),),
        ((5, 0.1, 0.2),),
        (("5", 0.1),),
        ((5.5, 0.1),),
        ((True, 0.1),),
        ((5, "0.1"),),
        ((5, float("nan")),),
        ((5, 99.0),),
        ((0, 0.1),),
        ((101, 0.1),),
        ((10**400, 0.1),),
        ((5, 0.1), (3, 0.1)),
        ((5, 0.1), (5, 0.2)),
        tuple((step, 0.1) for step in range(1, MOST_CHANGES + 2)),
    ],
)
def test_a_plan_that_does_not_fit_is_refused(plan):
    with pytest.raises(SettingError):
        Example(plan=plan)


def test_a_plan_reads_as_it_is_written():
    plan = ((5, 0.1), (70, 2.5e-3))
    assert to_query(Example(plan=plan)) == {"p": "5:0.1_70:0.0025"}
    assert from_query(Example, {"p": "5:0.1_70:0.0025"}) == ({"plan": plan}, [])


def test_only_what_differs_from_the_usual_goes_into_a_link():
    assert to_query(Example()) == {}
    changed = Example(colour="blue", share=0.1 + 0.2, ready=False)
    assert to_query(changed) == {"c": "blue", "s": "0.30000000000000004", "on": "off"}
    found, complaints = from_query(Example, to_query(changed))
    assert Example(**found) == changed
    assert complaints == []


def test_each_part_of_a_link_falls_back_alone_and_says_so():
    query = {"c": "green", "n": "3", "s": "", "z": "1e999", "on": "yes", "p": "5"}
    found, complaints = from_query(Example, query)
    assert found == {"count": 3}
    assert [words.split(":")[0].split(" ")[0] for words in complaints] == [
        "Colour", "Share", "Size", "Ready", "Plan",
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["1" * (LONGEST_VALUE + 1), "5:0.1_" * 100_000])
@pytest.mark.parametrize("key", ["c", "n", "s", "z", "on", "p"])
def test_a_text_without_end_is_not_read(key, text):
    found, complaints = from_query(Example, {key: text})
    assert found == {}
    assert len(complaints) == 1 and "too long" in complaints[0]
    assert len(complaints[0]) < 100


def test_unknown_parts_of_a_link_are_named_in_one_short_sentence():
    assert unknown_keys({"n": "1", "evil": "2", "page": "3"}, {"n", "page"}) == [
        "The link also has “evil”, which this page does not know and leaves out."
    ]
    assert unknown_keys({"n": "1"}, {"n"}) == []
    assert unknown_keys({}, set()) == []
    many = {f"{i:04}" + "x" * 10_000: "" for i in range(1_000)}
    (words,) = unknown_keys(many, {"n"})
    assert len(words) < 220
    assert "“0000x" in words and "997 more" in words


def test_an_unknown_name_cannot_become_a_picture_or_a_link_on_the_page():
    (words,) = unknown_keys(
        {"![](//evil.example/a.png)": "", "<b>\x00\ud800": "", "a_b-c d": ""}, {}
    )
    assert not set("![]()<>/:\x00\ud800") & set(words)
    assert "“a_b-c d”" in words
    words.encode()

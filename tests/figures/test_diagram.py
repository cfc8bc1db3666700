"""The nets' diagram: which chips stand where, and what the numbers of a layer become."""

import dataclasses
import functools

import numpy as np
import orjson
import pytest

from bn_core.comparison import ARMS, Comparison, derived_arm
from bn_core.config import Config
from bn_core.figures.diagram import DENSITY_POINTS, DENSITY_TOP, Diagram, densities, diagram
from bn_core.figures.diagram_nets import Block, nets
from bn_core.figures.view import View
from bn_core.records import BINS, HISTOGRAM_EDGES, SITES, Divergence, Record, RecordChunk, Snapshot
from bn_core.training import Request, Setup, train
from tests.figures.invented import CASES, changed_fields, make_record, with_divergence

MIDDLE = DENSITY_POINTS // 2
BLOCKS = {"architecture": "residual"}


@functools.cache
def untrained(*arms: str, **changes) -> Record:
    """Return the record of nets that have not been trained yet."""
    base = Config(depth=3, width=8, steps=10, replicas=2).changed(changes)
    comparison = Comparison(base, tuple(ARMS[name] for name in arms))
    setup = Setup.of(comparison)
    chunk = RecordChunk.of([next(train(comparison, setup))])
    return Record(comparison, setup.probe.summary()).extended(chunk)


def chips(block: Block) -> list[str]:
    """Return a layer's chips; one that is not there stands in brackets."""
    return [chip["text"] if chip["present"] else f"({chip['text']})" for chip in block["chips"]]


def blocks(record: Record, arm: int = 0) -> list[Block]:
    return nets(record)["lanes"][arm]["blocks"]


@pytest.mark.parametrize(
    ("arm", "changes", "expected"),
    [
        ("none", {}, ["W", "(BN)", "ReLU"]),
        ("before", {}, ["W", "BN", "ReLU"]),
        ("after", {}, ["W", "ReLU", "BN"]),
        ("layer", {"activation": "tanh"}, ["W", "LN", "tanh"]),
        ("before", {"dropout": 0.2}, ["W", "BN", "ReLU", "drop"]),
        ("after", {"normalized_layers": (1,)}, ["W", "ReLU", "(BN)"]),
        ("before", {"moved_layers": (3,)}, ["W", "ReLU", "BN"]),
        ("before", {"architecture": "residual"}, ["BN", "ReLU", "W", "+x"]),
        ("after", {"architecture": "residual"}, ["ReLU", "BN", "W", "+x"]),
        ("none", {"architecture": "residual"}, ["(BN)", "ReLU", "W", "+x"]),
        ("before", {**BLOCKS, "branch_start": "zero_gamma"}, ["ReLU", "W", "BN", "+x"]),
        ("after", {**BLOCKS, "branch_start": "zero_gamma"}, ["ReLU", "BN", "W", "+x"]),
        ("none", {**BLOCKS, "branch_start": "zero_gamma"}, ["ReLU", "W", "(BN)", "+x"]),
        ("none", {**BLOCKS, "branch_start": "skipinit"}, ["(BN)", "ReLU", "W", "alpha", "+x"]),
        ("before", {"architecture": "conv_residual"}, ["BN", "ReLU", "conv", "+x"]),
        ("before", {"architecture": "inception", "channels": (4,) * 3}, ["1+3+5", "BN", "ReLU"]),
    ],
)
def test_chips_stand_in_the_order_in_which_the_stages_run(arm, changes, expected):
    assert chips(blocks(untrained(arm, **changes))[2]) == expected


@pytest.mark.parametrize(
    ("arm", "changes", "movable"),
    [
        ("before", {}, True),
        ("before", {"architecture": "residual"}, True),
        ("before", {"architecture": "recurrent"}, False),
        ("none", {"architecture": "recurrent"}, False),
        ("weightnorm", {}, False),
    ],
)
def test_a_norm_is_movable_where_it_could_stand_on_the_other_side(arm, changes, movable):
    stages = blocks(untrained(arm, **changes))[0]["chips"]
    assert [chip["movable"] for chip in stages if chip["kind"] == "norm"] == [movable]
    assert not any(chip["movable"] for chip in stages if chip["kind"] != "norm")


def test_only_the_layers_named_have_a_norm_and_only_the_moved_one_stands_elsewhere():
    first, second, third, output = blocks(
        untrained("before", normalized_layers=(1, 3), moved_layers=(3,))
    )
    assert chips(first) == ["W", "BN", "ReLU"]
    assert chips(second) == ["W", "(BN)", "ReLU"]
    assert chips(third) == ["W", "ReLU", "BN"]
    assert chips(output) == ["W"] and output["layer"] == 0


def test_blocks_say_which_layer_they_are_and_how_many_units_it_has():
    found = blocks(untrained("none", widths=(6, 5)))
    assert [(b["layer"], b["label"], b["size"]) for b in found] == [
        (1, "layer 1", "6"),
        (2, "layer 2", "5"),
        (0, "output", "10"),
    ]


def test_a_convolution_counts_its_channels_and_shows_them_for_each_example():
    changes = {"channels": (6, 3), "dense": (5,), "seed": 1}
    record = untrained("none", "before", architecture="conv", **changes)
    first, second, third, output = blocks(record, 1)
    assert chips(first) == ["conv", "BN", "ReLU", "pool"] and chips(third) == ["W", "BN", "ReLU"]
    assert (first["size"], second["size"], third["size"]) == ("6 ch 8x8", "3 ch 4x4", "5")
    assert "6 channels of 8 x 8" in first["words"] and output["map"] == (0, 0)
    layers = diagram(record)["lanes"][1]["layers"]
    maps = [layer["maps"] for layer in layers]
    shown = len(nets(record)["examples"]["images"])
    assert [len(one) for one in maps] == [shown, shown, 0, 0]
    assert [len(example) for example in maps[0]] == [4] * shown
    assert [len(example) for example in maps[1]] == [3] * shown
    assert {len(one) for example in maps[0] for one in example} == {64}
    assert {len(one) for example in maps[1] for one in example} == {16}
    digits = "".join(one for example in maps[0] for one in example)
    assert set(digits) <= set("0123456789abcdef") and {"0", "f"} <= set(digits)
    assert maps[0][0] != maps[0][1], "another example, other maps"
    assert not any(layer["maps"] for layer in diagram(untrained("none"))["lanes"][0]["layers"])


def test_a_residual_net_of_convolutions_shows_its_pool_behind_the_shortcut_and_its_mean():
    record = untrained("before", architecture="conv_residual", channels=(2, 2, 3))
    stem, second, third, output = blocks(record)
    assert chips(stem) == ["conv", "BN", "ReLU"]
    assert chips(second) == ["BN", "ReLU", "conv", "+x", "pool"]
    assert chips(output) == ["BN", "ReLU", "mean", "W"]
    assert [block["size"] for block in (second, third, output)] == ["2 ch 8x8", "3 ch 4x4", "10"]
    maps = [layer["maps"] for layer in diagram(record)["lanes"][0]["layers"]]
    assert [len(one[0][0]) for one in maps[:3]] == [64, 64, 16] and not maps[3]


def test_arms_of_different_depth_have_lanes_of_their_own_length():
    base = Config(depth=3, width=8, steps=10, replicas=1)
    deeper = derived_arm(ARMS["none"], {"depth": 5}, base)
    comparison = Comparison(base, (ARMS["before"], deeper))
    setup = Setup.of(comparison)
    record = Record(comparison, setup.probe.summary())
    record = record.extended(RecordChunk.of([next(train(comparison, setup))]))
    assert [len(lane["blocks"]) for lane in nets(record)["lanes"]] == [4, 6]
    state = diagram(record, view=View(layer=5))
    assert [len(lane["layers"]) for lane in state["lanes"]] == [4, 6]
    assert state["large"] is not None
    assert [len(sites) for sites in state["large"]["lanes"]] == [0, 2]


def histogram_of(values: list[float]) -> np.ndarray:
    """Return counts of values in the record's bins, (1, B)."""
    return np.histogram(values, HISTOGRAM_EDGES)[0][None].astype(np.uint16)


def test_a_density_peaks_where_the_values_are():
    hill = densities(histogram_of([-0.01, 0.01]), 4.0)[0]
    assert hill.argmax() == MIDDLE and hill[MIDDLE] == DENSITY_TOP
    assert (hill > 0).sum() <= 3
    hill = densities(histogram_of([2.0] * 5), 4.0)[0]
    assert hill.argmax() == pytest.approx(MIDDLE * 1.5, abs=2)


def test_a_density_of_even_values_is_flat_and_ends_with_them():
    hill = densities(histogram_of(list(np.linspace(-2, 2, 40_001))), 4.0)[0]
    inside = hill[MIDDLE - 10 : MIDDLE + 11]
    assert inside.min() > 90 and hill[0] == hill[-1] == 0


def test_values_beyond_the_axis_do_not_make_the_few_inside_look_many():
    hill = densities(histogram_of([50.0] * 10_000 + [0.0]), 4.0)[0]
    assert hill.max() == 0 or hill.max() < 10
    assert not densities(np.zeros((2, BINS), np.uint16), 4.0).any()


def with_fields(record: Record, **arrays: np.ndarray) -> Record:
    """Return the record with fields of its newest statistics of every arm replaced."""
    *others, newest = record.snapshots
    arms = tuple(arm and dataclasses.replace(arm, **arrays) for arm in newest.arms)
    return dataclasses.replace(record, snapshots=(*others, Snapshot(newest.step, arms)))


@pytest.mark.parametrize(("std", "half"), [(0.01, 4), (1, 4), (3, 10), (40, 100), (1e9, 10_000)])
def test_the_axis_of_the_distributions_takes_in_most_layers(std, half):
    record = untrained("none")
    shape = (2, len(SITES), 3)
    moments = {"mean": np.zeros(shape, np.float32), "std": np.full(shape, std, np.float32)}
    assert diagram(with_fields(record, **moments))["axis"] == half


def test_a_layer_says_its_deviation_its_share_and_its_gradient():
    record = with_fields(
        untrained("none"),
        std=np.full((2, len(SITES), 3), 0.5, np.float32),
        dead=np.full((2, 3), 0.25, np.float32),
        gradient_norm=np.array([[1e-3, 0, np.nan, 100]] * 2, np.float32),
    )
    layers = diagram(record)["lanes"][0]["layers"]
    assert [layer["gradient"] for layer in layers] == [-3, -99, None, 2]
    assert (layers[0]["std"], layers[0]["share"]) == ("0.50", "25 % dead")
    assert layers[-1]["density"] == [] and len(layers[0]["density"]) == DENSITY_POINTS


@pytest.mark.parametrize(("activation", "word"), [("tanh", "saturated"), ("gelu", "")])
def test_the_share_is_of_what_can_go_wrong_with_the_activation(activation, word):
    share = diagram(untrained("none", activation=activation))["lanes"][0]["layers"][0]["share"]
    assert share.endswith(word) and bool(share) == bool(word)


def test_the_outputs_are_the_probabilities_of_the_examples_that_are_shown():
    record = untrained("none", "before")
    shown = nets(record)["examples"]
    assert shown["kind"] == "image" and shown["words"] == "8 x 8 pixels"
    assert len(set(shown["truths"])) == len(shown["images"]) == 4
    shades = np.array(shown["images"])
    assert shades.shape == (4, 8, 8) and (shades.min(), shades.max()) == (0, 255)
    for lane in diagram(record)["lanes"]:
        assert np.array(lane["outputs"]).shape == (4, 10)
        assert np.abs(np.sum(lane["outputs"], axis=1) - 100).max() <= 5  # each is rounded


def test_points_of_a_plane_and_the_examples_among_them_lie_within_the_picture():
    shown = nets(untrained("none", data="moons"))["examples"]
    assert shown["kind"] == "plane" and len(shown["shown"]) == len(shown["truths"]) == 4
    places = [point[:2] for point in shown["points"]] + shown["shown"]
    assert np.abs(places).max() <= 1 and np.abs(places).max() > 0.5


def trained_on(record: Record) -> tuple[Record, Snapshot]:
    """Return a record of four steps with two snapshots, and a live snapshot of the last step."""
    training = train(record.comparison)
    results = [next(training), training.send(Request(snapshot=True))]
    results += [training.send(Request(live=step == 2)) for step in range(3)]
    chunk = RecordChunk.of(results)
    assert chunk.live is not None
    kept = dataclasses.replace(chunk, snapshots=chunk.snapshots[:2])
    return Record(record.comparison, record.summary).extended(kept), chunk.live


def gradients(state: Diagram) -> list[float | None]:
    return [layer["gradient"] for lane in state["lanes"] for layer in lane["layers"]]


def test_a_live_measurement_is_shown_unless_the_reader_went_back():
    record, live = trained_on(untrained("none", "before", steps=1000))
    now, recorded = diagram(record, None, live), diagram(record)
    assert (now["at"], recorded["at"]) == (4, 1)
    assert gradients(now) != gradients(recorded)
    assert diagram(record, 0, live) == diagram(record, 0)


def test_a_layer_is_shown_large_at_all_its_places():
    record = untrained("none", "before", "after")
    assert diagram(record)["large"] is None
    large = diagram(record, view=View(layer=2))["large"]
    assert large is not None and large["layer"] == 2
    places = [[site["words"] for site in sites] for sites in large["lanes"]]
    assert places[0] == ["into the activation", "out of the activation"]
    assert places[1] == places[2] == [*places[0], "out of the normalization"]
    normalized = large["lanes"][1][2]["numbers"]
    assert normalized.endswith("std 1.00")


def test_a_net_that_has_ended_has_no_layers_and_says_why():
    record = with_divergence(make_record(), 0, (0, 1, 2), 13)
    lost, other = diagram(record)["lanes"][:2]
    assert lost["kind"] == "diverged" and lost["words"] == "diverged at step 13: layer 4 first"
    assert [layer["sick"] for layer in lost["layers"]] == ["", "", "", "not finite", "", ""]
    assert lost["accuracy"] == "-" and not any(layer["density"] for layer in lost["layers"])
    assert other["layers"][0]["density"]


def test_a_net_lost_after_the_newest_snapshot_is_not_shown_as_it_was():
    record = make_record(trained=15)
    lost = dataclasses.replace(
        record, divergences=tuple(Divergence(0, seed, 14, 2, "loss") for seed in range(3))
    )
    assert diagram(record)["lanes"][0]["layers"][0]["density"]
    lane = diagram(lost)["lanes"][0]
    assert lane["kind"] == "diverged" and not lane["layers"][0]["density"]
    # What the reader goes back to is as it was.
    assert diagram(lost, 1) == diagram(record, 1)


def test_sick_layers_are_named_and_the_state_of_the_net_is_told():
    dead = np.zeros((2, 3), np.float32)
    dead[:, 1:] = 1
    lane = diagram(with_fields(untrained("none"), dead=dead))["lanes"][0]
    assert [layer["sick"] for layer in lane["layers"]] == ["", "dead", "dead", ""]
    assert (lane["kind"], lane["words"]) == ("dead", "dead from the start: layer 2")


def test_a_lost_seed_counts_as_the_worst_in_the_large_numbers():
    record = untrained("none")
    snapshot = record.snapshots[0].arms[0]
    assert snapshot is not None
    lost = changed_fields(snapshot, [0, 1], np.nan)
    record = dataclasses.replace(record, snapshots=(Snapshot(0, (lost,)),))
    lane = diagram(record)["lanes"][0]
    assert (lane["accuracy"], lane["loss"]) == ("diverged", "loss -")
    assert {layer["std"] for layer in lane["layers"]} == {""}


def test_where_most_seeds_are_lost_the_number_of_the_others_is_told_apart():
    record = make_record()
    arm = record.snapshots[-1].arms[0]
    assert arm is not None
    arm.validation_loss[:] = (np.nan, np.nan, 2.31)
    arm.validation_accuracy[:] = (0.5, 0.5, 0.1)
    lane = diagram(record)["lanes"][0]
    assert (lane["accuracy"], lane["loss"]) == ("diverged", "the third: 10 %, loss 2.31")
    assert lane["of"] == "median of 3 seeds"
    arm.validation_loss[:] = (np.nan, 1.0, 2.0)
    arm.validation_accuracy[:] = (0.5, 0.8, 0.6)
    lane = diagram(record)["lanes"][0]
    assert (lane["accuracy"], lane["loss"]) == ("60 %", "loss 2.00"), "lost seeds are the worst"


@pytest.mark.parametrize("name", CASES)
def test_every_record_can_be_drawn(name):
    record = CASES[name]()
    for cursor in (None, 0):
        state = diagram(record, cursor, None, View(layer=1))
        assert len(state["lanes"]) == len(record.comparison.arms)
        orjson.dumps([nets(record), state])

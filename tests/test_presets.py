"""Each preset shows what it says, over nine seeds; the honest one shows the opposite."""

import dataclasses
import os
import re

import numpy as np
import pytest

from bn_core.comparison import Comparison
from bn_core.conclusion import conclude
from bn_core.datasets import published, registry
from bn_core.export import EXPORTS, ExportRequest
from bn_core.export.plan import planned_layers
from bn_core.factorial import factorial
from bn_core.presets import PRESETS, convolutional_listing
from bn_core.records import Record
from bn_core.training import run

ON_DIGITS = convolutional_listing(with_mnist=False)


def nine_seeds(name: str) -> Record:
    comparison = PRESETS[name].comparison
    return run(dataclasses.replace(comparison, base=comparison.base.changed({"replicas": 9})))


def final_accuracies(record: Record) -> tuple[np.ndarray, ...]:
    """Return the validation accuracies of each arm, (K,) each; NaN where a net diverged."""
    found = []
    for index, arm in enumerate(record.snapshots[-1].arms):
        accuracy = np.full(record.comparison.base.replicas, np.nan)
        if arm is not None:
            accuracy[:] = arm.validation_accuracy
        for one in record.divergences:
            if one.arm == index:
                accuracy[one.replica] = np.nan
        found.append(accuracy)
    return tuple(found)


@pytest.mark.slow
def test_at_rate_one_plain_nets_die_and_batch_norm_learns():
    record = nine_seeds("rate")
    plain, normalized = final_accuracies(record)
    assert (np.isnan(plain) | (plain < 0.2)).all()
    assert {one.arm for one in record.divergences} == {0}
    assert (normalized > 0.93).all()


@pytest.mark.slow
def test_the_first_papers_net_learns_sooner_with_batch_norm():
    plain, normalized = final_accuracies(nine_seeds("sigmoid"))
    assert normalized.min() > plain.max() + 0.1


@pytest.mark.slow
def test_batch_norm_mends_a_badly_scaled_start():
    plain, normalized = final_accuracies(nine_seeds("scale"))
    assert (plain <= 0.15).all() and (normalized >= 0.9).all()
    assert np.median(normalized) >= 0.96  # measured over three times nine seeds: .976 to .982


@pytest.mark.slow
def test_at_a_small_rate_plain_nets_learn_faster():
    plain, normalized = final_accuracies(nine_seeds("honest"))
    for three in (slice(0, 3), slice(3, 6), slice(6, 9)):  # as many as the preset shows
        assert np.median(plain[three]) > np.median(normalized[three]) + 0.1


@pytest.mark.slow
def test_norm_in_some_layers_is_not_norm_in_all():
    plain, first_half, last, every = final_accuracies(nine_seeds("layers"))
    assert (np.isnan(plain) | (plain < 0.2)).all()
    assert np.isnan(first_half).any() and np.nanmax(first_half) < 0.7
    assert np.isfinite(last).all() and last.max() < 0.75
    assert every.min() > 0.95


@pytest.mark.slow
def test_adam_helps_plain_nets_and_batch_norm_helps_both_optimizers():
    plain, plain_adam, normalized, normalized_adam = final_accuracies(nine_seeds("optimizers"))
    assert plain.max() < 0.12 and plain_adam.min() > 0.5 and plain_adam.max() < 0.9
    assert normalized.min() > 0.93 and normalized_adam.min() > 0.93
    assert abs(np.median(normalized) - np.median(normalized_adam)) < 0.02


@pytest.mark.slow
def test_batches_of_four_fall_behind_and_larger_ones_end_alike():
    four, *larger = final_accuracies(nine_seeds("batches"))
    assert four.max() < 0.85 and min(values.min() for values in larger) > 0.95
    medians = [np.median(values) for values in larger]
    assert max(medians) - min(medians) < 0.02


@pytest.mark.slow
def test_batches_of_two_are_enough_for_channels_and_too_few_for_units():
    channels, units = final_accuracies(nine_seeds("channels"))
    assert channels.min() > 0.75 and units.max() < 0.5


@pytest.mark.slow
def test_the_lower_rate_costs_about_what_batch_norm_gains_in_the_convolutional_listing():
    """Three seeds, as the preset shows; over nine: rate -.108 to -.012, norm +.044 to +.106."""
    record = run(ON_DIGITS.comparison)
    effects = factorial(record, final_accuracies(record))
    assert effects is not None
    rate, norm = np.median(effects.of_rate), np.median(effects.of_norm)
    assert rate < -0.02 and norm > 0.02
    assert abs(np.median(effects.difference)) < 0.03 < norm - rate
    assert "From no norm at rate 0.01 to batch norm at rate 0.001" in conclude(record)


@pytest.mark.slow
@pytest.mark.skipif(
    not os.environ.get("BN_LAB_TEST_DATA"),
    reason="BN_LAB_TEST_DATA names no folder with the real MNIST",
)
def test_the_convolutional_listing_shows_the_same_on_mnist(monkeypatch):
    monkeypatch.setenv("BN_LAB_DATA", os.environ["BN_LAB_TEST_DATA"])
    (spec,) = (s for s in published.specs(published.data_folder()) if s.name == "mnist")
    monkeypatch.setattr(registry, "DATASETS", {**registry.DATASETS, "mnist": spec})
    held = convolutional_listing(with_mnist=True).comparison
    record = run(held)
    effects = factorial(record, final_accuracies(record))
    assert effects is not None
    assert np.median(effects.of_rate) < -0.02 and np.median(effects.of_norm) > 0.02


@pytest.mark.slow
def test_the_dense_listing_is_ahead_with_batch_norm_at_first_and_close_in_the_end():
    held = nine_seeds("dense")
    early = next(snapshot for snapshot in held.snapshots if snapshot.step >= 50)
    plain, normalized = (np.asarray(arm.validation_accuracy) for arm in early.arms if arm)
    assert np.median(normalized) > np.median(plain) + 0.01
    plain, normalized = final_accuracies(held)
    assert abs(np.median(normalized) - np.median(plain)) < 0.02


def parts_of(comparison: Comparison, arm: int) -> list[tuple[str, int]]:
    """Return kind and units of every part of a net, in order."""
    layers = planned_layers(comparison.configs[arm])
    return [(part.kind, part.units) for layer in layers for part in layer.parts]


def test_the_nets_of_the_listings_are_those_that_were_printed():
    conv = [("image", 1), ("conv", 32), ("norm", 32), ("activation", 32), ("pool", 32),
            ("conv", 64), ("norm", 64), ("activation", 64), ("pool", 64),
            ("flatten", 256), ("linear", 64), ("norm", 64), ("activation", 64),
            ("linear", 10)]  # fmt: skip
    for arm in (1, 3):
        assert parts_of(ON_DIGITS.comparison, arm) == conv
    plain = [part for part in conv if part[0] != "norm"]
    assert parts_of(ON_DIGITS.comparison, 0) == parts_of(ON_DIGITS.comparison, 2) == plain
    rates = [config.learning_rate for config in ON_DIGITS.comparison.configs]
    assert rates == [0.01, 0.01, 0.001, 0.001]
    on_mnist = convolutional_listing(with_mnist=True).comparison.base
    assert (on_mnist.data, on_mnist.pooling, on_mnist.optimizer) == ("mnist", True, "adam")
    dense = [("linear", 128), ("norm", 128), ("activation", 128), ("linear", 64), ("norm", 64),
             ("activation", 64), ("linear", 10)]  # fmt: skip
    assert parts_of(PRESETS["dense"].comparison, 1) == dense


@pytest.mark.parametrize(
    ("kind", "lines"),
    [
        ("pytorch", "Unflatten Conv2d BatchNorm2d ReLU MaxPool2d Conv2d BatchNorm2d ReLU MaxPool2d "
                    "Flatten Linear BatchNorm1d ReLU Linear"),
        ("keras", "Input Reshape linear BatchNormalization Activation MaxPooling2D linear "
                  "BatchNormalization Activation MaxPooling2D Flatten linear BatchNormalization "
                  "Activation linear Model"),
    ],
)  # fmt: skip
def test_exported_code_has_the_layers_of_the_listing_line_by_line(kind, lines):
    text = EXPORTS[kind].make(ExportRequest(ON_DIGITS.comparison)).decode()
    begin = {"pytorch": "class BnBeforeNet(nn.Module)", "keras": "def bn_before_net(linear)"}[kind]
    net = text[text.index(begin) :].partition("\n\n\n")[0]
    calls = re.findall(r"(?:nn|layers|keras|=)[. ](\w+)\(", net)
    assert [name for name in calls if name not in ("Module", "Sequential")] == lines.split()
    assert "32, kernel" in net and net.count("64, kernel") == 1


def test_without_mnist_the_listing_says_that_its_data_are_others():
    assert "MNIST is not on this server" in ON_DIGITS.text
    on_mnist = convolutional_listing(with_mnist=True)
    assert on_mnist.about_data == "" and "over 5 points" in on_mnist.text
    assert "over 5 points" not in ON_DIGITS.text, "that was measured on MNIST"


@pytest.mark.parametrize("name", list(PRESETS))
def test_a_preset_explains_itself_in_two_sentences(name):
    preset = PRESETS[name]
    assert preset.words.count(". ") == 1 and preset.words.endswith(".")
    assert preset.comparison.problem() == ""

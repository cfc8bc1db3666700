"""Starts of residual branches, fine-tuning and weight decay: what is computed, and real runs."""

import numpy as np
import pytest
import torch

from bn_core.config import Config
from bn_core.datasets.loading import load_per_seed
from bn_core.experiments import branch_starts, effective_rate, fine_tuning, run
from bn_core.experiments.base import make_trainer
from bn_core.nets.layers import BranchScale

SEEDS = np.linspace(-0.01, 0.01, 3)


def branch_partials(none: float, skipinit: float, skipinit_large: float) -> dict:
    """Return ended shards of three seeds with these accuracies, batch norm's at 0.95."""
    usual = {"none": none, "skipinit": skipinit}
    large = {"none": 0.0, "skipinit": skipinit_large}
    return {
        name: {
            "rates": np.array([0.1, 1.0]),
            "accuracy": np.column_stack(
                [usual.get(name, 0.95) + SEEDS, large.get(name, 0.95) + SEEDS]
            ),
            "complete": True,
        }
        for name in branch_starts.SPEC.shards
    }


@pytest.mark.parametrize(
    ("none", "skipinit", "skipinit_large", "kinds"),
    [
        (0.05, 0.95, 0.05, ["holds", "holds"]),
        (0.05, 0.95, 0.94, ["holds", "fails"]),
        (0.05, 0.10, 0.05, ["fails", "untested"]),
        (0.95, 0.95, 0.05, ["untested", "holds"]),
    ],
)
def test_start_and_rate_are_decided_apart(none, skipinit, skipinit_large, kinds):
    result = branch_starts.summarize(branch_partials(none, skipinit, skipinit_large))
    verdict = branch_starts.EXPERIMENT.decide(result)
    assert [part.kind for part in verdict.parts] == kinds


def test_fixed_branches_are_divided_by_the_root_of_their_number_and_stay():
    config = Config(architecture="residual", depth=5, branch_start="skipinit", replicas=2)
    trainer = make_trainer(config)
    branch_starts.fix_branches(trainer)
    scales = [module for module in trainer.net.modules() if isinstance(module, BranchScale)]
    assert len(scales) == 4
    trainer.step()
    for scale in scales:
        torch.testing.assert_close(scale.alpha.detach(), torch.full((2,), 0.5), rtol=0, atol=0)


@pytest.fixture(scope="module")
def halves():
    config = Config(depth=2, replicas=2, normalization="batch", batch_size=16)
    return config, load_per_seed(config), *fine_tuning.classes_of(load_per_seed(config))


def test_fine_tuning_splits_the_classes_and_numbers_them_from_0(halves):
    _, data, old, new = halves
    assert (old.classes, new.classes) == (tuple("01234"), tuple("56789"))
    for part in (old, new):
        for labels in (part.train_labels, part.validation_labels):
            assert all(row.unique().tolist() == list(range(5)) for row in labels)
    assert new.train_inputs.shape[1] == 600
    first = (data.train_labels[1] >= 5).nonzero()[0, 0]
    torch.testing.assert_close(new.train_inputs[1, 0], data.train_inputs[1, first], rtol=0, atol=0)
    assert new.train_labels[1, 0] == data.train_labels[1, first] - 5


def test_a_new_head_leaves_the_trained_layers_as_they_are(halves):
    config, _, old, _ = halves
    trainer = fine_tuning.Trainer(config, old, fine_tuning.build(config, old.input_shape, 5))
    trainer.step()
    tuned = fine_tuning.with_new_head(trainer.net)
    same = [a.equal(b) for a, b in zip(tuned.weights, trainer.net.weights, strict=True)]
    assert same == [True, True, False]
    (norm, trained) = (net.norms[0] for net in (tuned, trainer.net))
    assert norm.running_mean.equal(trained.running_mean) and norm is not trained  # type: ignore


def tuned_partials(two: dict[str, float], large: dict[str, float]) -> dict:
    """Return ended shards of three seeds with accuracies by mode, batches of 2 and rate 0.8."""
    return {
        name: {
            "before": 0.99 + SEEDS / 10,
            "sizes": np.array([2, 32]),
            "sizes_accuracy": np.column_stack([two[name] + SEEDS, 0.96 + SEEDS]),
            "rates": np.array([0.2, 0.8]),
            "rates_accuracy": np.column_stack([0.96 + SEEDS, large[name] + SEEDS]),
            "complete": True,
        }
        for name in fine_tuning.SPEC.shards
    }


@pytest.mark.parametrize(
    ("two", "large", "kinds"),
    [
        ((0.6, 0.97, 0.6), (0.97, 0.0), ["holds", "holds"]),
        ((0.96, 0.97, 0.96), (0.97, 0.97), ["fails", "fails"]),
        ((0.6, 0.97, 0.97), (0.97, 0.0), ["depends", "holds"]),
        ((0.6, 0.5, 0.6), (0.5, 0.0), ["untested", "untested"]),
    ],
)
def test_batches_of_two_and_large_rates_are_decided_apart(two, large, kinds):
    modes = fine_tuning.SPEC.shards
    partials = tuned_partials(
        dict(zip(modes, two, strict=True)), dict(zip(modes, (*large, 0.9), strict=True))
    )
    verdict = fine_tuning.EXPERIMENT.decide(fine_tuning.summarize(partials))
    assert [part.kind for part in verdict.parts] == kinds


def test_the_angle_between_directions_does_not_depend_on_their_lengths():
    turned = torch.tensor([[1.0, 0.0], [0.0, 3.0]], dtype=torch.float64)
    other = torch.tensor([[2.0, 2e-7], [0.0, -1.0]], dtype=torch.float64)
    found = effective_rate.angle(turned, other)
    torch.testing.assert_close(found, torch.tensor([1e-7, np.pi], dtype=torch.float64))


def test_the_last_steps_angle_is_that_between_the_weights_before_and_after():
    config = Config(depth=2, normalization="batch", weight_decay=0.05, replicas=2)
    trainer = make_trainer(config)
    effective_rate.spare_output(trainer)
    before = [layer.weight.detach().clone().double() for layer in trainer.net.hidden]
    output = trainer.net.output.weight
    started = output.detach().clone()
    trainer.step()
    found = effective_rate.turning(trainer)
    for index, (old, layer) in enumerate(zip(before, trainer.net.hidden, strict=True)):
        new = layer.weight.detach().double()
        expected = effective_rate.angle(old.flatten(1), new.flatten(1)).numpy()
        np.testing.assert_allclose(found["angle"][:, index], expected, rtol=1e-4)
    assert output.grad is not None
    moved = started - config.learning_rate * output.grad
    torch.testing.assert_close(output.detach(), moved)


def test_a_fifth_of_the_labels_is_drawn_anew_and_a_tenth_of_those_stay_right():
    trainer = make_trainer(Config(replicas=2, batch_size=512))
    labels = effective_rate.NoisyLabels(trainer)
    inputs, noisy = labels.next()
    clean = make_trainer(Config(replicas=2, batch_size=512)).batches.next()
    torch.testing.assert_close(inputs, clean[0], rtol=0, atol=0)
    share = (noisy != clean[1]).float().mean().item()
    assert 0.13 < share < 0.23, "nine tenths of a fifth"
    assert not noisy[0].equal(noisy[1])


def test_the_layer_farthest_from_the_law_counts():
    ratios = np.array([[1.0, 1.2, 0.9], [1.0, 1.2, 0.5]])
    np.testing.assert_array_equal(effective_rate.furthest(ratios), [1.2, 0.5])


def decay_partials(angle: float, times: float, plain: float) -> dict:
    """Return ended shards whose angles are this many times the law's, and rates as told."""
    found = {}
    for name, decay in (("without", 0.0), ("small", 0.005), ("large", 0.05), ("none", 0.05)):
        ratio = plain if name == "none" else angle
        turned = ratio * effective_rate.equilibrium(decay) if decay else 0.01
        square = 1.0 if name == "without" else 1 / times
        found[name] = {
            "steps": np.arange(10, 410, 10),
            "angle": np.full((3, 40, 3), turned) * (1 + SEEDS)[:, None, None],
            "square": np.full((3, 40, 3), square) * (1 + SEEDS)[:, None, None],
            "complete": True,
        }
    return found


@pytest.mark.parametrize(
    ("angle", "times", "plain", "kinds"),
    [
        (1.0, 50.0, 0.3, ["holds", "holds", "holds"]),
        (0.5, 50.0, 0.3, ["fails", "fails", "holds"]),
        (1.0, 1.0, 1.0, ["holds", "untested", "fails"]),
        (1.0, 0.5, 0.3, ["holds", "holds", "fails"]),
    ],
)
def test_equilibrium_and_effective_rate_are_decided_apart(angle, times, plain, kinds):
    result = effective_rate.summarize(decay_partials(angle, times, plain))
    verdict = effective_rate.EXPERIMENT.decide(result)
    assert [part.kind for part in verdict.parts] == kinds


@pytest.mark.slow
def test_skipinit_learns_at_the_usual_rate_only():
    result, verdict = run("skipinit", seeds=2, quick=True)
    assert (result["skipinit_usual"].values >= 0.85).all()
    assert (result["none_usual"].values <= 0.3).all()
    assert (result["before_large"].values >= 0.9).all()
    assert (result["skipinit_large"].values <= 0.3).all()
    assert verdict.kind != "fails"


@pytest.mark.slow
def test_frozen_statistics_serve_batches_of_two_and_not_large_rates():
    result, verdict = run("finetune", seeds=2, quick=True)
    assert (result["statistics_two"].values >= 0.9).all()
    assert (result["none_two"].values <= 0.9).all()
    assert (result["tolerance"].values >= 0.5).all()
    assert verdict.kind != "fails"


@pytest.mark.slow
def test_decay_sets_the_angle_by_which_weights_turn():
    result, verdict = run("decay", seeds=2, quick=True)
    np.testing.assert_allclose(result["large_ratio"].values, 1.0, rtol=0.12)
    assert (result["none_ratio"].values <= 0.6).all()
    assert (result["times"].values >= 20).all()
    assert verdict.kind != "fails"

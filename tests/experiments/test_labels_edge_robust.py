"""Wrong labels, the edge of stability and perturbed inputs: what is computed, and real runs."""

import numpy as np
import pytest
import torch
from torch import nn

from bn_core import lessons
from bn_core.config import Config
from bn_core.datasets.loading import load_per_seed
from bn_core.experiments import edge_of_stability, robustness, run, wrong_labels
from bn_core.experiments.base import make_trainer
from bn_core.lessons.evidence import Evidence
from bn_core.results import Metric, Result

SEEDS = np.linspace(-0.002, 0.002, 3)


def test_a_fifth_of_the_labels_is_wrong_and_differs_between_seeds():
    data = load_per_seed(Config(replicas=2))
    changed = wrong_labels.with_wrong_labels(data, 0)
    assert changed.train_inputs.shape[1] == 192
    differs = changed.train_labels != data.train_labels[:, :192]
    assert differs.sum(dim=1).tolist() == [38, 38] and not differs[0].equal(differs[1])
    alone = wrong_labels.with_wrong_labels(load_per_seed(Config(replicas=1, seed=1)), 1)
    assert alone.train_labels[0].equal(changed.train_labels[1])
    assert changed.validation_labels.equal(data.validation_labels)


def test_accuracy_is_taken_where_the_level_is_first_reached():
    given = np.array([[0.5, 0.9, 0.8], [0.2, 0.3, 0.4]])
    new = np.array([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]])
    np.testing.assert_array_equal(wrong_labels.at_level(given, new, 0.85), [0.2, np.nan])


def label_partials(during: float, end: float, dropout: float) -> dict:
    """Return ended shards of three seeds in which statistics of four add so much accuracy."""
    steps = np.array([2, 4, 6])
    given = np.tile([0.5, 0.85, 1.0], (3, 1))

    def shard(level: float, last: float) -> dict:
        new = np.column_stack([np.full(3, 0.4), level + SEEDS, last + 2 * SEEDS])
        return {"steps": steps, "given": given, "new": new, "complete": True}

    partials = {name: shard(0.75, 0.75) for name in wrong_labels.SPEC.shards}
    others = {"ghost4": shard(0.75 + during, 0.75 + end), "dropout": shard(0.8, 0.75 + dropout)}
    shifted = {name: one | {"new": one["new"] + SEEDS[:, None]} for name, one in others.items()}
    return partials | shifted


@pytest.mark.parametrize(
    ("during", "end", "dropout", "kinds"),
    [
        (0.06, 0.0, 0.08, ["holds", "fails"]),
        (0.06, 0.06, 0.08, ["holds", "holds"]),
        (0.0, -0.06, 0.08, ["fails", "fails"]),
        (0.06, 0.0, 0.0, ["holds", "untested"]),
    ],
)
def test_the_way_and_the_end_are_decided_apart(during, end, dropout, kinds):
    result = wrong_labels.summarize(label_partials(during, end, dropout))
    verdict = wrong_labels.EXPERIMENT.decide(result)
    assert [part.kind for part in verdict.parts] == kinds
    assert "without a norm" in verdict.words


def test_power_iteration_finds_each_nets_own_largest_eigenvalue():
    curvatures = torch.tensor([[1.0, 3.0, 2.0], [5.0, 0.5, 4.0]])
    weights = nn.Parameter(torch.ones(2, 3))
    vectors = [torch.tensor([[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]])]
    losses = (curvatures * weights.square()).sum(dim=1) / 2
    found, _ = edge_of_stability.sharpness(losses, [weights], vectors, 100)
    torch.testing.assert_close(found, torch.tensor([3.0, 5.0]), rtol=1e-5, atol=0)


@pytest.mark.parametrize("arm", ["none", "before"])
def test_the_gradient_changes_along_the_sharpest_direction_as_the_sharpness_says(arm):
    net, loss_of = edge_of_stability.problem(arm, 1, 0)
    parameters = list(net.parameters())
    draw = torch.Generator().manual_seed(0)
    vectors = [torch.randn(p.shape, generator=draw) for p in parameters]
    found, vectors = edge_of_stability.sharpness(loss_of(), parameters, vectors, 60)
    length = torch.cat([v.flatten() for v in vectors]).norm()
    step, gradients = 0.01, []
    for sign in (1, -1):
        with torch.no_grad():
            for parameter, vector in zip(parameters, vectors, strict=True):
                parameter += sign * step * vector / length
        gradients.append(torch.autograd.grad(loss_of().sum(), parameters))
        with torch.no_grad():
            for parameter, vector in zip(parameters, vectors, strict=True):
                parameter -= sign * step * vector / length
    pairs = zip(*gradients, vectors, strict=True)
    along = sum(((up - down) * v / length).sum() for up, down, v in pairs)
    assert float(along) / (2 * step) == pytest.approx(float(found[0]), rel=0.02)


def edge_partials(none: float, before: float, lowest: float) -> dict:
    """Return ended shards of three seeds whose product ends at these values."""
    ends = {"none": none, "before": before}
    found = {}
    for name, (arm, rate) in {
        "none_low": ("none", 0.2), "none_high": ("none", 0.3),
        "before_low": ("before", 0.1), "before_high": ("before", 0.2),
    }.items():  # fmt: skip
        product = np.column_stack([np.full(3, lowest), *[ends[arm] + SEEDS] * 3])
        sharpness = product * 2 / rate
        measured = {"steps": np.array([0, 50, 100, 150]), "sharpness": sharpness}
        found[name] = measured | {"loss": product, "rises": np.full(3, 0.3), "complete": True}
    return found


@pytest.mark.parametrize(
    ("none", "before", "lowest", "kinds"),
    [
        (1.0, 1.02, 0.5, ["holds", "holds"]),
        (1.0, 0.4, 0.3, ["holds", "fails"]),
        (2.0, 2.0, 0.5, ["fails", "fails"]),
        (1.0, 1.0, 0.95, ["untested", "untested"]),
    ],
)
def test_either_net_has_its_own_verdict_on_the_edge(none, before, lowest, kinds):
    result = edge_of_stability.summarize(edge_partials(none, before, lowest))
    verdict = edge_of_stability.EXPERIMENT.decide(result)
    assert [part.kind for part in verdict.parts] == kinds


def test_an_attack_stays_in_its_box_and_raises_the_loss_without_a_trace():
    trainer = make_trainer(Config(depth=2, normalization="batch", replicas=2))
    for _ in range(30):
        trainer.step()
    before = {name: value.clone() for name, value in trainer.net.state_dict().items()}
    clean = trainer.dataset.validation_inputs[:, :50]
    data = trainer.dataset.validation_labels[:, :50]
    trainer.dataset = wrong_labels.dataclasses.replace(
        trainer.dataset, validation_inputs=clean, validation_labels=data
    )
    draws = [torch.Generator().manual_seed(seed) for seed in range(2)]
    moved = robustness.attacked(trainer, clean, 0.2, draws)
    assert ((moved - clean).abs() <= 0.2 + 1e-6).all()
    losses = [trainer.evaluate("running", inputs)[0] for inputs in (clean, moved)]
    assert (losses[1] > losses[0]).all()
    after = trainer.net.state_dict()
    assert all(after[name].equal(value) for name, value in before.items())


def robust_partials(attack: float, noise: float, clean: float = 0.96) -> dict:
    """Return ended shards of three seeds in which batch norm has so much more accuracy."""
    found = {}
    for name in robustness.SPEC.shards:
        more = (attack, noise) if name == "before" else (0.0, 0.0)
        found[name] = {
            "epsilons": np.array([0.1, 0.2]),
            "noises": np.array([0.5, 1.0]),
            "steps": np.full(3, 100.0),
            "clean": np.full(3, clean),
            "attack": np.column_stack([0.7 + more[0] + SEEDS * (name == "before"), SEEDS + 0.3]),
            "noise": np.column_stack([SEEDS + 0.8, 0.6 + more[1] + SEEDS * (name == "before")]),
            "complete": True,
        }
    return found


@pytest.mark.parametrize(
    ("attack", "noise", "clean", "kinds"),
    [
        (-0.05, -0.08, 0.96, ["holds", "holds"]),
        (0.0, -0.08, 0.96, ["fails", "holds"]),
        (0.05, 0.05, 0.96, ["fails", "fails"]),
        (-0.05, -0.08, 0.5, ["untested", "untested"]),
    ],
)
def test_attacks_and_noise_are_decided_apart(attack, noise, clean, kinds):
    result = robustness.summarize(robust_partials(attack, noise, clean))
    verdict = robustness.EXPERIMENT.decide(result)
    assert [part.kind for part in verdict.parts] == kinds


def test_a_net_that_never_had_the_clean_accuracy_counts_as_lost():
    partials = robust_partials(-0.05, -0.08)
    partials["before"]["steps"] = np.array([100.0, np.inf, 100.0])
    result = robustness.summarize(partials)
    assert np.isnan(result["attack"].values).tolist() == [False, True, False]
    assert "1 of 3" in robustness.EXPERIMENT.decide(result).words


@pytest.mark.slow
def test_noisy_statistics_help_on_the_way():
    result, verdict = run("labels", seeds=2, quick=True)
    assert (result["during"].values >= 0.01).all()
    assert (result["whole_given"].values >= 0.95).all()
    assert verdict.kind != "fails"


@pytest.mark.slow
def test_the_plain_net_reaches_the_edge_from_below():
    result, verdict = run("edge", seeds=2, quick=True)
    np.testing.assert_allclose(result["none"].values, 1.0, rtol=0.1)
    assert (result["none_low_lowest"].values < 0.9).all()
    assert (result["none_low_rises"].values > 0.02).all()
    assert verdict.kind != "fails"


@pytest.mark.slow
def test_attacks_on_nets_of_one_clean_accuracy():
    result, verdict = run("robust", seeds=2, quick=True)
    for name in ("none", "before", "layer"):
        assert (np.abs(result[f"{name}_clean"].values - 0.96) < 0.02).all()
        assert (result[f"{name}_lost"].values > 0.05).all()
    assert verdict.kind != "fails"


@pytest.mark.parametrize(
    ("slug", "metrics", "right"),
    [
        ("labels", {"end": 0.05}, 0),
        ("labels", {"end": -0.01}, 1),
        ("labels", {"end": -0.05}, 2),
        ("edge", {"before": 0.4}, 0),
        ("edge", {"before": 1.03}, 1),
        ("edge", {"before": 2.0}, 2),
        ("robust", {"attack": 0.05}, 0),
        ("robust", {"attack": 0.0}, 1),
        ("robust", {"attack": -0.05}, 2),
        ("skipinit", {"rate": 0.0, "skipinit_large": 0.95}, 0),
        ("skipinit", {"rate": 0.3, "skipinit_large": 0.65}, 1),
        ("skipinit", {"rate": 0.95, "skipinit_large": 0.0}, 2),
        ("finetune", {"none_two": 0.95, "parameters_two": 0.95, "statistics_two": 0.95}, 0),
        ("finetune", {"none_two": 0.6, "parameters_two": 0.95, "statistics_two": 0.95}, 1),
        ("finetune", {"none_two": 0.6, "parameters_two": 0.6, "statistics_two": 0.95}, 2),
        ("finetune", {"none_two": 0.6, "parameters_two": 0.6, "statistics_two": 0.6}, None),
        ("decay", {"large_angle": 0.001, "without_angle": 0.003, "large_ratio": 0.01}, 0),
        ("decay", {"large_angle": 0.1, "without_angle": 0.003, "large_ratio": 1.0}, 1),
        ("decay", {"large_angle": 0.003, "without_angle": 0.003, "large_ratio": 0.03}, 2),
    ],
)
def test_numbers_decide_which_prediction_is_right(slug, metrics, right):
    found = tuple(Metric(key, key, np.array([value])) for key, value in metrics.items())
    measured, _ = lessons.predictions()[slug].measured(
        Evidence(results={slug: Result(metrics=found)})
    )
    assert measured == right

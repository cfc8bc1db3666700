"""Seeds are the reader's: seed k is the same whether it runs alone or in company."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch

from bn_core.config import Config
from bn_core.datasets.loading import load_per_seed
from bn_core.experiments import run, shard_of, summarized
from bn_core.experiments.base import Shard, Trainer, half_accuracies, make_trainer

ARRAYS = ("train_inputs", "train_labels", "validation_inputs", "validation_labels")


SHARDS = [
    ("figure1", "before", 30),
    ("noisy", "noisy", 12),
    ("noisy", "none-noisy", 12),
    ("ics", "none", 40),
    ("landscape", "before", 15),
    ("scale", "before", 15),
    ("affine", "affine", 30),
]
"""Experiment, shard, and after how much of its progress it is compared."""


def losses_of(trainer: Trainer, steps: int) -> np.ndarray:
    training = Shard(steps).train(trainer, steps, "training")
    while True:
        try:
            next(training)
        except StopIteration as stop:
            return stop.value


def second_of_three_and_alone(
    config: Config, steps: int, *, fused: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """Return one seed's losses, trained with two other seeds and alone."""
    configs = config.changed({"replicas": 3}), config.changed({"seed": config.seed + 1})
    trainers = [Trainer(one, load_per_seed(one), fused=fused) for one in configs]
    together, alone = (losses_of(trainer, steps) for trainer in trainers)
    return together[1], alone[0]


def partial_of(slug: str, shard: str, progress: int, seeds: int, first_seed: int) -> Mapping:
    """Return what a shard has found after some of its progress."""
    working = shard_of(slug, shard, seeds, first_seed, True)
    partial: dict[str, Any] = {}
    for _ in range(progress):
        partial = next(working).partial
    return partial


@pytest.mark.parametrize("data", ["digits", "moons"])
@pytest.mark.parametrize("replica", [0, 2])
def test_data_weights_and_batches_of_a_seed_do_not_depend_on_its_company(data: str, replica: int):
    together = make_trainer(Config(data=data, seed=5, replicas=3, depth=2, normalization="batch"))
    alone = make_trainer(
        Config(data=data, seed=5 + replica, replicas=1, depth=2, normalization="batch")
    )
    for name in ARRAYS:
        array = getattr(together.dataset, name)
        assert torch.equal(array[replica], getattr(alone.dataset, name)[0])
        assert not torch.equal(array[0], array[1]), "the split varies with the seed"
    for ours, theirs in zip(together.net.parameters(), alone.net.parameters(), strict=True):
        assert torch.equal(ours[replica], theirs[0])
    for _ in range(2 * together.dataset.train_size // together.config.batch_size):
        for ours, theirs in zip(together.batches.next(), alone.batches.next(), strict=True):
            assert torch.equal(ours[replica], theirs[0])


@pytest.mark.parametrize("normalization", ["none", "batch"])
def test_a_seed_trains_alone_as_in_company(normalization: str):
    config = Config(normalization=normalization, seed=3, replicas=1, depth=3)
    together, alone = second_of_three_and_alone(config, 30)
    np.testing.assert_array_equal(together, alone)


@pytest.mark.parametrize("normalization", ["none", "batch"])
@pytest.mark.parametrize("width", [10, 30])
@pytest.mark.parametrize("fused", [True, False])
def test_layers_of_any_width_train_alone_as_in_company(normalization: str, width: int, fused: bool):
    config = Config(normalization=normalization, width=width, seed=3, replicas=1, depth=3)
    together, alone = second_of_three_and_alone(config, 30, fused=fused)
    if normalization == "none" and not fused:
        np.testing.assert_array_equal(together, alone)
    # The fused step and torch's batch norm hold the units of all replicas in one row. Its sums are
    # added in another order for three replicas than for one where the width is no multiple of 32:
    # a rounding of the loss in each of the 30 steps.
    np.testing.assert_allclose(together, alone, rtol=30 * 2**-23)


@pytest.mark.slow
@pytest.mark.parametrize(("slug", "shard", "progress"), SHARDS)
def test_a_shard_measures_of_a_seed_alone_what_it_does_in_company(
    slug: str, shard: str, progress: int
):
    together = partial_of(slug, shard, progress, 3, 4)
    alone = partial_of(slug, shard, progress, 1, 5)
    assert together.keys() == alone.keys()
    measured = [key for key in alone if key != "count" and not key.endswith("steps")]
    assert measured
    for key in measured:
        assert together[key].shape == (3, *alone[key].shape[1:])
        np.testing.assert_allclose(together[key][1], alone[key][0], rtol=1e-4, atol=1e-5)
        others = together[key][0], together[key][2]
        assert key in ("accuracy", "cosine") or all((one != alone[key][0]).any() for one in others)


def test_each_replica_is_evaluated_on_its_own_data():
    trainer = make_trainer(Config(depth=2, width=8, replicas=2))
    loss, accuracy = trainer.evaluate()
    for replica in range(2):
        data = trainer.dataset
        mine = data.validation_inputs[replica], data.validation_labels[replica]
        again = trainer.evaluate("running", *mine)
        assert again[0][replica] == loss[replica] and again[1][replica] == accuracy[replica]


def test_the_two_halves_of_the_held_out_data_share_no_example():
    trainer = make_trainer(Config(depth=2, width=8, replicas=2))
    whole = trainer.evaluate()[1].numpy()
    chosen, reported = half_accuracies(trainer)
    np.testing.assert_allclose((chosen + reported) / 2, whole, rtol=1e-6)


def test_one_split_for_all_is_still_to_be_had():
    assert Trainer(Config(replicas=2, depth=2)).dataset.train_inputs.dim() == 2
    assert load_per_seed(Config(replicas=2)).train_inputs.dim() == 3


@pytest.mark.slow
@pytest.mark.parametrize("slug", ["lag", "eval", "adabn", "depth", "explode"])
def test_an_experiment_on_one_seed_is_that_seed_of_a_run_of_three(slug: str):
    together, _ = run(slug, seeds=3, first_seed=0, quick=True)
    alone, verdict = run(slug, seeds=1, first_seed=1, quick=True)
    assert [metric.key for metric in alone.metrics] == [one.key for one in together.metrics]
    for metric in alone.metrics:
        np.testing.assert_allclose(together[metric.key].values[1], metric.values[0], rtol=1e-6)
    assert (verdict.kind, verdict.settled) == ("depends", False)


@pytest.mark.parametrize(
    ("seeds", "first_seed", "message"),
    [(0, 0, "1 to 10"), (11, 0, "1 to 10"), (3, -1, "0 to 999999"), (3, 1_000_000, "0 to 999999")],
)
def test_seeds_out_of_bounds_are_refused(seeds: int, first_seed: int, message: str):
    with pytest.raises(ValueError, match=message):
        next(shard_of("lag", "slow", seeds, first_seed, True))


def test_what_there_is_not_is_refused():
    with pytest.raises(ValueError, match="There is no experiment nothing"):
        run("nothing")
    with pytest.raises(ValueError, match="no shard fast"):
        next(shard_of("lag", "fast", 3, 0, True))


def test_there_is_no_verdict_before_every_shard_has_ended():
    working = shard_of("lag", "slow", 2, 0, True)
    for _ in range(20):
        partial = next(working).partial
    task = summarized("lag", {"slow": partial}, True)
    next(task)
    with pytest.raises(StopIteration) as stop:
        next(task)
    result, verdict = stop.value.value
    assert verdict is None and len(result.panels[0].curves) == 2
    assert result.panels[0].curves[0].y.shape == (2, 2)


def test_a_diverged_loss_stays_infinite_and_training_ends_when_all_have_diverged():
    wild = Config(depth=10, initialization="he", learning_rate=30.0, replicas=2)
    losses = losses_of(make_trainer(wild), 200)
    assert losses.shape == (2, 200)
    assert np.isfinite(losses[:, 0]).all() and np.isinf(losses[:, -1]).all()
    for row in losses:
        first = int(np.isinf(row).argmax())
        assert np.isinf(row[first:]).all()

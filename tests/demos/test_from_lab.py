"""Values that a layer of the Lab's nets feeds its normalization, against the Lab's training."""

import re

import numpy as np
import pytest
import torch

from bn_core.comparison import ARMS, Comparison
from bn_core.config import Config
from bn_core.demos.from_lab import MOST_EXAMPLES, MOST_UNITS, from_lab
from bn_core.experiments import _ended
from bn_core.training import ArmTrainer, Batches, Setup


def lab(*arms: str, **changes) -> Comparison:
    base = Config(depth=3, width=16, batch_size=32, steps=120).changed(changes)
    return Comparison(base, tuple(ARMS[name] for name in arms))


def replayed(comparison: Comparison, arm: int, layer: int, step: int) -> np.ndarray:
    """Return what enters a layer's norm for the batch after a step, by the Lab's own training."""
    alone = Comparison(comparison.base.changed({"replicas": 1}), comparison.arms)
    setup = Setup.of(alone)
    trained_arm = ArmTrainer(0, alone.configs[arm], setup.dataset, setup.probe)
    batches, rate = Batches(setup.dataset, alone.base), alone.base.learning_rate
    changes = dict(alone.base.rate_changes)
    for done in range(step):
        rate = changes.get(done, rate)
        trained_arm.step(done + 1, batches.next(), rate, False)
    x = batches.next()[0].double()
    net = trained_arm.trainer.net.double()
    with torch.no_grad():
        for number, hidden in enumerate(net.hidden, start=1):
            assert hidden.activation is not None
            x = hidden.linear(x)
            if hidden.norm is not None and not hidden.norm_first:
                x = hidden.activation(x)
            if number == layer:
                return x[0, :MOST_EXAMPLES, :MOST_UNITS].numpy()
            if hidden.norm is None:
                x = hidden.activation(x)
            else:
                spread = torch.sqrt(x.var(1, correction=0, keepdim=True) + 1e-5)
                x = (x - x.mean(1, keepdim=True)) / spread
                assert hidden.norm.gamma is not None and hidden.norm.beta is not None
                x = x * hidden.norm.gamma[:, None] + hidden.norm.beta[:, None]
                x = hidden.activation(x) if hidden.norm_first else x
    raise AssertionError("there is no such layer")


@pytest.mark.parametrize(
    ("arms", "arm"),
    [(("none", "before"), 1), (("after",), 0), (("none",), 0), (("none", "after", "before"), 1)],
)
@pytest.mark.parametrize(("layer", "step"), [(1, 0), (1, 7), (3, 7), (2, 60)])
def test_values_from_the_lab_are_those_of_its_own_training(arms, arm, layer, step):
    comparison = lab(*arms)
    found = _ended(from_lab(comparison, layer, step)).facts["x"]
    assert found.shape == (MOST_EXAMPLES, MOST_UNITS) and found.dtype == np.float64
    exact = replayed(comparison, arm, layer, step)
    np.testing.assert_allclose(found, exact, rtol=1e-3, atol=1e-4)


def test_rate_changes_on_the_way_are_taken():
    plain, changed_rate = lab("before"), lab("before", rate_changes=((1, 1.0), (5, 0.001)))
    one, other = (_ended(from_lab(c, 2, 12)).facts["x"] for c in (plain, changed_rate))
    assert np.abs(one - other).max() > 0.01
    np.testing.assert_allclose(other, replayed(changed_rate, 0, 2, 12), rtol=1e-3, atol=1e-4)


def test_layers_and_steps_beyond_the_last_are_the_last():
    comparison = lab("before", steps=9)
    one, other = (_ended(from_lab(comparison, *at)).facts["x"] for at in ((20, 500), (3, 9)))
    np.testing.assert_array_equal(one, other)


def test_small_batches_and_points_in_a_plane_fit():
    assert _ended(from_lab(lab("before", batch_size=3), 1, 2)).facts["x"].shape == (3, 4)
    assert _ended(from_lab(lab("before", data="moons"), 1, 2)).facts["x"].shape == (12, 4)


@pytest.mark.parametrize(
    ("comparison", "layer", "step", "words"),
    [
        (lab("before", width=256, depth=20, batch_size=512, replicas=10), 1, 0, "Lower the width"),
        (lab("before", data="moons", points=20), 1, 0, "does not fit"),
        (lab("none", gain=100.0, learning_rate=30.0), 3, 20, "diverged by step 20"),
        (lab("before"), 0, 0, "counted from 1"),
        (lab("before"), 1, -1, "steps from 0"),
    ],
)
def test_what_the_lab_cannot_train_is_refused_in_words(comparison, layer, step, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        _ended(from_lab(comparison, layer, step))

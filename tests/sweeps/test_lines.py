"""The nets of a map are those of the Lab, and its numbers repeat wherever they are computed."""

import dataclasses
import random
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import pytest
import torch

from bn_core.arms import ARMS
from bn_core.comparison import comparison_from_query, comparison_to_query
from bn_core.config import Config
from bn_core.sweeps.axis import Axis
from bn_core.sweeps.driver import compute_line, run_sweep
from bn_core.sweeps.lines import level_of
from bn_core.sweeps.measuring import LossHistory
from bn_core.sweeps.stability_map import DIVERGED, FIELDS, LEARNED, NOT_LEARNED, StabilityMap
from bn_core.sweeps.sweep import Line, Sweep
from bn_core.training import run

BASE = Config(
    data="circles", points=60, depth=2, width=8, batch_size=16, steps=12, replicas=2,
    initialization="he", seed=3,
)  # fmt: skip
RATES = Axis("learning_rate", 0.01, 0.3)
DEPTHS = Axis("depth", 1, 3)


def sweep_of(changes=None, x=RATES, y=DEPTHS, **more):
    return Sweep(BASE.changed(changes or {}), x, y, **{"size": 8, **more})


def check_against_the_lab(sweep, tolerance):
    """Compare the last line of each arm with the Lab's runs of its cells."""
    lines = list(sweep.lines(0))
    for arm in range(len(sweep.arms)):
        line = [line for line in lines if line.arm == arm][-1]
        found = compute_line(line)
        place = len(line.cells) - 2
        record = run(sweep.comparison(line.cells[place]))
        losses = record.train_loss[-10:, arm].astype(float)
        np.testing.assert_allclose(found.loss[place], losses.mean(axis=0), rtol=tolerance)
        nets = record.snapshots[-1].arms[arm]
        assert nets is not None
        accuracy = nets.validation_accuracy
        assert np.abs(found.accuracy[place] - accuracy).max() <= 1.01 / 30  # one example


# Twelve steps at rates far below where nets diverge: what is rounded in another order, some
# 1e-7 of a number, has grown to no more than a thousandth of the loss.
@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "rmsprop", "adam"])
def test_a_cell_has_the_loss_of_the_labs_net(optimizer):
    rates = RATES if optimizer in ("sgd", "momentum") else Axis("learning_rate", 0.001, 0.01)
    check_against_the_lab(sweep_of({"optimizer": optimizer, "weight_decay": 0.01}, rates), 1e-3)


@pytest.mark.parametrize(
    ("x", "y", "changes"),
    [
        (Axis("gain", 0.5, 1.5), DEPTHS, {"initialization": "torch"}),
        (Axis("weight_decay", 1e-4, 0.1), DEPTHS, {"architecture": "residual"}),
        (DEPTHS, Axis("gain", 0.5, 1.5), {}),
        (DEPTHS, Axis("width", 4, 6), {"dropout": 0.3}),
        (RATES, DEPTHS, {"dropout": 0.3, "accumulate": 2}),
    ],
)
def test_other_axes_too(x, y, changes):
    check_against_the_lab(sweep_of(changes, x, y), 1e-3)


def test_channels_of_convolutions_too():
    base = Config(data="digits", architecture="conv", channels=(2, 3), steps=3, batch_size=8)
    base = base.changed({"replicas": 1, "initialization": "he"})
    sweep = Sweep(base, Axis("gain", 0.5, 1.5), RATES, size=8)
    line = next(iter(sweep.lines(0)))
    found = compute_line(dataclasses.replace(line, cells=line.cells[:2]))
    record = run(sweep.comparison(line.cells[0]))
    np.testing.assert_allclose(found.loss[0], record.train_loss[-10:, 0].mean(axis=0), rtol=1e-3)


def test_float64_agrees_with_float32_where_nothing_is_chaotic():
    line = next(iter(sweep_of().lines(0)))
    wide = dataclasses.replace(line, sweep=dataclasses.replace(line.sweep, double=True))
    single, double = compute_line(line), compute_line(wide)
    np.testing.assert_allclose(single.loss, double.loss, rtol=1e-3)
    assert not np.array_equal(single.loss, double.loss)


def test_a_net_diverges_at_the_step_and_layer_at_which_the_labs_does():
    hot = Axis("learning_rate", 29.0, 30.0)
    sweep = sweep_of(
        {"gain": 20.0, "steps": 40, "activation": "leaky_relu"}, hot, Axis("depth", 4, 6)
    )
    line = next(iter(sweep.lines(0)))
    found = compute_line(line)
    record = run(sweep.comparison(line.cells[0]))
    steps = {d.replica: (d.step, d.layer) for d in record.divergences if d.arm == 0}
    assert steps, "a net with such weights and rates diverges"
    for replica, (step, layer) in steps.items():
        assert found.fate[0, replica] == DIVERGED
        assert found.diverged_at[0, replica] == step
        assert found.sick_layer[0, replica] == layer
        assert np.isinf(found.loss[0, replica]) and np.isnan(found.accuracy[0, replica])


def test_the_link_of_a_cell_gives_the_lab_a_run_with_the_same_fate():
    rates = Axis("learning_rate", 0.001, 30.0)
    changes = {"data": "digits", "steps": 80, "replicas": 1, "activation": "leaky_relu"}
    sweep = sweep_of(changes | {"width": 24}, rates, Axis("depth", 2, 3))
    line = next(iter(sweep.lines(0)))
    found = compute_line(line)
    fates = found.fate[:, 0].tolist()
    for fate in (LEARNED, NOT_LEARNED, DIVERGED):
        cell = line.cells[fates.index(fate)]
        query = comparison_to_query(sweep.comparison(cell))
        record = run(comparison_from_query(query)[0])
        history = LossHistory(1, level_of(10))
        for loss in record.train_loss[:, line.arm]:
            history.note(loss.astype(float))
        assert history.fate().tolist() == [fate]


def test_a_dead_net_is_found_with_its_first_dead_layer():
    sweep = sweep_of({"activation": "sigmoid"}, Axis("gain", 0.01, 0.02), Axis("depth", 8, 10))
    line = [line for line in sweep.lines(0) if line.arm == 0][-1]
    found = compute_line(line)
    assert (found.fate == NOT_LEARNED).all()
    assert (found.sick_layer > 0).all(), "weights near zero let nothing through"


class Scrambled(ThreadPoolExecutor):
    """Hands lines back in another order than they were given."""

    def __init__(self, seed):
        super().__init__(1)
        self.draw = random.Random(seed)
        self.held = []

    def submit(self, fn, /, *args, **kwargs):
        future = Future()
        self.held.append((future, fn, args))
        if len(self.held) == 3:
            self.draw.shuffle(self.held)
            self.flush()
        return future

    def flush(self):
        for future, fn, args in self.held:
            future.set_result(fn(*args))
        self.held = []


def test_the_map_is_the_same_bit_for_bit_whatever_returns_first():
    sweep = sweep_of({"steps": 4}, y=Axis("depth", 1, 3))
    maps = []
    for executor, at_once in ((ThreadPoolExecutor(2), 2), (Scrambled(0), 3), (Scrambled(1), 3)):
        with executor:
            maps.append(list(run_sweep(sweep, executor, at_once))[-1].map)
    for other in maps[1:]:
        for name in FIELDS:
            np.testing.assert_array_equal(getattr(maps[0], name), getattr(other, name), name)
    assert (maps[0].fate > 0).all()


def test_a_stopped_sweep_keeps_what_it_has():
    sweep, seen = sweep_of({"steps": 2}), []
    with ThreadPoolExecutor(1) as executor:
        for news in run_sweep(sweep, executor, 1, stopped=lambda: len(seen) >= 2):
            seen.append(news)
    assert seen[-1].done == 2 < seen[-1].total
    assert seen[-1].map.lines == 2


def test_a_line_that_fails_fails_the_sweep():
    class Failing(ThreadPoolExecutor):
        def submit(self, fn, /, *args, **kwargs):
            return super().submit(lambda: [][0])

    with Failing(1) as executor, pytest.raises(IndexError):
        list(run_sweep(sweep_of(), executor, 1))


def test_learning_is_judged_by_an_absolute_level():
    history = LossHistory(3, level_of(10))
    for step in range(30):
        history.note(np.array([2.30, 0.5 if step > 14 else 2.0, np.nan if step == 7 else 0.1]))
    assert level_of(10) == 1
    assert history.fate().tolist() == [NOT_LEARNED, LEARNED, DIVERGED]
    assert history.learned_at.tolist() == [np.inf, 22, 1]
    assert history.diverged_at.tolist() == [np.inf, np.inf, 8]
    assert history.final_loss() == pytest.approx([2.30, 0.5, np.inf])


def two_rates(**more):
    base = BASE.changed({"steps": 5, "replicas": 1})
    narrow = Axis("rate_1", 0.5, 3.0), Axis("rate_2", 0.5, 3.0)
    return Sweep(base, *narrow, size=8, **more)


@pytest.mark.parametrize("arm", [0, 1])
def test_the_two_layer_net_descends_the_gradient_that_autograd_finds(arm):
    sweep = two_rates()
    line = next(line for line in sweep.lines(0) if line.arm == arm)
    found = compute_line(line)
    assert found.loss.shape == (8, 1) and np.isfinite(found.loss).all()
    from bn_core.randomness import generator

    data, weights = generator(3, "data"), generator(3, "weights")
    points = torch.randn(64, 16, generator=data, dtype=torch.float64)
    targets = torch.randn(64, 1, generator=data, dtype=torch.float64)
    first = torch.randn(1, 16, 16, generator=weights, dtype=torch.float64)[0] / 4
    second = torch.randn(1, 16, 1, generator=weights, dtype=torch.float64)[0] / 4
    rates = sweep.x_values[line.cells[-1][0]], sweep.y_values[line.cells[-1][1]]
    norm = torch.nn.BatchNorm1d(16, affine=False).double() if arm else torch.nn.Identity()
    losses = []
    for _ in range(5):
        pair = [one.detach().requires_grad_() for one in (first, second)]
        loss = (norm(points @ pair[0]).tanh() @ pair[1] - targets).square().mean()
        losses.append(loss.item())
        gradients = torch.autograd.grad(loss, pair)
        first, second = (p - r * g for p, r, g in zip(pair, rates, gradients, strict=True))
    # Five steps in float64: rounding of 1e-16 grows, but not to 1e-9.
    np.testing.assert_allclose(found.loss[-1, 0], np.mean(losses), rtol=1e-9)


def test_only_cells_near_a_change_are_refined():
    sweep = Sweep(size=72)
    known = StabilityMap.empty(sweep)
    for level in (0, 1):
        for line in sweep.lines(level):
            known = known.extended(_invented(line))
    finer = list(sweep.lines(2, known))
    columns = {cell[0] for line in finer for cell in line.cells if line.arm == 0}
    assert columns == set(range(33, 39))  # the two coarse columns beside x = 36
    assert not [line for line in finer if line.arm == 1]
    filled = known.filled(0)["fate"][0]
    assert (filled[:, :36] == LEARNED).all() and (filled[:, 36:] == DIVERGED).all()


def _invented(line: Line):
    """Return a line whose first arm learned left of the middle and diverged right of it."""
    from bn_core.sweeps.stability_map import nothing

    found = nothing(line)
    for place, (x, _) in enumerate(line.cells):
        broke = line.arm == 0 and x >= 36
        found.fate[place] = DIVERGED if broke else LEARNED
        found.learned_at[place] = np.inf if broke else 10
    return found


def test_an_arm_with_a_rate_of_its_own_keeps_it():
    from bn_core.arms import derived_arm

    own = derived_arm(ARMS["none"], {"learning_rate": 0.05}, BASE)
    found = compute_line(next(iter(sweep_of(arms=(own,)).lines(0))))
    assert (found.loss == found.loss[0]).all()

"""A look changes nothing, and tells what passed through the net."""

import dataclasses
import inspect

import numpy as np
import pytest
import torch

from bn_core.comparison import ARMS, Comparison
from bn_core.config import Config
from bn_core.models import Net
from bn_core.probes import IMAGE_ROWS, Probe, capture_activations, measure_net
from bn_core.records import SITES, RecordChunk, Snapshot
from bn_core.training import Request, Setup, train

BASE = Config(depth=3, width=16, steps=20, batch_size=32, replicas=2, dropout=0.3)


def comparison_of(arm: str, **changes) -> Comparison:
    return Comparison(BASE.changed(changes), (ARMS[arm],))


def first_steps(
    comparison: Comparison, *, snapshot: bool
) -> tuple[RecordChunk, dict[str, torch.Tensor]]:
    """Return what the first 20 steps yield, and all that the net then holds."""
    training = train(comparison)
    step_results = [next(training)]
    step_results += [training.send(Request(snapshot=snapshot)) for _ in range(20)]
    (arm,) = inspect.getgeneratorlocals(training)["arms"]
    return RecordChunk.of(step_results), arm.net.state_dict()


def assert_equal_looks(one: Snapshot, other: Snapshot) -> None:
    for first, second in zip(one.arms, other.arms, strict=True):
        assert first is not None and second is not None
        for field in dataclasses.fields(first):
            numbers = getattr(first, field.name), getattr(second, field.name)
            assert np.array_equal(*numbers, equal_nan=True), field.name


@pytest.mark.parametrize("data", ["digits", "moons"])
@pytest.mark.parametrize("arm", ["none", "before", "after"])
def test_looking_at_every_step_leaves_losses_and_nets_bit_for_bit_the_same(arm, data):
    comparison = comparison_of(arm, data=data, steps=1000)  # in so long a run looks are rare
    usual, usual_net = first_steps(comparison, snapshot=False)
    watched, watched_net = first_steps(comparison, snapshot=True)
    assert len(usual.snapshots) == 1 and len(watched.snapshots) == 21
    assert np.array_equal(usual.train_loss, watched.train_loss)
    for name, tensor in usual_net.items():
        assert torch.equal(tensor, watched_net[name]), name
    assert_equal_looks(usual.snapshots[0], watched.snapshots[0])


def net_and_probe(arm: str, **changes) -> tuple[Net, Probe]:
    comparison = comparison_of(arm, **changes)
    setup = Setup.of(comparison)
    inputs = setup.dataset.train_inputs.shape[1]
    net = Net(comparison.configs[0], inputs, len(setup.dataset.classes))
    for buffer in net.buffers():  # running averages unlike the batch's, as after some training
        buffer.add_(0.3)
    return net, setup.probe


@pytest.mark.parametrize("arm", ["none", "before", "after"])
def test_a_look_leaves_net_and_generators_as_they_were(arm):
    net, probe = net_and_probe(arm)
    held = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    drawn = [g.get_state() for layer in net.hidden for g in layer.dropout.generators]
    seen = [norm.batches_seen for norm in net.norms]
    measure_net(net, probe, torch.zeros(2), torch.zeros(2, 4), torch.zeros(2, 4))
    for name, tensor in net.state_dict().items():
        assert torch.equal(tensor, held[name]), name
    now = [g.get_state() for layer in net.hidden for g in layer.dropout.generators]
    assert all(torch.equal(one, other) for one, other in zip(drawn, now, strict=True))
    assert [norm.batches_seen for norm in net.norms] == seen
    assert all(module.training and not module._forward_hooks for module in net.modules())
    assert all(norm.track_statistics for norm in net.norms)
    assert all(parameter.grad is None for parameter in net.parameters())


def test_a_look_that_fails_leaves_the_net_as_it_was_too():
    net, probe = net_and_probe("before")
    with (
        pytest.raises(RuntimeError),
        net.evaluation_mode(statistics="batch"),
        capture_activations(net),
    ):
        net(probe.inputs[:, :3].expand(2, -1, -1))
    assert all(module.training and not module._forward_hooks for module in net.modules())


@pytest.mark.parametrize("arm", ["none", "before", "after"])
def test_a_look_tells_the_moments_of_what_passed(arm):
    net, probe = net_and_probe(arm)
    nothing = torch.zeros(2, 4)
    snapshot = measure_net(net, probe, torch.zeros(2), nothing, nothing)
    with (
        net.evaluation_mode(statistics="batch"),
        capture_activations(net) as captured,
        torch.no_grad(),
    ):
        net(probe.inputs.expand(2, *probe.inputs.shape))
    for site, name in enumerate(SITES):
        if not captured[name]:
            assert np.isnan(snapshot.mean[:, site]).all() and not snapshot.histogram[site].any()
            continue
        exact = torch.stack(captured[name]).double().numpy()
        np.testing.assert_allclose(
            snapshot.mean[:, site].T, exact.mean((2, 3)), rtol=1e-4, atol=1e-6
        )
        np.testing.assert_allclose(snapshot.std[:, site].T, exact.std((2, 3)), rtol=1e-4)
        assert (snapshot.histogram[site].max(axis=1) >= 65534).all()
    zeros = (torch.stack(captured["post_activation"]) == 0).double().mean((2, 3)).numpy()
    np.testing.assert_allclose(snapshot.zero.T, zeros, rtol=1e-5)
    assert len(captured["normalized"]) == (0 if arm == "none" else 3)


@pytest.mark.parametrize("statistics", ["running", "batch"])
def test_validation_uses_the_statistics_asked_for(statistics):
    net, probe = net_and_probe("before", evaluate_with=statistics)
    nothing = torch.zeros(2, 4)
    snapshot = measure_net(net, probe, torch.zeros(2), nothing, nothing)
    for norm in net.norms:
        norm.train(statistics == "batch")
        norm.track_statistics = False
    for layer in net.hidden:
        layer.dropout.eval()
    data = probe.dataset
    with torch.no_grad():
        logits = net(data.validation_inputs.expand(2, -1, -1)).double()
    chances = logits.softmax(2)[:, torch.arange(500), data.validation_labels]
    np.testing.assert_allclose(snapshot.validation_loss, -chances.log().mean(1), rtol=1e-5)
    hits = (logits.argmax(2) == data.validation_labels).double().mean(1)
    np.testing.assert_allclose(snapshot.validation_accuracy, hits, rtol=1e-6)


def test_the_output_gradient_is_that_of_the_first_replica_on_the_named_images():
    net, probe = net_and_probe("none", dropout=0.0)
    snapshot = measure_net(net, probe, torch.zeros(2), torch.zeros(2, 4), torch.zeros(2, 4))
    inputs = probe.inputs.expand(2, *probe.inputs.shape)
    logits = net(inputs)
    logits.retain_grad()
    rows = torch.nn.functional.cross_entropy(logits[0], probe.labels, reduction="sum")
    rows.backward()
    assert logits.grad is not None
    np.testing.assert_allclose(snapshot.output_gradient, logits.grad[0, :IMAGE_ROWS], atol=1e-3)


def test_the_boundary_is_the_first_replicas_answer_over_the_plane():
    net, probe = net_and_probe("before", data="moons")
    snapshot = measure_net(net, probe, torch.zeros(2), torch.zeros(2, 4), torch.zeros(2, 4))
    rows, columns = snapshot.boundary.shape
    line = np.linspace(-probe.extent, probe.extent, rows)
    net.eval()
    for row, column in ((0, 0), (3, 30), (20, 1), (rows - 1, columns - 1)):
        point = torch.tensor([[line[column], line[row]]], dtype=torch.float32)
        with torch.no_grad():
            share = net(point.expand(2, 1, 2))[0].softmax(1)[0, 1]
        assert snapshot.boundary[row, column] == pytest.approx(share.item(), abs=2e-3)
    points = probe.dataset.train_inputs
    assert points.abs().max() < probe.extent < 1.2 * points.abs().max()


def test_the_probe_is_of_the_training_part_and_its_rows_are_sorted_by_class():
    dataset = Setup.of(Comparison()).dataset
    probe = Probe.of(dataset, Config())
    assert set(probe.labels.tolist()) == set(range(10))
    for image, label in zip(probe.inputs, probe.labels, strict=True):
        same = (dataset.train_inputs == image).all(1)
        assert same.any() and (dataset.train_labels[same] == label).all()
    assert len(torch.unique(probe.inputs, dim=0)) == len(probe.inputs)
    rows = probe.summary().row_labels
    assert sorted(rows) == list(rows) and len(rows) == IMAGE_ROWS


def test_the_scene_shows_held_out_points():
    dataset = Setup.of(Comparison(Config(data="spirals"))).dataset
    summary = Probe.of(dataset, Config(data="spirals")).summary()
    count = len(summary.points)
    assert np.array_equal(summary.points, dataset.validation_inputs[:count])
    assert np.array_equal(summary.labels, dataset.validation_labels[:count])
    assert (summary.train_size, summary.validation_size) == (400, 200)

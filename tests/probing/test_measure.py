"""A snapshot changes nothing, and says what passed through the net."""

import dataclasses
import math

import numpy as np
import pytest
import torch

from bn_core.comparison import ARMS, Comparison
from bn_core.config import Config
from bn_core.figures.diagram import diagram
from bn_core.nets import Net, build
from bn_core.probing import Probe, measure_net
from bn_core.probing.probe import IMAGE_ROWS
from bn_core.records import (
    HISTOGRAM_EDGES,
    QUANTILES,
    SITES,
    NetStatistics,
    Record,
    RecordChunk,
    Snapshot,
)
from bn_core.training import Request, Setup, Start, train
from bn_core.training import build as build_arms

BASE = Config(depth=3, width=16, steps=20, batch_size=32, replicas=2, dropout=0.3)


def comparison_of(arm: str, **changes) -> Comparison:
    return Comparison(BASE.changed(changes), (ARMS[arm],))


def started(comparison: Comparison, setup: Setup) -> Start:
    """Return untrained nets, as they are built for a run."""
    building = build_arms(comparison, setup)
    while True:
        try:
            next(building)
        except StopIteration as stop:
            return stop.value


def first_steps(
    comparison: Comparison, *, snapshot: bool = False, live: bool = False
) -> tuple[RecordChunk, dict[str, torch.Tensor]]:
    """Return what the first 20 steps yield, and all that the net then holds."""
    setup = Setup.of(comparison)
    start = started(comparison, setup)
    training = train(comparison, setup, start)
    step_results = [next(training)]
    request = Request(snapshot=snapshot, live=live)
    step_results += [training.send(request) for _ in range(20)]
    (arm,) = start.arms
    return RecordChunk.of(step_results), arm.trainer.net.state_dict()


def assert_equal_snapshots(one: Snapshot, other: Snapshot) -> None:
    for first, second in zip(one.arms, other.arms, strict=True):
        assert first is not None and second is not None
        assert first.labels == second.labels
        for name, numbers in first.arrays().items():
            assert np.array_equal(numbers, second.arrays()[name], equal_nan=True), name


@pytest.mark.parametrize("data", ["digits", "moons"])
@pytest.mark.parametrize("arm", ["none", "before", "after"])
def test_looking_at_every_step_leaves_losses_and_nets_bit_for_bit_the_same(arm, data):
    comparison = comparison_of(arm, data=data, steps=1000)  # in so long a run snapshots are rare
    usual, usual_net = first_steps(comparison, snapshot=False)
    watched, watched_net = first_steps(comparison, snapshot=True)
    assert len(usual.snapshots) == 1 and len(watched.snapshots) == 21
    assert np.array_equal(usual.train_loss, watched.train_loss)
    for name, tensor in usual_net.items():
        assert torch.equal(tensor, watched_net[name]), name
    assert_equal_snapshots(usual.snapshots[0], watched.snapshots[0])


@pytest.mark.parametrize("arm", ["none", "before"])
def test_measuring_for_the_display_at_every_step_changes_no_number_of_the_record(arm):
    comparison = comparison_of(arm, steps=240)  # a snapshot at each tenth step
    usual, usual_net = first_steps(comparison)
    watched, watched_net = first_steps(comparison, live=True)
    assert usual.live is None
    assert watched.live is not None and watched.live.step == 19, "a snapshot serves at step 20"
    assert np.array_equal(usual.train_loss, watched.train_loss)
    for name, tensor in usual_net.items():
        assert torch.equal(tensor, watched_net[name]), name
    records = [
        Record(comparison, Setup.of(comparison).probe.summary()).extended(chunk)
        for chunk in (usual, watched)
    ]
    assert records[0].fingerprint() == records[1].fingerprint()
    assert len(records[1].snapshots) == 3


@pytest.mark.parametrize("data", ["digits", "spirals"])
def test_a_live_measurement_says_what_a_snapshot_of_the_step_would(data):
    comparison = comparison_of("before", steps=1000, data=data)
    measured = []
    for request in (Request(snapshot=True), Request(live=True)):
        training = train(comparison)
        results = [next(training), training.send(request)]
        measured.append(results[1].snapshot or results[1].live)
    recorded, live = measured
    assert recorded.step == live.step == 1
    unlike = {
        name
        for name, numbers in recorded.arms[0].arrays().items()
        if not np.array_equal(numbers, live.arms[0].arrays()[name], equal_nan=True)
    }
    left_out = {"update_ratio", "quantiles", "unit_quantiles", "quantile_values"}
    assert unlike == left_out | ({"boundary"} if data == "spirals" else set())
    assert np.isnan(live.arms[0].quantiles).all() and not live.arms[0].boundary.size
    summary = Setup.of(comparison).probe.summary()
    record = Record(comparison, summary).extended(RecordChunk.of(results))
    of_both = [dataclasses.replace(record, snapshots=(one,)) for one in measured]
    assert diagram(of_both[0]) == diagram(of_both[1])


def net_and_probe(arm: str, **changes) -> tuple[Net, Probe]:
    comparison = comparison_of(arm, **changes)
    setup = Setup.of(comparison)
    data = setup.dataset
    net = build(comparison.configs[0], data.input_shape, len(data.classes))
    for buffer in net.buffers():  # running averages unlike the batch's, as after some training
        buffer.add_(0.3)
    return net, setup.probe


def draws_of(net: Net) -> list[torch.Generator]:
    return [draw for layer in net.hidden if layer.dropout for draw in layer.dropout.generators]


def measured(net: Net, probe: Probe) -> NetStatistics:
    replicas, maps = net.config.replicas, len(net.linears)
    nothing = torch.zeros(replicas, maps)
    return measure_net(net, probe, torch.zeros(replicas), nothing, nothing)


@torch.no_grad()
def values_at_sites(net: Net, probe: Probe) -> dict[str, list[np.ndarray]]:
    """Return what passes each site of each layer, (K, N, C), by running the parts one by one."""
    found: dict[str, list[np.ndarray]] = {site: [] for site in SITES}
    x = probe.inputs.expand(net.config.replicas, *probe.inputs.shape)
    with net.evaluation_mode(statistics="batch"):
        for layer in net.hidden:
            assert layer.activation is not None
            x = layer.linear(x)
            if layer.norm is not None and layer.norm_first:
                x = layer.norm(x)
                found["normalized"].append(x.double().numpy())
            found["pre_activation"].append(x.double().numpy())
            x = layer.activation(x)
            found["post_activation"].append(x.double().numpy())
            if layer.norm is not None and not layer.norm_first:
                x = layer.norm(x)
                found["normalized"].append(x.double().numpy())
    return found


@pytest.mark.parametrize("arm", ["none", "before", "after"])
def test_a_look_leaves_net_and_generators_as_they_were(arm):
    net, probe = net_and_probe(arm)
    assert len(draws_of(net)) == 6
    held = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    drawn = [draw.get_state() for draw in draws_of(net)]
    seen = [norm.batches_seen for norm in net.norms]
    measured(net, probe)
    for name, tensor in net.state_dict().items():
        assert torch.equal(tensor, held[name]), name
    now = [draw.get_state() for draw in draws_of(net)]
    assert all(torch.equal(one, other) for one, other in zip(drawn, now, strict=True))
    assert [norm.batches_seen for norm in net.norms] == seen
    assert all(module.training and not module._forward_hooks for module in net.modules())
    assert all(norm.track_statistics for norm in net.norms)
    assert all(parameter.grad is None for parameter in net.parameters())


def test_a_look_that_fails_leaves_the_net_as_it_was_too():
    net, probe = net_and_probe("before")
    broken = dataclasses.replace(probe, inputs=probe.inputs[:, :3])
    with pytest.raises(RuntimeError):
        measured(net, broken)
    assert all(module.training and not module._forward_hooks for module in net.modules())
    assert all(norm.track_statistics for norm in net.norms)


@pytest.mark.parametrize(
    "changes", [{}, {"widths": (16, 8, 33)}, {"normalized_layers": (2,)}], ids=str
)
@pytest.mark.parametrize("arm", ["none", "before", "after"])
def test_a_look_tells_the_moments_of_what_passed(arm, changes):
    net, probe = net_and_probe(arm, **changes)
    snapshot = measured(net, probe)
    passed = values_at_sites(net, probe)
    for site, name in enumerate(SITES):
        layers = (
            range(3) if name != "normalized" else [at for at in range(3) if net.hidden[at].norm]
        )
        assert len(passed[name]) == len(layers)
        for layer, exact in zip(layers, passed[name], strict=True):
            found = snapshot.mean[:, site, layer], snapshot.std[:, site, layer]
            np.testing.assert_allclose(found[0], exact.mean((1, 2)), rtol=1e-4, atol=1e-6)
            np.testing.assert_allclose(found[1], exact.std((1, 2)), rtol=1e-4)
            assert snapshot.histogram[site, layer].max() >= 65534
            first = nearest_quantiles(exact[:, :, 0])
            np.testing.assert_allclose(snapshot.unit_quantiles[:, site, layer], first)
        for layer in set(range(3)) - set(layers):
            assert np.isnan(snapshot.mean[:, site, layer]).all()
            assert np.isnan(snapshot.quantiles[:, site, layer]).all()
            assert not snapshot.histogram[site, layer].any()
            assert not snapshot.histogram_values[site, layer].any()
    zeros = np.stack([(outputs == 0).mean((1, 2)) for outputs in passed["post_activation"]], 1)
    np.testing.assert_allclose(snapshot.zero, zeros, rtol=1e-5)
    assert snapshot.labels == ("layer 1", "layer 2", "layer 3")


def nearest_quantiles(values: np.ndarray) -> np.ndarray:
    ordered = np.sort(values, axis=-1)
    return ordered[..., [round(q * (values.shape[-1] - 1)) for q in QUANTILES]]


@pytest.mark.parametrize(
    "changes",
    [
        {"data": "spirals", "replicas": 10, "width": 64},
        {"data": "moons", "replicas": 10, "width": 256},
        {"replicas": 10, "width": 256},
        {"replicas": 1},
    ],
    ids=str,
)
def test_histograms_and_percentiles_speak_for_the_whole_probe(changes):
    net, probe = net_and_probe("none", dropout=0.0, activation="tanh", **changes)
    snapshot = measured(net, probe)
    for site in ("pre_activation", "post_activation"):
        for layer, exact in enumerate(values_at_sites(net, probe)[site]):
            at = SITES.index(site), layer
            inside = np.clip(exact, HISTOGRAM_EDGES[0], HISTOGRAM_EDGES[-1])
            everything = np.histogram(inside, HISTOGRAM_EDGES)[0] / exact.size
            shares = snapshot.histogram[at] / snapshot.histogram[at].sum()
            # Ten wide bins: what a sample of 1,700 independent values tells within .02.
            wide = np.add.reduceat(shares - everything, np.arange(0, 96, 10))
            assert np.abs(wide).max() < 0.02
            assert 1_700 <= snapshot.histogram_values[at] <= 4_096
            values = exact.reshape(len(exact), -1)
            inside = (values[:, :, None] <= snapshot.quantiles[:, *at][:, None]).mean(1)
            np.testing.assert_allclose(inside, np.broadcast_to(QUANTILES, inside.shape), atol=0.05)
            assert 300 <= snapshot.quantile_values[at] <= 1_024


def test_a_histogram_says_how_many_values_it_counts():
    net, probe = net_and_probe("none")
    snapshot = measured(net, probe)
    passed = values_at_sites(net, probe)
    # 128 examples of 16 units are 2,048 values of each of 2 replicas: all fit.
    for layer in range(3):
        assert snapshot.histogram_values[0, layer] == 4_096
        assert snapshot.histogram_values[1, layer] == (passed["post_activation"][layer] != 0).sum()
        assert snapshot.quantile_values[0, layer] == 683  # every third: every second misses units


def test_a_net_full_of_nan_is_measured_without_an_error():
    net, probe = net_and_probe("before")
    with torch.no_grad():
        net.linears[1].weight[1, 0, 0] = math.nan
    snapshot = measured(net, probe)
    assert np.isnan(snapshot.mean[1, 0, 1]) and np.isfinite(snapshot.mean[0]).all()
    assert np.isfinite(snapshot.mean[1, :, 0]).all()
    assert 0 < snapshot.histogram_values[0, 1] < 4_096


@pytest.mark.parametrize("statistics", ["running", "batch"])
def test_validation_uses_the_statistics_asked_for(statistics):
    net, probe = net_and_probe("before", evaluate_with=statistics)
    snapshot = measured(net, probe)
    for norm in net.norms:
        norm.train(statistics == "batch")
        norm.track_statistics = False
    for layer in net.hidden:
        assert layer.dropout is not None
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
    snapshot = measured(net, probe)
    inputs = probe.inputs.expand(2, *probe.inputs.shape)
    logits = net(inputs)
    logits.retain_grad()
    rows = torch.nn.functional.cross_entropy(logits[0], probe.labels, reduction="sum")
    rows.backward()
    assert logits.grad is not None
    np.testing.assert_allclose(snapshot.output_gradient, logits.grad[0, :IMAGE_ROWS], atol=1e-3)


def test_the_boundary_is_the_first_replicas_answer_over_the_plane():
    net, probe = net_and_probe("before", data="moons")
    snapshot = measured(net, probe)
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
    probe = Probe.of(dataset)
    assert set(probe.labels.tolist()) == set(range(10))
    for image, label in zip(probe.inputs, probe.labels, strict=True):
        same = (dataset.train_inputs == image).all(1)
        assert same.any() and (dataset.train_labels[same] == label).all()
    assert len(torch.unique(probe.inputs, dim=0)) == len(probe.inputs)
    rows = probe.summary().row_labels
    assert sorted(rows) == list(rows) and len(rows) == IMAGE_ROWS


def test_the_scene_shows_held_out_points():
    dataset = Setup.of(Comparison(Config(data="spirals"))).dataset
    summary = Probe.of(dataset).summary()
    count = len(summary.points)
    assert np.array_equal(summary.points, dataset.validation_inputs[:count])
    assert np.array_equal(summary.labels, dataset.validation_labels[:count])
    assert (summary.train_size, summary.validation_size) == (400, 200)

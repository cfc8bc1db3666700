"""Recurrent nets: each replica computes, learns and remembers as torch's modules do."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from bn_core.comparison import ARMS, Comparison, arms_from_query, comparison_from_query, is_offered
from bn_core.comparison import comparison_to_query as to_query
from bn_core.config import SETTINGS, Config, measured_time_steps
from bn_core.diagnosis import diagnose
from bn_core.export import EXPORTS, ExportRequest
from bn_core.figures.dashboard import charts
from bn_core.figures.view import View
from bn_core.net_shapes import layer_shapes
from bn_core.nets import build
from bn_core.nets.recurrent import RecurrentNet
from bn_core.normalization import BatchNorm, Normalization
from bn_core.training import run

SMALL = Config(
    architecture="recurrent", width=6, replicas=3, seed=5, bn_epsilon=1e-3, initial_gamma=0.5
)
IMAGE, CLASSES = (2, 5, 4), 3
K, N, T, H = 3, 7, 5, 6
CELLS = list(SETTINGS["cell"].options)
CLOSE: Any = {"rtol": 1e-9, "atol": 1e-11}


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def rows_of(x: Tensor) -> Tensor:
    """Return images (N, D) as rows, (N, T, C W)."""
    return x.view(-1, *IMAGE).transpose(1, 2).flatten(2)


def gradient_of(parameter: Tensor | None) -> Tensor:
    assert parameter is not None and parameter.grad is not None
    return parameter.grad


def descend(logits: Tensor) -> Tensor:
    labels = torch.arange(N) % CLASSES
    return sum((functional.cross_entropy(one, labels) for one in logits), torch.zeros(()))


def net_of(config: Config) -> RecurrentNet:
    net = build(config, IMAGE, CLASSES).double()
    assert isinstance(net, RecurrentNet)
    return net


def parts(net: RecurrentNet) -> list[tuple[str, nn.Parameter | None]]:
    """Return the parameters of both maps under the names that torch's modules give them."""
    into, over = net.recurrent.from_inputs, net.recurrent.from_hidden
    return [
        ("weight_ih_l0", into.weight),
        ("weight_hh_l0", over.weight),
        ("bias_ih_l0", into.bias),
        ("bias_hh_l0", over.bias),
    ]


@pytest.mark.parametrize("cell", CELLS)
def test_without_norm_it_is_torchs_own_module(cell):
    net = net_of(SMALL.changed({"cell": cell}))
    x = draw(K, N, 40)
    logits = net(x)
    expected = []
    kind = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}[cell]
    theirs = [kind(8, H, batch_first=True).double() for _ in range(K)]
    for k, other in enumerate(theirs):
        for name, ours in parts(net):
            assert ours is not None
            getattr(other, name).data.copy_(ours[k].detach().T.squeeze(1))
        hidden, _ = other(rows_of(x[k]))
        output = net.output.linear
        assert output.bias is not None
        expected.append(hidden[:, -1] @ output.weight[k].detach() + output.bias[k].detach())
    torch.testing.assert_close(logits, torch.stack(expected), rtol=1e-11, atol=1e-12)
    descend(logits).backward()
    descend(torch.stack(expected)).backward()
    for k, other in enumerate(theirs):
        for name, ours in parts(net):
            found = gradient_of(ours)[k].T.squeeze(1)
            torch.testing.assert_close(found, gradient_of(getattr(other, name)), **CLOSE)


class Reference:
    """One replica of a normalized net, written out with torch's functions, a step at a time."""

    def __init__(self, net: RecurrentNet, config: Config, replica: int) -> None:
        self.config, self.shared = config, config.time_norm == "shared"
        into, over, out = (linear.weight[replica].detach().clone() for linear in net.linears)
        assert net.output.linear.bias is not None
        bias = net.output.linear.bias[replica, 0].detach().clone()
        gates = over.shape[1]
        sizes = {"x": gates, "h": gates} | ({"c": H} if config.cell == "lstm" else {})
        self.of_weights = [into, over, out, bias]
        self.gamma = {name: torch.full((size,), 0.5).double() for name, size in sizes.items()}
        self.beta = {name: torch.zeros(size).double() for name, size in sizes.items()}
        del self.beta["h"]
        for one in (*self.of_weights, *self.gamma.values(), *self.beta.values()):
            one.requires_grad_()
        self.averages = {
            (name, t): (torch.zeros(size).double(), torch.ones(size).double())
            for name, size in sizes.items()
            for t in range(1 if self.shared else T)
        }

    def norm(self, name: str, t: int, a: Tensor, training: bool) -> Tensor:
        gamma, beta = self.gamma[name], self.beta.get(name)
        if self.config.normalization == "layer":
            return functional.layer_norm(a, a.shape[1:], gamma, beta, self.config.bn_epsilon)
        mean, variance = self.averages[name, 0 if self.shared else t]
        momentum = self.config.bn_momentum
        return functional.batch_norm(
            a, mean, variance, gamma, beta, training, momentum, self.config.bn_epsilon
        )

    def __call__(self, x: Tensor, training: bool = True) -> Tensor:
        into, over, out, bias = self.of_weights
        h = c = torch.zeros(len(x), H).double()
        for t, row in enumerate(rows_of(x).unbind(1)):
            a_x = self.norm("x", t, row @ into, training)
            a_h = self.norm("h", t, h @ over, training)
            match self.config.cell:
                case "rnn":
                    h = torch.tanh(a_x + a_h)
                case "gru":
                    r = torch.sigmoid(a_x[:, :H] + a_h[:, :H])
                    z = torch.sigmoid(a_x[:, H : 2 * H] + a_h[:, H : 2 * H])
                    h = (1 - z) * torch.tanh(a_x[:, 2 * H :] + r * a_h[:, 2 * H :]) + z * h
                case _:
                    i, f, g, o = (a_x + a_h).split(H, 1)
                    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
                    h = torch.sigmoid(o) * torch.tanh(self.norm("c", t, c, training))
        return h @ out + bias


@pytest.mark.parametrize(
    ("arm", "time_norm"), [("before", "steps"), ("before", "shared"), ("layer", "steps")]
)
@pytest.mark.parametrize("cell", CELLS)
def test_normalized_cells_are_those_of_cooijmans_and_others_written_out(cell, arm, time_norm):
    config = ARMS[arm].config(SMALL.changed({"cell": cell, "time_norm": time_norm}))
    net = net_of(config)
    theirs = [Reference(net, config, k) for k in range(K)]
    for seed in range(2):
        x = draw(K, N, 40, seed=seed)
        logits = net(x)
        expected = torch.stack([other(x[k]) for k, other in enumerate(theirs)])
        torch.testing.assert_close(logits, expected, rtol=1e-11, atol=1e-12)
    descend(logits).backward()
    descend(expected).backward()
    for k, other in enumerate(theirs):
        for linear, one in zip(net.linears, other.of_weights, strict=False):
            torch.testing.assert_close(gradient_of(linear.weight)[k], gradient_of(one), **CLOSE)
        columns = dict(zip("xhc", net.recurrent.norms, strict=False))
        assert set(columns) == set(other.gamma)
        for name, column in columns.items():
            assert isinstance(column, nn.ModuleList)
            for norm in column:  # all of them share one gamma and one beta
                assert isinstance(norm, Normalization)
                gamma, beta = norm.flat_gamma, norm.flat_beta
                found = gradient_of(gamma).view(K, -1)[k]
                torch.testing.assert_close(found, gradient_of(other.gamma[name]), **CLOSE)
                assert (beta is None) == (name not in other.beta)
                if beta is not None:
                    found = gradient_of(beta).view(K, -1)[k]
                    torch.testing.assert_close(found, gradient_of(other.beta[name]), **CLOSE)
        for (name, t), averages in other.averages.items():
            column = columns[name]
            assert isinstance(column, nn.ModuleList)
            norm = column[t]
            if isinstance(norm, BatchNorm):
                for found, kept in zip(norm.averages, averages, strict=True):
                    torch.testing.assert_close(found[k], kept, **CLOSE)
    with net.evaluation_mode(statistics="running"):
        evaluated = net(x)
    expected = torch.stack([other(x[k], training=False) for k, other in enumerate(theirs)])
    torch.testing.assert_close(evaluated, expected, rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("cell", CELLS)
def test_the_measured_gradients_are_those_of_the_hidden_states(cell):
    config = SMALL.changed({"cell": cell, "normalization": "batch"})
    net = net_of(config)
    x, states = draw(K, N, 40), []
    with torch.enable_grad():
        states = net.recurrent.hidden_states(x)
        for state in states:
            state.retain_grad()
        descend(net.output(states[-1])).backward()
    assert len(net.probed_gradients) == T + 1
    for found, state in zip(net.probed_gradients, states, strict=False):
        torch.testing.assert_close(found, gradient_of(state) * N**0.5, **CLOSE)
    torch.testing.assert_close(net.probed_gradients[-1], gradient_of(net.output.weight))


def test_arms_share_weights_and_a_replica_begins_as_its_seed_alone():
    plain, normed = (net_of(ARMS[arm].config(SMALL)) for arm in ("none", "before"))
    alone = net_of(SMALL.changed({"replicas": 1, "seed": 6}))
    for one, other, single in zip(plain.linears, normed.linears, alone.linears, strict=True):
        assert torch.equal(one.weight, other.weight)
        assert torch.equal(one.weight[1], single.weight[0])
    assert normed.recurrent.from_inputs.bias is None is normed.recurrent.from_hidden.bias


@pytest.mark.parametrize("cell", CELLS)
def test_a_run_measures_time_steps_and_is_repeated_bit_for_bit(cell):
    base = Config(architecture="recurrent", cell=cell, width=16, steps=6, replicas=2, dropout=0.2)
    comparison = Comparison(base, tuple(ARMS[name] for name in ("none", "before", "layer")))
    record = run(comparison)
    assert record.fingerprint() == run(comparison).fingerprint()
    assert base.depth == 8  # the rows of a digit
    for arm in record.snapshots[-1].arms:
        assert arm is not None
        assert arm.labels == tuple(f"t = {step}" for step in range(1, 9))
        assert arm.gradient_norm.shape == (2, 9) and (arm.gradient_norm > 0).all()
        assert arm.histogram.any(axis=(0, 2)).all()
        assert [layer.units for layer in arm.outline] == [16] * 8 + [10]
        assert arm.outline[-2].stages[-1] == "dropout"
    plain = record.snapshots[0].arms[0]
    assert plain is not None
    assert (plain.gradient_norm[:, 0] < 0.2 * plain.gradient_norm[:, 7]).all()  # it vanishes
    assert [state.kind for state in diagnose(record, 0)] == ["untrained"] * 3
    titles = {chart.id: chart.title for chart in charts(record, View())}
    assert titles["gradients"] == "Gradient of each time step"
    over_time = charts(record, View(distributions="percentiles", layer=3))
    assert {"Time step 3 over time", "Time step by time step"} <= {c.title for c in over_time}
    assert not any("layer 3" in chart.alt for chart in over_time)
    assert b"keras" in EXPORTS["keras"].make(ExportRequest(comparison, ""))


def test_long_sequences_are_measured_at_some_time_steps():
    assert measured_time_steps(8) == tuple(range(1, 9))
    assert measured_time_steps(28) == tuple(range(2, 29, 2))
    assert measured_time_steps(41) == tuple(range(2, 42, 3))
    net = build(Config(architecture="recurrent", width=4, replicas=1), (1, 28, 2), 2)
    assert [layer.label for layer in net.probed] == [f"t = {t}" for t in range(2, 29, 2)]


def test_the_shapes_that_are_announced_are_those_of_the_net():
    for cell in CELLS:
        config = Config(architecture="recurrent", cell=cell, replicas=2, width=12)
        net, shapes = build(config, (1, 8, 8), 10), layer_shapes(config)
        sizes = [linear.weight[0].numel() for linear in net.linears]
        assert sum(shape.weights for shape in shapes) == sum(sizes)
        assert sum(shape.operations for shape in shapes) == 8 * sum(sizes[:2]) + sizes[2]
        assert [shape.units for shape in shapes] == [layer.units for layer in net.outline]


def test_the_cell_and_its_norm_stand_in_the_link():
    base = Config(architecture="recurrent", cell="gru", time_norm="shared")
    arms, complaints = arms_from_query("none~before;tnorm:steps~before;cell:lstm")
    comparison = Comparison(base, arms)
    assert not complaints and not comparison.problem()
    assert [config.cell for config in comparison.configs] == ["gru", "gru", "lstm"]
    assert "LSTM" in arms[2].label
    again, complaints = comparison_from_query(to_query(comparison))
    assert again == comparison and not complaints


@pytest.mark.parametrize(
    ("changes", "arm", "expected"),
    [
        ({"data": "moons"}, "none", "needs images"),
        ({}, "after", "in front of the sum"),
        ({}, "weightnorm", "Normalized weights"),
        ({"normalized_layers": (2,)}, "before", "time steps"),
        ({"moved_layers": (1,)}, "before", "time steps"),
        ({"groups": 5, "width": 16}, "group", "Group norm cannot split"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_sentence(changes, arm, expected):
    comparison = Comparison(Config(architecture="recurrent").changed(changes), (ARMS[arm],))
    assert expected in comparison.problem()
    assert is_offered(ARMS[arm], comparison.base) == (arm not in ("after", "weightnorm"))


@pytest.mark.parametrize("arm", ["ghost", "renorm"])
def test_relatives_with_running_averages_can_be_batch_norm(arm):
    changes = {"ghost_size": N, "renorm_rmax": 1.0, "renorm_dmax": 0.0}  # each is batch norm then
    logits = [
        net_of(ARMS[name].config(SMALL.changed(changes)))(draw(K, N, 40))
        for name in (arm, "before")
    ]
    torch.testing.assert_close(logits[0], logits[1], rtol=1e-10, atol=1e-11)

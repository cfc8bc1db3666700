"""The PyTorch script trains the nets that the app trains."""

import ast
import re

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from bn_core.comparison import Comparison
from bn_core.config import Config
from bn_core.datasets.loading import load
from bn_core.export import EXPORTS, ExportError, ExportRequest
from bn_core.export.plan import parameter_count, planned_layers
from bn_core.nets import Linear, Net, build
from bn_core.nets.convolution import ChannelMean, Convolution
from bn_core.nets.inception import Inception
from bn_core.normalization import Normalization
from bn_core.training import Trainer
from tests.export.agreement import assert_agrees
from tests.export.programs import comparison_of, definitions, exported, printed_by

ALL_ARMS = "arms=none-before-after-layer-group-instance-ghost-renorm"
MORE_ARMS = "arms=rms~weightnorm~weightstd~weightstd;wsgn:on"
SMALL = "depth=3&width=8&batch=24&ghost=5&groups=2&steps=30&seeds=1"
CONV = "arch=conv&channels=4-2"
INCEPTION = "arch=inception&channels=4-10"
RESIDUAL = "arch=conv_residual&channels=2-2-4"
LINKS = [
    f"{SMALL}&{ALL_ARMS}",
    f"{SMALL}&{ALL_ARMS}&arch=residual&act=gelu&init=he&gain=0.5",
    f"{SMALL}&{ALL_ARMS}&normed=1-3&act=tanh&init=xavier&opt=momentum&decay=0.01",
    f"{SMALL}&{ALL_ARMS}&beta=off&act=sigmoid&init=normal&std=0.3&opt=adam&lr=0.01",
    f"{SMALL}&{ALL_ARMS}&gamma=off&act=leaky_relu&opt=rmsprop&lr=0.001&then=5:0.0002_9:0.004",
    f"{SMALL}&{ALL_ARMS}&gamma=off&beta=off&bnc=on&eps=0.01&rmax=1.2&dmax=0.3",
    f"{SMALL}&{ALL_ARMS}&bnm=0.3&moved=1-2&widths=8-12-16&eval=batch",
    f"{SMALL}&{ALL_ARMS}&arch=residual&moved=2&normed=2-3&groups=8",
    f"{SMALL}&{ALL_ARMS}&batch=1&ghost=1&data=xor",
    f"{SMALL}&then=4:0.3&arms=none~before~before;batch:4;lr:0.5;depth:2~after;opt:adam;moved:1",
    f"{SMALL}&{ALL_ARMS}&gamma0=0.1&beta0=-0.5&act=tanh",
    f"{SMALL}&gamma0=0.1&beta0=1&arms=before~layer;gamma:off~after;beta:off~ghost;arch:conv",
    f"{SMALL}&{CONV}&{ALL_ARMS}&dense=6&act=tanh&init=xavier",
    f"{SMALL}&{CONV}&{ALL_ARMS}&normed=1&moved=1&decay=0.01&bnm=0.3&gamma=off&ghost=1",
    f"{SMALL}&{CONV}&batch=1&beta=off&bnc=on&drop=0.2&arms=none~before~instance;dense:~ghost",
    f"{SMALL}&{ALL_ARMS}&arch=residual&branch=zero_gamma&moved=2&init=he",
    f"{SMALL}&arch=residual&act=tanh&init=he&arms=none;branch:skipinit~before;branch:skipinit",
    f"{SMALL}&{RESIDUAL}&{ALL_ARMS}&init=he&moved=2",
    f"{SMALL}&{RESIDUAL}&{ALL_ARMS}&branch=zero_gamma&init=he&moved=2&decay=0.01",
    f"{SMALL}&{INCEPTION}&{ALL_ARMS}&dense=6&act=tanh&init=he&gain=0.5",
    f"{SMALL}&{INCEPTION}&init=torch&arms=none~before;normed:2~after",
    f"{SMALL}&{RESIDUAL}&branch=skipinit&arms=none~before;normed:1-3~instance",
    f"{SMALL}&{ALL_ARMS}&ghost=1&data=moons&drop=0.2&groups=8",
    f"{SMALL}&{MORE_ARMS}&moved=2&decay=0.01",
    f"{SMALL}&{MORE_ARMS}&arch=residual&gamma0=0.5&normed=1-3&opt=momentum",
    f"{SMALL}&{CONV}&{MORE_ARMS}&dense=6&gamma0=0.5&act=tanh",
    f"{SMALL}&{INCEPTION}&{MORE_ARMS}&gamma0=0.5&act=tanh&init=he",
    f"{SMALL}&{MORE_ARMS}&gamma=off&eps=0.01&data=moons",
]
TRAINED_APART = [
    f"{SMALL}&acc=5&opt=momentum&arms=none-before-ghost-renorm-layer",
    f"{SMALL}&acc=64&track=off&arms=before",
    f"{SMALL}&freezeat=4&opt=adam&lr=0.01&arms=before;freeze:statistics~after;freeze:parameters"
    "~ghost;freeze:both~renorm;freeze:both~before;freeze:parameters;acc:4",
    f"{SMALL}&{CONV}&freezeat=3&arms=before;freeze:both~ghost;freeze:statistics~renorm&eval=batch",
    f"{SMALL}&bnin=on&inputs=none&arms=none~before;freeze:both;freezeat:2~after;arch:residual",
    f"{SMALL}&bnin=on&acc=24&arms=before~before;arch:conv~layer;arch:conv_residual;acc:1",
]
LINKS += TRAINED_APART

RECURRENT = [
    f"{SMALL}&arch=recurrent&arms=none-before-layer-group-ghost-renorm-rms&beta0=0.5",
    f"{SMALL}&arch=recurrent&cell=gru&gamma0=0.1&arms=none~before~before;tnorm:shared~layer",
    f"{SMALL}&arch=recurrent&cell=lstm&arms=none~before;beta:off~ghost;tnorm:shared~layer;gamma:off",
    f"{SMALL}&arch=recurrent&cell=lstm&init=xavier&decay=0.01&bnc=on&arms=before~rms",
]


def kinds_of_layers(net: nn.Module) -> list[str]:
    """Return what each part of a script's net is, in the order in which they run."""
    found = []
    for module in net.modules():
        if isinstance(module, nn.Linear):
            bias = "" if module.bias is None else "+bias"
            found.append(f"linear {module.in_features} {module.out_features}{bias}")
        elif isinstance(module, nn.Conv2d):
            bias = "" if module.bias is None else "+bias"
            found.append(f"conv {module.in_channels} {module.out_channels}{bias}")
        elif isinstance(module, nn.AdaptiveAvgPool2d):
            found.append("mean")
        elif hasattr(module, "alpha"):
            found.append("BranchScale")
        elif isinstance(module, nn.MaxPool2d):
            found.append("MaxPool")
        elif isinstance(module, nn.Dropout):
            found.append("dropout")
        elif isinstance(module, nn.ReLU | nn.Tanh | nn.Sigmoid | nn.LeakyReLU | nn.GELU):
            found.append(type(module).__name__)
        elif hasattr(module, "weight") and not isinstance(module, nn.ModuleDict):
            found.append("norm" + re.sub(r"Norm.*", "", type(module).__name__.lower()))
    return found


def kinds_in_app(net: Net) -> list[str]:
    found = [] if net.input_norm is None else ["norm"]
    for layer in [*net.hidden, net.output]:
        for stage in layer.stages:
            if isinstance(stage, Normalization):
                found.append("norm")
            elif isinstance(stage, Inception):
                bias = "" if stage.bias is None else "+bias"
                sizes = [weight.shape[2:0:-1] for weight in stage.branches]
                each = [f"conv {inputs} {outputs}{bias}" for inputs, outputs in sizes]
                found += [*each[:3], "MaxPool", each[3]]
            elif isinstance(stage, Convolution):
                _, outputs, inputs, *_ = stage.weight.shape
                found.append(f"conv {inputs} {outputs}{'' if stage.bias is None else '+bias'}")
            elif isinstance(stage, Linear):
                _, inputs, outputs = stage.weight.shape
                found.append(f"linear {inputs} {outputs}{'' if stage.bias is None else '+bias'}")
            elif isinstance(stage, ChannelMean):
                found.append("mean")
            else:
                found.append("dropout" if hasattr(stage, "share") else type(stage).__name__)
    return found


def arms_of(link: str):
    """Yield each arm of a link: its config, the app's untrained nets, and what the script has."""
    script = definitions("pytorch", link)
    spec = comparison_of(link).base.data_spec
    comparison = comparison_of(link)
    for config, arm in zip(comparison.configs, script["ARMS"], strict=True):
        yield config, build(config, spec.input_shape, len(spec.classes)), arm, script


@pytest.mark.parametrize("link", LINKS)
def test_each_net_has_the_parts_and_the_parameters_of_the_app_in_the_same_order(link):
    for config, net, arm, _ in arms_of(link):
        made = arm.make()
        said = [re.sub(r"^norm.*", "norm", kind) for kind in kinds_of_layers(made)]
        assert said == kinds_in_app(net)
        learned = sum(p.numel() for p in made.parameters() if p.requires_grad)
        assert learned == sum(p.numel() for p in net.parameters()) // config.replicas
        assert parameter_count(config) == learned
        shortcuts = [layer.shortcut for layer in planned_layers(config)]
        first = [] if net.input_norm is None else [False]
        assert shortcuts == first + [layer.shortcut for layer in (*net.hidden, net.output)]


def copy_weights(net: Net, made: nn.Module) -> None:
    """Give a script's net the initial weights of the app's first replica."""
    linears = [module for module in made.modules() if isinstance(module, nn.Linear | nn.Conv2d)]
    pieces = [piece for source in net.linears for piece in pieces_of(source)]
    with torch.no_grad():
        for linear, (weight, bias) in zip(linears, pieces, strict=True):
            if nn.utils.parametrize.is_parametrized(linear):
                linear.weight = weight.detach()  # type: ignore[assignment]
            else:
                linear.weight.copy_(weight)
            if linear.bias is not None:
                assert bias is not None
                linear.bias.copy_(bias)


def pieces_of(source: Linear) -> list[tuple[Tensor, Tensor | None]]:
    """Return weight and bias of each of torch's layers for the first replica of one of the app."""
    bias = None if source.bias is None else source.bias[0, 0]
    if isinstance(source, Inception):
        weights = [weight[0] for weight in source.branches]
        none = [None] * len(weights)
        biases = none if bias is None else bias.split([len(weight) for weight in weights])
        return list(zip(weights, biases, strict=True))
    weight = source.weight[0]
    return [(weight if isinstance(source, Convolution) else weight.T, bias)]


@pytest.mark.parametrize("link", RECURRENT)
def test_recurrent_nets_learn_as_many_numbers_as_in_the_app(link):
    for config, net, arm, _ in arms_of(link):
        learned = sum(p.numel() for p in arm.make().parameters() if p.requires_grad)
        assert learned == sum(p.numel() for p in net.parameters()) // config.replicas
        assert parameter_count(config) == learned


@pytest.mark.parametrize("link", [*(link for link in LINKS if "drop=" not in link), *RECURRENT])
def test_from_the_same_weights_and_batches_each_net_takes_the_same_steps(link):
    """In 64 bits: RMSprop and Adam make full steps of gradients that are rounding alone."""
    for config, _, arm, script in arms_of(link):
        trainer, made = Trainer(config, fused=False), arm.make()
        copy_weights(trainer.net, made)
        trainer.net.double()
        made.double()
        optimizer = arm.optimizer(script["parameter_groups"](made, arm.weight_decay), arm.rates[0])
        for step in range(12):
            if step in arm.rates:
                trainer.set_rate(dict(config.rate_changes).get(step, config.learning_rate))
            inputs, labels = trainer.batches.next()
            expected = trainer.step((inputs.double(), labels))
            batch = inputs[0].double(), labels[0]
            loss = script["take_step"](made, arm, optimizer, step, *batch)
            assert loss == pytest.approx(expected.item(), rel=1e-6), arm.label
        data = trainer.dataset
        held_out = (data.validation_inputs.double(), data.validation_labels)
        found = script["validate"](made, arm, held_out)
        loss, accuracy = trainer.evaluate(config.evaluate_with, *held_out)
        assert found == pytest.approx((loss.item(), accuracy.item()), rel=1e-6), arm.label


@pytest.mark.parametrize("batches", [0, 300, 900])
def test_renormalization_limits_its_corrections_as_the_app_does(batches):
    _, net, _, script = next(arms_of(f"{SMALL}&arms=renorm&rmax=2&dmax=0.5"))
    made = script["BatchRenorm"](8, r_max=2.0, d_max=0.5, eps=1e-5, momentum=0.1)
    made.batches = net.norms[0].batches_seen = batches
    x = torch.randn(24, 8, generator=torch.Generator().manual_seed(1)) * 3 + 4
    torch.testing.assert_close(made(x), net.norms[0](x[None])[0])
    torch.testing.assert_close(made(x), net.norms[0](x[None])[0])  # from the averages so far


@pytest.mark.parametrize("data", ["digits", "moons", "circles", "spirals", "xor"])
def test_the_data_and_the_split_are_those_of_the_app_bit_for_bit(data):
    link = f"data={data}&seed=5" + ("" if data == "digits" else "&points=77&noise=0.2&batch=20")
    lines = exported("pytorch", link).splitlines()
    script = definitions("pytorch", link)
    made = [
        line.strip()
        for line in lines
        if line.strip().startswith(("state =", "parts =", "arrays ="))
    ]
    exec("\n".join(made), script)
    dataset = load(comparison_of(link).base)
    expected = (
        dataset.train_inputs,
        dataset.train_labels,
        dataset.validation_inputs,
        dataset.validation_labels,
    )
    for found, tensor in zip(script["arrays"], expected, strict=True):
        np.testing.assert_array_equal(found, tensor.numpy())


@pytest.mark.parametrize(
    ("init", "std"),
    [
        ("he", np.sqrt(2 / 200)),
        ("xavier", np.sqrt(2 / 400)),
        ("normal", 0.3),
        ("torch", None),
        ("orthogonal", np.sqrt(1 / 200)),
    ],
)
def test_the_initial_weights_have_the_distribution_of_the_app(init, std):
    link = f"depth=2&width=200&init={init}&std=0.3&gain=0.5&seeds=1"
    _, net, arm, script = next(arms_of(link))
    made = arm.make()
    script["initialize"](made, arm, 3)
    weight, app = made.layers[2].weight, net.linears[1].weight
    assert weight.std().item() == pytest.approx(app.std().item(), rel=0.02)
    if std is not None:
        assert weight.std().item() == pytest.approx(0.5 * std, rel=0.02)
    bias, app_bias = made.layers[2].bias, net.linears[1].bias
    assert app_bias is not None
    assert bias.std().item() == pytest.approx(app_bias.std().item(), rel=0.15, abs=1e-9)


def test_nets_that_differ_in_a_norm_begin_with_the_same_weights():
    weights = []
    for _, _, arm, script in arms_of(f"{SMALL}&arms=none-before-after"):
        made = arm.make()
        script["initialize"](made, arm, 3)
        weights.append([m.weight for m in made.modules() if isinstance(m, nn.Linear)])
    for first, *others in zip(*weights, strict=True):
        assert all(torch.equal(first, other) for other in others)


_NORMS_FROZEN = (
    "depth=2&width=16&steps=80&lr=0.3&seeds=5&bnin=on&arms=before;freeze:both;freezeat:40"
    "~before;acc:4~none"
)


@pytest.mark.parametrize(
    "link",
    [
        "depth=2&width=16&steps=80&lr=0.3&seeds=5&then=60:0.05&arms=none-before",
        pytest.param(_NORMS_FROZEN, marks=pytest.mark.slow),
    ],
)
def test_the_script_runs_as_it_is_and_its_table_agrees_with_that_of_the_app(tmp_path, link):
    table = printed_by(exported("pytorch", link), tmp_path).splitlines()
    assert table[0].split("  ")[0] == "net"
    assert_agrees(table, link)


@pytest.mark.parametrize("link", LINKS)
def test_a_script_says_nothing_that_it_does_not_use(link):
    tree = ast.parse(exported("pytorch", link))
    defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert defined <= used


def test_what_a_link_says_can_not_leave_the_docstring():
    comparison = comparison_of(SMALL)
    link = '/?a="""\nimport os\nos.system("x")\n"""\\'
    text = EXPORTS["pytorch"].make(ExportRequest(comparison, link)).decode()
    tree = ast.parse(text)
    assert "/?a=import" in (ast.get_docstring(tree) or "")
    assert not [node for node in ast.walk(tree) if "os.system" in ast.unparse(node)[:9]]


def test_a_diverged_seed_has_the_worst_values():
    script = definitions("pytorch", "depth=4&width=8&steps=9&lr=30&gain=100&seeds=1&arms=none")
    huge = torch.full((80, 64), 1e38)
    data = (huge, torch.arange(80) % 10, huge, torch.arange(80) % 10)
    assert script["train"](script["ARMS"][0], 0, data) == (np.inf, np.inf, 0.0)


def test_a_comparison_that_cannot_be_trained_is_refused_in_a_sentence():
    too_large = Comparison(Config(data="moons", points=20, batch_size=64))
    with pytest.raises(ExportError, match="Lower the batch size"):
        EXPORTS["pytorch"].make(ExportRequest(too_large))

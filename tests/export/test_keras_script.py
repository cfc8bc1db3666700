"""The Keras script trains the nets that the app trains; tested where Keras is installed."""

import functools
import os
import re
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from bn_core.config import Config
from bn_core.export.plan import parameter_count, planned_layers
from bn_core.nets.inception import Inception
from bn_core.normalization.weight_norm import WeightNorm
from bn_core.training import Trainer
from tests.export.agreement import assert_agrees
from tests.export.programs import comparison_of, definitions, exported, printed_by

keras: Any = None  # imported by the first of these tests: others should not wait for it

pytestmark = [
    pytest.mark.slow,  # Keras takes seconds to import, and 20 times as long for each step
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),  # Keras' own
]

ALL_ARMS = "arms=none-before-after-layer-group-instance-ghost-renorm"
SMALL = "depth=3&width=8&ghost=5&groups=2&steps=30&seeds=1"
LINKS = [
    f"{SMALL}&batch=40&{ALL_ARMS}",
    f"{SMALL}&batch=24&{ALL_ARMS}&arch=residual&act=gelu&init=he&gain=0.5&moved=2&normed=2-3",
    f"{SMALL}&batch=40&{ALL_ARMS}&beta=off&act=tanh&init=xavier&decay=0.01&eval=batch",
    f"{SMALL}&batch=40&{ALL_ARMS}&gamma=off&act=leaky_relu&bnc=on&then=2:0.02_4:0.3&bnm=0.3",
    f"{SMALL}&batch=1&ghost=1&data=xor&arms=none-before-ghost-group&groups=8",
    f"{SMALL}&batch=40&act=sigmoid&opt=momentum&init=normal&std=0.3&arms=before",
    f"{SMALL}&batch=40&opt=adam&lr=0.01&arms=before",
    f"{SMALL}&batch=40&opt=rmsprop&lr=0.001&arms=before",
    f"{SMALL}&arms=none~before~before;batch:4;lr:0.5;depth:2~after;opt:adam;moved:1",
]
MORE_ARMS = "arms=rms"
RESIDUAL = "arch=conv_residual&channels=2-2-4"
IMAGE_ARMS = "arms=none-before-layer-group-instance-ghost-renorm"
LINKS += [
    f"{SMALL}&batch=40&{IMAGE_ARMS}&arch=conv&channels=4-8&dense=8&act=tanh&init=he",
    f"{SMALL}&batch=40&gamma0=0.1&beta0=1&arms=before~layer;gamma:off~ghost;beta:off~renorm~group",
    f"{SMALL}&batch=24&arch=conv&act=tanh&channels=4-2&moved=1&bnc=on&arms=none-before-after",
    f"{SMALL}&batch=24&{MORE_ARMS}&act=tanh&normed=1-3",
    f"{SMALL}&batch=24&{MORE_ARMS}&arch=conv&channels=4-2&dense=6&act=tanh&gamma0=0.5&decay=0.01",
]
LINKS += [
    f"{SMALL}&batch=24&arch=residual&act=tanh&init=he&arms=before;branch:zero_gamma~none;branch:skipinit",
    f"{SMALL}&batch=40&{RESIDUAL}&act=tanh&arms=before~after;branch:zero_gamma~none;branch:skipinit",
]
APART = [
    f"{SMALL}&batch=40&acc=3&opt=momentum&decay=0.01&arms=none-before-ghost",
    f"{SMALL}&batch=66&acc=2&opt=adam&lr=0.01&arms=before",
    f"{SMALL}&batch=40&freezeat=2&opt=momentum&arms=before;freeze:statistics~after;freeze:parameters"
    "~ghost;freeze:both~renorm;freeze:both",
    f"{SMALL}&batch=40&arch=conv&channels=4-2&act=tanh&freezeat=2&arms=before;freeze:both&eval=batch",
    f"{SMALL}&batch=40&bnin=on&inputs=none&arms=none~before;freeze:both;freezeat:2~after;arch:residual",
    f"{SMALL}&batch=40&bnin=on&act=tanh&arms=before;arch:conv;channels:4-2~layer;act:relu",
    f"{SMALL}&batch=40&track=off&arms=before~after;batch:1",
    f"{SMALL}&batch=40&arms=weightnorm~weightstd~weightstd;wsgn:on~weightstd;gamma:off&gamma0=0.5",
    f"{SMALL}&batch=40&arch=conv&channels=4-2&act=tanh&decay=0.01"
    "&arms=weightnorm~weightstd~weightstd;wsgn:on;dense:6",
]
LINKS += APART
RECURRENT = [
    f"{SMALL}&batch=24&arch=recurrent&arms=none-before-layer-group-ghost-renorm-rms&beta0=0.5",
    f"{SMALL}&batch=24&arch=recurrent&cell=gru&gamma0=0.5&arms=none~before~before;tnorm:shared~layer",
    f"{SMALL}&batch=40&arch=recurrent&cell=lstm&arms=none~before;beta:off~layer;gamma:off",
    f"{SMALL}&batch=40&arch=recurrent&cell=lstm&init=xavier&decay=0.01&bnc=on&arms=before~rms",
]
KINDS = {"Conv2D": "conv", "MaxPooling2D": "pool", "Reshape": "image", "Flatten": "flatten"}
KINDS |= {"GlobalAveragePooling2D": "average", "BranchScale": "scale"}
KINDS |= {"Dense": "linear", "Activation": "activation", "LeakyReLU": "activation"}
KINDS |= {"InputNorm": "input_norm"}
MAPS = ("WeightNorm", "StandardizedWeights")


@pytest.fixture(autouse=True)
def in_64_bits() -> Iterator[None]:
    """Adam and RMSprop make full steps of gradients that are rounding alone."""
    global keras
    os.environ.setdefault("KERAS_BACKEND", "torch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the libraries that Keras imports
        keras = pytest.importorskip("keras")
    keras.config.set_floatx("float64")
    yield
    keras.config.set_floatx("float32")


def arms_of(link: str):
    """Yield each arm of a link: its config, what the script has of it, and its untrained net."""
    script = definitions("keras", link)
    for config, arm in zip(comparison_of(link).configs, script["ARMS"], strict=True):
        linear = functools.partial(script["linear_map"], arm, 0)
        yield config, script, arm, arm.make(linear)


@pytest.mark.parametrize("link", LINKS)
def test_each_net_has_the_parts_and_the_parameters_of_the_app_in_the_same_order(link):
    for config, _, _, net in arms_of(link):
        names = [
            ("Conv2D" if layer.size else "Dense")
            if type(layer).__name__ in MAPS
            else type(layer).__name__
            for layer in net.layers
        ]
        kinds = [
            KINDS.get(name, "dropout" if name == "Dropout" else "norm")
            for name in names
            if name not in ("InputLayer", "Add", "MoreChannels")
        ]
        planned = planned_layers(config)
        assert kinds == [part.kind for layer in planned for part in layer.parts]
        assert names.count("Add") == sum(layer.shortcut for layer in planned)
        learned = sum(int(np.prod(weight.shape)) for weight in net.trainable_weights)
        assert learned == parameter_count(config)


def weight_for(weight: Tensor, config: Config, index: int) -> Tensor:
    """Return a layer's weights as Keras has them: channels last, in flattened images too."""
    if weight.ndim == 4:
        return weight.permute(2, 3, 1, 0)
    if config.has_blocks and index == len(config.blocks) and not config.has_shortcuts:
        channels_first = weight.unflatten(0, (config.blocks[-1], -1))
        return channels_first.transpose(0, 1).flatten(0, 1)
    return weight


def copy_weights(net, trainer: Trainer, config: Config) -> None:
    """Give a script's net the initial weights of the app's first replica."""
    linears = []
    for layer in net.layers:
        if type(layer).__name__ == "Recurrent":
            linears += [layer.from_inputs, layer.from_hidden]
        elif type(layer).__name__ in ("Dense", "Conv2D", *MAPS):
            linears.append(layer)
    for index, (layer, source) in enumerate(zip(linears, trainer.net.linears, strict=True)):
        held = [weight_for(source.weight[0], config, index)]
        held += [] if source.bias is None else [source.bias[0, 0]]
        if isinstance(source.reparametrization, WeightNorm):
            held.append(source.reparametrization.length[0].flatten())
        if hasattr(layer, "gamma"):
            held.append(torch.full((layer.units,), config.initial_gamma if config.bn_scale else 1))
        layer.set_weights([one.detach().numpy() for one in held])


@pytest.mark.parametrize("link", [*LINKS, *RECURRENT])
def test_from_the_same_weights_and_batches_each_net_takes_the_same_steps(link):
    for config, script, arm, net in arms_of(link):
        trainer = Trainer(config, fused=False)
        trainer.net.double()
        copy_weights(net, trainer, config)
        script["compiled"](net, arm)
        # Behind standardized weights, or of h = 0, group norm's 32 bits soon make a difference.
        rounded = config.value_norm == "group" and (
            config.is_recurrent or config.normalizes_weights
        )
        for step in range(2 if rounded else 6):
            if step in arm.rates:
                trainer.set_rate(arm.rates[step])
            inputs, labels = trainer.batches.next()
            expected = trainer.step((inputs.double(), labels)).item()
            batch = inputs[0].double().numpy(), labels[0].numpy()
            found = script["take_step"](net, arm, step, *batch)
            # The optimizers put epsilon in other places; Keras' group norm computes in 32 bits.
            widened = config.needs_images or config.normalizes_weights
            groups = widened and config.value_norm in ("layer", "group", "instance")
            accuracy = 1e-3 if groups or config.optimizer in ("adam", "rmsprop") else 1e-5
            assert found == pytest.approx(expected, rel=accuracy), arm.label
        data = trainer.dataset
        inputs, labels = data.validation_inputs.double(), data.validation_labels
        loss, _ = script["validate"](net, arm, (None, None, inputs.numpy(), labels.numpy()))
        expected, _ = trainer.evaluate(config.evaluate_with, inputs, labels)
        own = "BatchNormalization" not in [type(layer).__name__ for layer in net.layers]
        # Keras' own layer averages the biased variance.
        assert loss == pytest.approx(expected.item(), rel=1e-3 if own else 0.03), arm.label


@pytest.mark.parametrize("link", RECURRENT)
def test_recurrent_nets_learn_as_many_numbers_as_in_the_app(link):
    for config, _, _, net in arms_of(link):
        learned = sum(int(np.prod(weight.shape)) for weight in net.trainable_weights)
        assert learned == parameter_count(config)


def test_an_inception_block_takes_the_same_steps_as_that_of_the_app():
    """Each branch has two channels or more: torch's own kernel has no gradient for one."""
    for config, _, arm, net in arms_of(f"{SMALL}&batch=40&arch=inception&channels=4-16&act=tanh"):
        trainer = Trainer(config, fused=False)
        trainer.net.double()
        block = trainer.net.hidden[1].linear
        assert isinstance(block, Inception)
        sources = [trainer.net.linears[0].weight, *block.branches]
        convolutions = [one for one in net.layers if isinstance(one, keras.layers.Conv2D)]
        for layer in convolutions:
            size = (layer.filters, *layer.kernel_size)
            (source,) = [w[0] for w in sources if (w.shape[1], *w.shape[3:]) == size]
            layer.kernel.assign(source.permute(2, 3, 1, 0).detach().numpy())
            if layer.use_bias:
                layer.bias.assign(np.zeros(layer.filters))
        for linear in trainer.net.linears[:2]:
            if linear.bias is not None:
                linear.bias.data.zero_()
        dense, source = net.layers[-1], trainer.net.linears[2]
        assert len(convolutions) == 5 and source.bias is not None
        held = weight_for(source.weight[0], config, 2), source.bias[0, 0]
        dense.set_weights([one.detach().numpy() for one in held])
        cross_entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        net.compile(arm.optimizer(arm.rates[0]), cross_entropy)
        for _ in range(4):
            inputs, labels = trainer.batches.next()
            expected = trainer.step((inputs.double(), labels)).item()
            found = net.train_on_batch(inputs[0].double().numpy(), labels[0].numpy())
            assert float(found) == pytest.approx(expected, rel=1e-5), arm.label


def test_momentum_is_1_minus_that_of_the_app_and_epsilon_is_the_same():
    for config, _, _, net in arms_of(f"{SMALL}&bnm=0.3&eps=0.01&arms=before"):
        norms = [one for one in net.layers if isinstance(one, keras.layers.BatchNormalization)]
        assert [(one.momentum, one.epsilon) for one in norms] == [(0.7, 0.01)] * config.depth


@pytest.mark.parametrize("init", ["he", "xavier", "normal", "torch", "orthogonal"])
def test_the_initial_weights_have_the_distribution_of_the_app(init):
    link = f"depth=2&width=200&init={init}&std=0.3&gain=0.5&seeds=1&arms=none"
    (found,) = arms_of(link)
    config, *_, net = found
    app = Trainer(config).net.linears[1]
    kernel, bias = net.layers[3].get_weights()
    assert kernel.std() == pytest.approx(app.weight.std().item(), rel=0.02)
    assert app.bias is not None
    assert bias.std() == pytest.approx(app.bias.std().item(), rel=0.15, abs=1e-9)


@pytest.mark.parametrize(
    "link",
    [
        "depth=2&width=16&steps=60&lr=0.3&seeds=3&then=50:0.05&arms=none-before",
        pytest.param(
            "arch=recurrent&width=16&steps=60&lr=0.3&seeds=10&arms=before", marks=pytest.mark.long
        ),
        "depth=2&width=16&steps=60&lr=0.3&seeds=3&bnin=on"
        "&arms=weightnorm~before;freeze:both;freezeat:40~before;acc:4",
    ],
)
def test_the_script_runs_as_it_is_and_its_table_agrees_with_that_of_the_app(tmp_path, link):
    table = printed_by(exported("keras", link), tmp_path, KERAS_BACKEND="torch").splitlines()
    assert re.split(r"\s{2,}", table[0])[0] == "net"
    assert_agrees(table, link)


def test_dropout_drops_nothing_where_batch_statistics_validate():
    for _, script, arm, net in arms_of(f"{SMALL}&drop=0.9&eval=batch&arms=before"):
        data = (None, None, np.ones((9, 64)) * np.arange(9)[:, None], np.arange(9))
        assert script["validate"](net, arm, data) == script["validate"](net, arm, data)

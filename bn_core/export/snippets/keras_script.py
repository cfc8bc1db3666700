"""Initialization, training and validation in Keras 3."""

import functools
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np

STEPS = 1000
WINDOW = 20


@dataclass(frozen=True)
class Arm:
    """One of the nets that are compared, and how it is trained."""

    label: str
    make: Callable  # returns the net, made of the linear maps that it is given
    draw: Callable  # returns the initializers of one linear map
    gain: float  # multiplies the initial weights
    optimizer: Callable
    rates: dict  # the learning rate from each step on, counted from 0
    batch_size: int
    weight_decay: float
    inputs: str = ""  # how its inputs are scaled, where the nets differ in it
    batch_statistics: bool = False  # validate with those, as if training=False were forgotten
    micro_batches: int = 1  # parts of a batch that pass the net one after the other
    freeze: Callable | None = None  # what is called with the net
    freeze_at: int = 0  # after so many steps


def he(inputs, gain, seed):
    """Normal, variance 2 / inputs; biases are zero. Keras' own HeNormal cuts the tails off."""
    scale = {"scale": 2 * gain**2, "mode": "fan_in", "distribution": "untruncated_normal"}
    return keras.initializers.VarianceScaling(**scale, seed=seed), "zeros"


def xavier(inputs, gain, seed):
    """Normal, variance 2 / (inputs + outputs); biases are zero."""
    scale = {"scale": gain**2, "mode": "fan_avg", "distribution": "untruncated_normal"}
    return keras.initializers.VarianceScaling(**scale, seed=seed), "zeros"


def torch_default(inputs, gain, seed):
    """Uniform within 1 / sqrt(inputs), biases too: what PyTorch does by itself."""
    bound = 1 / math.sqrt(inputs)
    weights = keras.initializers.RandomUniform(-gain * bound, gain * bound, seed=seed)
    return weights, keras.initializers.RandomUniform(-bound, bound, seed=seed + 50)


def normal(std):
    """Return what draws from N(0, std^2) in every layer; biases are zero."""

    def draw(inputs, gain, seed):
        return keras.initializers.RandomNormal(0.0, gain * std, seed=seed), "zeros"

    return draw


def orthogonal(inputs, gain, seed):
    """Orthonormal rows, or columns where there are fewer (Saxe et al. 2013); biases are zero."""
    return keras.initializers.Orthogonal(gain, seed=seed), "zeros"


def linear_map(
    arm, seed, number, inputs, units, use_bias=True, kernel=0, layer=None, **normalization
):
    """Return the linear map of a layer, counted from 1; the output layer has the number 0.

    With a ``kernel`` it is a convolution of so many pixels a side; a ``layer`` is a class that also
    normalizes its weights. Every layer has a seed of its
    own, so nets that differ in something else begin with the same weights where their layers have
    the same shape. Weight decay is L2 / 2 on the weights alone.
    """
    weights, biases = arm.draw(inputs * max(kernel, 1) ** 2, arm.gain, 100 * seed + number)
    settings = {
        "use_bias": use_bias,
        "kernel_initializer": weights,
        "bias_initializer": biases,
        "kernel_regularizer": keras.regularizers.L2(arm.weight_decay / 2),
    }
    if layer is not None:
        return layer(units, kernel, **settings, **normalization)
    if kernel:
        return keras.layers.Conv2D(units, kernel, padding="same", **settings)
    return keras.layers.Dense(units, **settings)


def sgd(rate, **accumulation):
    """Stochastic gradient descent."""
    return keras.optimizers.SGD(rate, **accumulation)


def momentum(rate, **accumulation):
    """Stochastic gradient descent with momentum 0.9.

    Keras keeps the steps in its average and PyTorch the gradients: after a change of the rate
    Keras' steps need a few more to follow.
    """
    return keras.optimizers.SGD(rate, momentum=0.9, **accumulation)


def rmsprop(rate, **accumulation):
    """RMSprop with PyTorch's numbers; Keras adds epsilon before the square root."""
    return keras.optimizers.RMSprop(rate, rho=0.99, epsilon=1e-16, **accumulation)


def adam(rate, **accumulation):
    """Adam with PyTorch's numbers."""
    return keras.optimizers.Adam(rate, epsilon=1e-8, **accumulation)


def hidden_norms(net):
    """Return the norms of the layers, without that of the inputs."""
    return [layer for layer in net.layers if getattr(layer, "freezes", False)]


def freeze_statistics(net):
    """From now on the norms use their running averages in training too, and do not move them."""
    for norm in hidden_norms(net):
        norm.frozen = True


def freeze_parameters(net):
    """From now on gamma and beta do not matter: the norms hold their present values."""
    for norm in hidden_norms(net):
        norm.held = tuple(keras.ops.stop_gradient(1.0 * one) for one in (norm.gamma, norm.beta))


def freeze_both(net):
    """Freeze running statistics, gamma and beta."""
    freeze_statistics(net)
    freeze_parameters(net)


def batches(inputs, labels, size, seed):
    """Yield full mini-batches for ever; each epoch has an order of its own."""
    state = np.random.RandomState(seed)
    while True:
        order = state.permutation(len(inputs))
        for start in range(0, len(order) - size + 1, size):
            chosen = order[start : start + size]
            yield inputs[chosen], labels[chosen]


def compiled(net, arm):
    """Return a net with its optimizer and its loss, ready to be trained."""
    parts = arm.micro_batches
    accumulation = {"gradient_accumulation_steps": parts} if parts > 1 else {}
    net.compile(
        arm.optimizer(arm.rates[0], **accumulation),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=[keras.metrics.SparseCategoricalCrossentropy(from_logits=True)],
    )
    return net


def take_step(net, arm, step, inputs, labels):
    """Take one step of descent on a batch; return the loss before it, without weight decay.

    Of micro-batches Keras averages the gradients; one that is larger than others weighs more.
    """
    if step == arm.freeze_at and arm.freeze is not None:
        arm.freeze(net)
        net.make_train_function(force=True)  # which compiled backends have to write anew
    if step in arm.rates:
        net.optimizer.learning_rate = arm.rates[step]
    parts, loss = arm.micro_batches, 0.0
    cuts = np.array_split(np.arange(len(inputs)), parts)
    for rows in cuts:
        share = len(rows) / len(inputs)
        weights = np.full(len(rows), share * parts) if parts > 1 else None
        found = net.train_on_batch(inputs[rows], labels[rows], sample_weight=weights)
        loss += share * float(found[1])
    return loss


def train(arm, seed, data):
    """Train one net; return its train loss, validation loss and validation accuracy.

    The train loss is the mean over the last WINDOW steps, without what weight decay adds. A net
    whose loss is no longer finite has diverged: it gets the worst values there are.
    """
    keras.utils.set_random_seed(seed)  # for dropout
    train_inputs, train_labels, *_ = data
    net = compiled(arm.make(functools.partial(linear_map, arm, seed)), arm)
    draws = batches(train_inputs, train_labels, arm.batch_size, seed)
    losses = []
    for step in range(STEPS):
        losses.append(take_step(net, arm, step, *next(draws)))
        if not math.isfinite(losses[-1]):
            return math.inf, math.inf, 0.0
    return sum(losses[-WINDOW:]) / len(losses[-WINDOW:]), *validate(net, arm, data)


def validate(net, arm, data):
    """Return the loss, in nats, and the share of right answers on the held-out data."""
    *_, inputs, labels = data
    if arm.batch_statistics:
        for layer in net.layers:
            if isinstance(layer, keras.layers.Dropout):
                layer.rate = 0.0
            layer.frozen = False  # the batch counts in frozen norms too
    logits = net(inputs, training=arm.batch_statistics)
    loss = keras.losses.sparse_categorical_crossentropy(labels, logits, from_logits=True)
    loss = float(keras.ops.convert_to_numpy(loss).mean())
    if not math.isfinite(loss):
        return math.inf, 0.0
    answers = keras.ops.convert_to_numpy(keras.ops.argmax(logits, axis=1))
    return loss, float(np.mean(answers == labels))


def train_all(arms, seeds, data):
    """Return the three numbers of every seed for each net, by its label."""
    results = {}
    for arm in arms:
        results[arm.label] = []
        seen = data[arm.inputs] if arm.inputs else data
        for seed in seeds:
            print(f"{arm.label}, seed {seed} ...", file=sys.stderr)
            results[arm.label].append(train(arm, seed, seen))
    return results

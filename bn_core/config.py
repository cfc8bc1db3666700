"""What can be set for one net and its training: each setting declared once."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bn_core.datasets.registry import DATASETS, LINK_NAMES, spec_of
from bn_core.datasets.spec import DataSpec, Scaling
from bn_core.settings import (
    Schedule,
    Setting,
    check_all,
    choice,
    declare,
    log_number,
    number,
    schedule,
    settings_of,
    switch,
    whole,
    wholes,
)

MOST_STEPS = 10_000

LAYER_FIELDS = ("normalized_layers", "moved_layers")
"""The fields that name hidden layers, counted from 1; they are held in order, each layer once."""

IMAGE_NETS = frozenset({"conv"})
"""Architectures whose examples have to be images."""

USUAL_CHANNELS = (16, 32)
"""Channels of the blocks of a convolutional net that names none."""

LEARNING_RATE = Setting(
    "log",
    "lr",
    "Learning rate",
    "What the gradient is multiplied by to make a step; Adam and RMSprop rescale it first. A fair "
    "comparison gives each net its own best rate. The rate can be changed while the nets train; "
    "the link keeps the change and repeats it.",
    0.1,
    1e-4,
    30.0,
)


@dataclass(frozen=True)
class Config:
    """Every setting of one net and its training, checked when it is made.

    Errors: ``SettingError`` names the first setting outside its limits.
    """

    data: str = choice(
        "digits",
        {name: spec.title for name, spec in DATASETS.items()},
        key="data",
        label="Data set",
        help="What the nets learn. Digits: 1,797 real handwritten digits of 8 x 8 pixels. Moons, "
        "circles, spirals and blobs are points in a plane, made anew from the seed.",
        also=LINK_NAMES,
    )
    noise: float = number(
        0.15,
        0.0,
        0.5,
        key="noise",
        label="Noise",
        help="Standard deviation of the random shift of each point of a 2-D set.",
    )
    points: int = whole(
        400,
        20,
        2000,
        key="points",
        label="Points",
        help="How many points of a 2-D set are trained on; half as many are held out.",
    )
    train_examples: int = whole(
        4000,
        20,
        60_000,
        key="n",
        label="Training examples",
        help="How many examples of a set from files are trained on; fewer where the set has fewer. "
        "More examples take more memory and make epochs longer, not steps.",
        shown=False,
    )
    pooling: bool = switch(
        False,
        key="pool",
        label="2 x 2 mean pooling of images",
        help="Each 2 x 2 pixels become one, their mean: 28 x 28 pixels become 14 x 14, and a "
        "first layer has a quarter of the weights.",
        shown=False,
    )
    normalize_inputs: str = choice(
        "standardize",
        {
            "standardize": "Standardized",
            "unit": "From 0 to 1 (min-max)",
            "none": "Raw, as in the file",
        },
        key="inputs",
        label="Inputs",
        help="What becomes of the inputs before the first layer. Standardized: minus the mean, "
        "divided by the standard deviation of the training part; points and tables feature by "
        "feature, pixels all alike. Raw: pixels from 0 to 16 or 255, columns in their own units. "
        "An arm may have a choice of its own.",
        shown=False,
    )
    depth: int = whole(
        6,
        1,
        20,
        key="depth",
        label="Hidden layers",
        help="How many hidden layers the net has. The deeper, the harder it is to train without "
        "normalization.",
    )
    width: int = whole(
        64,
        4,
        256,
        key="width",
        label="Units per layer",
        help="How many units each hidden layer has.",
    )
    widths: tuple[int, ...] = wholes(
        4,
        256,
        key="widths",
        label="Units of each layer",
        help="How many units each hidden layer has, from the first to the last; the number of "
        "hidden layers follows. Empty: every layer has as many as chosen above.",
    )
    architecture: str = choice(
        "plain",
        {
            "plain": "Fully connected (MLP)",
            "residual": "Residual MLP (shortcuts)",
            "conv": "Convolutional",
        },
        key="arch",
        label="Architecture",
        help="Fully connected: hidden layers of units (a multi-layer perceptron). Residual: from "
        "the second layer on, each adds W a(norm(x)) to its input instead of replacing it, and a "
        "last norm and activation stand before the output (He et al. 2016, 1603.05027). "
        "Convolutional, for images: blocks of a 3x3 convolution, normalization, activation and "
        "2x2 max pooling, then dense layers; batch norm takes a channel's mean and variance over "
        "examples and pixels. Batch norm was introduced on a convolutional net of the Inception "
        "family (1502.03167); ResNet (1512.03385) and Xception (1610.02357) have it behind every "
        "convolution.",
    )
    channels: tuple[int, ...] = wholes(
        1,
        128,
        most=6,
        key="channels",
        label="Channels of each block",
        help="How many channels each convolution has, from the first block to the last, such as "
        "16-32. Each block is a 3x3 convolution with padding 1, normalization, activation and a "
        "2x2 max pool, which is left out where images have become smaller than 4 pixels. Empty: "
        "16-32.",
    )
    dense: tuple[int, ...] = wholes(
        4,
        256,
        most=6,
        key="dense",
        label="Dense layers",
        help="Units of each fully connected hidden layer behind the convolutions, such as 64; they "
        "are normalized like the others. Empty: the output layer follows the last block.",
    )
    activation: str = choice(
        "relu",
        {
            "relu": "ReLU",
            "tanh": "tanh",
            "sigmoid": "sigmoid",
            "leaky_relu": "leaky ReLU",
            "gelu": "GELU",
        },
        key="act",
        label="Activation",
        help="The nonlinear function behind each hidden layer. Leaky ReLU has slope 0.01 below "
        "zero.",
    )
    initialization: str = choice(
        "torch",
        {
            "he": "He",
            "xavier": "Xavier (Glorot)",
            "torch": "PyTorch's default",
            "normal": "N(0, std)",
        },
        key="init",
        label="Initial weights",
        help="How the weights are drawn. He: normal, variance 2 / inputs. Xavier: normal, variance "
        "2 / (inputs + outputs). PyTorch's default: uniform within 1 / sqrt(inputs), biases too. "
        "N(0, std): one standard deviation for every layer. Biases are zero but for PyTorch's.",
    )
    init_std: float = log_number(
        0.1,
        1e-4,
        10.0,
        key="std",
        label="std of N(0, std)",
        help="Standard deviation of the initial weights, where N(0, std) is chosen above.",
    )
    gain: float = log_number(
        1.0,
        0.01,
        100.0,
        key="gain",
        label="Gain",
        help="Multiplies every initial weight. 1 leaves them as chosen above; try 0.1 or 3 to see "
        "which nets still learn from weights of the wrong scale.",
    )
    normalization: str = choice(
        "none",
        {
            "none": "None",
            "batch": "Batch norm",
            "layer": "Layer norm",
            "group": "Group norm",
            "instance": "Instance norm",
            "ghost": "Ghost batch norm",
            "renorm": "Batch renormalization",
        },
        key="norm",
        label="Normalization",
        help="What normalizes each hidden layer. Batch norm, its ghost version and "
        "renormalization take a unit's mean and variance over examples; layer and group norm take "
        "an example's over its units; instance norm takes them within one channel of one "
        "example, a single value in fully connected layers. In the Lab the arms choose it.",
    )
    normalized_layers: tuple[int, ...] = wholes(
        1,
        20,
        key="normed",
        label="Normalized layers",
        help="Which hidden layers are normalized, counted from 1; empty: every layer. In a "
        "residual net the norm in front of the output belongs to the last hidden layer.",
    )
    placement: str = choice(
        "before",
        {"before": "Before the activation", "after": "After the activation"},
        key="place",
        label="Place",
        help="Where the normalization stands. In the Lab the arms choose it.",
    )
    moved_layers: tuple[int, ...] = wholes(
        1,
        20,
        key="moved",
        label="Layers with the other place",
        help="Hidden layers, counted from 1, whose normalization stands on the other side of the "
        "activation than the place above says; empty: none.",
        shown=False,
    )
    bn_momentum: float = number(
        0.1,
        0.0,
        1.0,
        key="bnm",
        label="Momentum of the running statistics",
        help="Share of the newest batch in the running mean and variance (PyTorch's meaning; "
        "Keras' momentum is one minus this).",
    )
    bn_cumulative: bool = switch(
        False,
        key="bnc",
        label="Cumulative average instead",
        help="Average all batches since the start with equal weight (momentum=None in PyTorch).",
    )
    bn_epsilon: float = log_number(
        1e-5,
        1e-8,
        1.0,
        key="eps",
        label="Epsilon",
        help="Added to the variance before the square root, so that a constant unit divides by "
        "something.",
    )
    bn_scale: bool = switch(
        True,
        key="gamma",
        label="Scale (gamma)",
        help="Whether each unit learns a factor for its normalized value.",
    )
    bn_shift: bool = switch(
        True,
        key="beta",
        label="Shift (beta)",
        help="Whether each unit learns an offset for its normalized value.",
    )
    initial_gamma: float = number(
        1.0,
        0.0,
        3.0,
        key="gamma0",
        label="Initial gamma",
        help="What gamma is before the first step, in every normalized layer that learns it "
        "(weight in PyTorch, gamma_initializer in Keras). In front of tanh 0.1 starts near the "
        "straight part. With 0 every normalized unit puts out beta alone at first.",
    )
    initial_beta: float = number(
        0.0,
        -3.0,
        3.0,
        key="beta0",
        label="Initial beta",
        help="What beta is before the first step, where it is learned (bias in PyTorch, "
        "beta_initializer in Keras). In front of ReLU it says how many units begin active: of "
        "normal values one half at 0, 84 % at 1, 16 % at -1.",
    )
    groups: int = whole(
        8,
        1,
        64,
        key="groups",
        label="Groups of group norm",
        help="Into how many groups of one size group norm splits a layer's units; each example has "
        "a mean and a variance for each. It must divide the width. One group is layer norm; groups "
        "of two units leave only signs, groups of one leave nothing.",
    )
    ghost_size: int = whole(
        16,
        1,
        512,
        key="ghost",
        label="Ghost batch size",
        help="Ghost batch norm cuts each batch into parts of this many examples, with a mean and a "
        "variance of their own. The last part takes in what is left over.",
    )
    renorm_rmax: float = log_number(
        3.0,
        1.0,
        100.0,
        key="rmax",
        label="Limit of r",
        help="Batch renormalization corrects a batch's standard deviation by at most this factor. "
        "1, with d at 0, is batch norm. It is plain batch norm for 100 batches; then this limit "
        "grows until batch 800.",
    )
    renorm_dmax: float = number(
        5.0,
        0.0,
        20.0,
        key="dmax",
        label="Limit of d",
        help="Batch renormalization corrects a batch's mean by at most this many running standard "
        "deviations. It is plain batch norm for 100 batches; then this limit grows until batch "
        "500.",
    )
    evaluate_with: str = choice(
        "running",
        {"running": "running averages (eval)", "batch": "batch statistics (train)"},
        key="eval",
        label="Validate with",
        help="Which mean and variance batch norm uses on validation data: the running averages, "
        "as a deployed net (one that answers, and no longer learns) does, or those of the "
        "validation batch, as if eval() were forgotten.",
    )
    optimizer: str = choice(
        "sgd",
        {"sgd": "SGD", "momentum": "SGD, momentum 0.9", "rmsprop": "RMSprop", "adam": "Adam"},
        key="opt",
        label="Optimizer",
        help="How gradients become steps. RMSprop and Adam want far smaller rates than SGD.",
    )
    learning_rate: float = declare(LEARNING_RATE)
    rate_changes: Schedule = schedule(
        LEARNING_RATE,
        MOST_STEPS,
        key="then",
        label="Learning rate changes",
        help="Steps after which the learning rate was changed while the nets trained.",
    )
    batch_size: int = whole(
        64,
        1,
        512,
        key="batch",
        label="Batch size",
        help="How many examples make one step, and how many share batch norm's mean and "
        "variance. It matters to nets without batch norm too. The rest of an epoch that fills no "
        "batch is left out; each epoch is shuffled anew.",
    )
    weight_decay: float = number(
        0.0,
        0.0,
        0.1,
        key="decay",
        label="Weight decay",
        help="Pulls weights towards zero; biases, gamma and beta are spared, as is usual. In front "
        "of batch norm it does not shrink the net's function: it keeps the effective learning "
        "rate, rate / |W|², from dying away.",
    )
    dropout: float = number(
        0.0,
        0.0,
        0.9,
        key="drop",
        label="Dropout",
        help="Share of each hidden layer's outputs that is zeroed at random in training.",
    )
    steps: int = whole(
        1000,
        1,
        MOST_STEPS,
        key="steps",
        label="Steps to run",
        help="How many mini-batches a run trains on.",
    )
    seed: int = whole(
        0,
        0,
        999_999,
        key="seed",
        label="Seed",
        help="Data, initial weights, batches and dropout are drawn from it. The same seed gives "
        "the same run.",
    )
    replicas: int = whole(
        3,
        1,
        10,
        key="seeds",
        label="Seeds at once",
        help="How many times each net is trained, each time from other initial weights and "
        "batches. Curves are medians, bands show the range: one run proves little.",
    )

    def __post_init__(self) -> None:
        check_all(self)
        for name in LAYER_FIELDS:
            chosen = tuple(sorted(set(getattr(self, name))))
            object.__setattr__(self, name, chosen)
        if self.widths or self.needs_images:
            object.__setattr__(self, "depth", len(self.layer_widths))

    @property
    def data_spec(self) -> DataSpec:
        """What the data are: shapes, classes and kind."""
        spec = spec_of(self.data)
        return spec.with_pooling() if self.pooling and spec.can_be_pooled else spec

    @property
    def train_size(self) -> int:
        """The number of training examples, N."""
        return self.data_spec.train_size(self.points, self.train_examples)

    @property
    def scaling(self) -> Scaling:
        """How the inputs are made of the raw ones, before any layer."""
        return _SCALINGS[self.normalize_inputs]

    @property
    def needs_images(self) -> bool:
        """Whether the net's examples have to be images."""
        return self.architecture in IMAGE_NETS

    @property
    def has_shortcuts(self) -> bool:
        """Whether layers add their input to what they compute."""
        return self.architecture == "residual"

    @property
    def blocks(self) -> tuple[int, ...]:
        """The number of channels of each block of a convolutional net, first to last."""
        return self.channels or USUAL_CHANNELS

    @property
    def layer_widths(self) -> tuple[int, ...]:
        """The number of units, or channels, of each hidden layer, first to last."""
        if self.needs_images:
            return (*self.blocks, *self.dense)
        return self.widths or (self.width,) * self.depth

    def width_of(self, index: int) -> int:
        """Return the number of units of the hidden layer ``index``, counted from 0."""
        return self.layer_widths[index] if self.widths or self.needs_images else self.width

    def normalizes(self, index: int) -> bool:
        """Return whether the hidden layer ``index``, counted from 0, has a normalization."""
        chosen = not self.normalized_layers or index + 1 in self.normalized_layers
        return chosen and self.normalization != "none"

    def placement_of(self, index: int) -> str:
        """Return where the norm of hidden layer ``index``, from 0, stands: "before" or "after"."""
        if index + 1 not in self.moved_layers:
            return self.placement
        return "after" if self.placement == "before" else "before"

    def unshown(self) -> dict[str, Any]:
        """Return those fields with values of their own that ``repr`` leaves out.

        Settings that came later are not in it, so that earlier runs keep their fingerprints.
        """
        names = [field.name for field in dataclasses.fields(self) if not field.repr]
        values = {name: getattr(self, name) for name in names if name != "moved_layers"}
        return {name: value for name, value in values.items() if value != SETTINGS[name].default}

    @property
    def _size(self) -> dict[str, int]:
        return {"depth": self.depth, "width": self.width}

    def changed(self, changes: Mapping[str, Any]) -> "Config":
        """Return this config with some fields replaced, checked again.

        Another depth or width replaces the widths of single layers.
        """
        resized = any(changes.get(key, held) != held for key, held in self._size.items())
        if resized and "widths" not in changes:
            changes = {**changes, "widths": ()}
        return dataclasses.replace(self, **changes)


_SCALINGS: Mapping[str, Scaling] = {"standardize": "standardize", "unit": "unit", "none": "raw"}

SETTINGS = settings_of(Config)
"""Every setting of a config by field name."""

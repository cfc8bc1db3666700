"""Every setting of one net and its training, and what follows from them."""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bn_core.config.data_settings import DataSettings
from bn_core.config.net_settings import NetSettings
from bn_core.config.normalization_settings import NormalizationSettings
from bn_core.config.training_settings import TrainingSettings
from bn_core.datasets.registry import spec_of
from bn_core.datasets.spec import DataSpec, Scaling
from bn_core.settings import check_all, settings_of

LAYER_FIELDS = ("normalized_layers", "moved_layers")
"""The fields that name hidden layers, counted from 1; they are held in order, each layer once."""

USUAL_CHANNELS: Mapping[str, tuple[int, ...]] = {
    "conv": (16, 32),
    "inception": (16, 32),
    "conv_residual": (16, 16, 32, 32),
}
"""Channels of the blocks of the architectures for images, where a config names none."""

RESIDUAL_NETS = frozenset({"residual", "conv_residual"})
"""Architectures in which layers add their input to what they compute."""

RUNNING_STATISTICS = frozenset({"batch", "ghost", "renorm"})
"""Normalizations that keep a running mean and variance for evaluation."""

OF_WEIGHTS = frozenset({"weightnorm", "weightstd"})
"""Normalizations of the weights, not of the values that pass."""

WITHOUT_BETA = frozenset({"none", "rms"})
"""Normalizations that add nothing to the normalized values."""


@dataclass(frozen=True)
class Config(TrainingSettings, NormalizationSettings, NetSettings, DataSettings):
    """Every setting of one net and its training, checked when it is made.

    The bases stand in this order so that the fields are in the order data, net, normalization,
    training. Errors: ``SettingError`` names the first setting outside its limits.
    """

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
        return self.has_blocks or self.is_recurrent

    @property
    def is_recurrent(self) -> bool:
        """Whether the net reads an image row by row; its time steps count as layers."""
        return self.architecture == "recurrent"

    @property
    def has_blocks(self) -> bool:
        """Whether the net has blocks of convolutions, which ``channels`` and ``dense`` describe."""
        return self.architecture in USUAL_CHANNELS

    @property
    def hidden_activation(self) -> str:
        """The activation of the hidden layers: the one chosen, or tanh, which each cell has."""
        return "tanh" if self.is_recurrent else self.activation

    @property
    def time_steps(self) -> int:
        """The number of rows of an image, T; 1 of data that are no images."""
        return self.data_spec.input_shape[1] if self.data_spec.kind == "image" else 1

    @property
    def shown_time_steps(self) -> tuple[int, ...]:
        """The time steps of a recurrent net that are measured, counted from 1."""
        return measured_time_steps(self.time_steps)

    @property
    def layer_word(self) -> str:
        """What a measured layer is called: "layer", or "time step" in a recurrent net."""
        if not self.is_recurrent:
            return "layer"
        every = len(self.shown_time_steps) == self.time_steps
        return "time step" if every else "measured time step"

    @property
    def has_shortcuts(self) -> bool:
        """Whether layers add their input to what they compute."""
        return self.architecture in RESIDUAL_NETS

    @property
    def is_normalized(self) -> bool:
        """Whether any layer is normalized."""
        return self.normalization != "none"

    @property
    def has_running_statistics(self) -> bool:
        """Whether the normalization keeps a running mean and variance for evaluation."""
        kept = self.bn_track or self.normalization != "batch" or self.is_recurrent
        return kept and self.normalization in RUNNING_STATISTICS

    @property
    def normalizes_inputs(self) -> bool:
        """Whether a batch norm stands in front of the first layer."""
        return self.input_norm and not self.is_recurrent

    @property
    def evaluates_by_batch(self) -> bool:
        """Whether values in evaluation depend on what else is in the batch."""
        untracked = self.normalization == "batch" and not self.has_running_statistics
        return self.evaluate_with == "batch" or untracked

    @property
    def can_freeze(self) -> bool:
        """Whether the normalization is batch norm or of its kind, in layers of its own."""
        return self.normalization in RUNNING_STATISTICS and not self.is_recurrent

    @property
    def freezes_statistics(self) -> bool:
        """Whether the running statistics stand still from a step on."""
        return self.can_freeze and self.freeze in ("statistics", "both")

    @property
    def freezes_parameters(self) -> bool:
        """Whether gamma and beta stand still from a step on."""
        return self.can_freeze and self.freeze in ("parameters", "both")

    @property
    def normalizes_weights(self) -> bool:
        """Whether the weights of normalized layers are normalized, by the kind chosen."""
        return self.normalization in OF_WEIGHTS

    @property
    def value_norm(self) -> str:
        """What normalizes the values that pass a normalized layer: "none", "batch", ..."""
        if self.normalization == "weightstd" and self.standardized_groups:
            return "group"
        return "none" if self.normalizes_weights else self.normalization

    @property
    def has_gamma(self) -> bool:
        """Whether the normalization can learn a factor that begins with a value of choice."""
        return self.is_normalized and self.normalization != "weightnorm"

    @property
    def has_beta(self) -> bool:
        """Whether the normalization can learn an offset."""
        return self.value_norm not in WITHOUT_BETA

    @property
    def learns_beta(self) -> bool:
        """Whether the normalization learns an offset."""
        return self.has_beta and self.bn_shift

    def reads(self, name: str) -> bool:
        """Return whether this net or its training depends on the setting ``name`` at all."""
        read_if = SETTINGS[name].read_if
        return read_if is None or read_if(self)

    @property
    def settings_read(self) -> dict[str, Any]:
        """The values of the settings that are read; two nets with equal ones train the same."""
        values = {name: getattr(self, name) for name in SETTINGS if self.reads(name)}
        return {**values, "channels": self.blocks} if "channels" in values else values

    @property
    def blocks(self) -> tuple[int, ...]:
        """The number of channels of each block of a convolutional net, first to last."""
        return self.channels or USUAL_CHANNELS.get(self.architecture, ())

    @property
    def layer_widths(self) -> tuple[int, ...]:
        """The number of units, or channels, of each hidden layer, first to last."""
        if self.is_recurrent:
            return (self.width,) * len(self.shown_time_steps)
        if self.has_blocks:
            return self.blocks if self.has_shortcuts else (*self.blocks, *self.dense)
        return self.widths or (self.width,) * self.depth

    def width_of(self, index: int) -> int:
        """Return the number of units of the hidden layer ``index``, counted from 0."""
        return self.layer_widths[index] if self.widths or self.needs_images else self.width

    def normalizes(self, index: int) -> bool:
        """Return whether the hidden layer ``index``, counted from 0, has a normalization."""
        chosen = not self.normalized_layers or index + 1 in self.normalized_layers
        return chosen and self.is_normalized

    def normalizes_values(self, index: int) -> bool:
        """Return whether the values of hidden layer ``index``, from 0, are normalized."""
        return self.normalizes(index) and self.value_norm != "none"

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


def measured_time_steps(steps: int) -> tuple[int, ...]:
    """Return which of so many time steps, counted from 1, are measured: every s-th, and the last.

    s is the smallest for which there are at most as many as other nets may have layers.
    """
    spacing = math.ceil(steps / SETTINGS["depth"].high)
    return tuple(range(steps, 0, -spacing))[::-1]


_SCALINGS: Mapping[str, Scaling] = {"standardize": "standardize", "unit": "unit", "none": "raw"}

SETTINGS = settings_of(Config)
"""Every setting of a config by field name."""

"""The Keras 3 script: one function for each net, layer by layer."""

import re
from collections.abc import Collection, Iterator

from bn_core.config import Config
from bn_core.export import script
from bn_core.export.data_code import DataCode, data_code
from bn_core.export.plan import Part, PlannedLayer, first_values, planned_layers
from bn_core.export.request import Exporter, ExportError, ExportRequest
from bn_core.export.source import identifier, program, snippets
from bn_core.net_shapes import inception_channels

_ACTIVATIONS = {
    "relu": 'keras.layers.Activation("relu")',
    "tanh": 'keras.layers.Activation("tanh")',
    "sigmoid": 'keras.layers.Activation("sigmoid")',
    "leaky_relu": "keras.layers.LeakyReLU(negative_slope=0.01)",
    "gelu": 'keras.layers.Activation("gelu")',
}
_OWN_NORMS = ("BatchNorm", "BatchRenorm", "InstanceNorm", "RMSNorm")
_OWN_LAYERS = ("BranchScale", "MoreChannels", "inception")
_ALWAYS = ("Arm", "linear_map", "batches", "train", "validate", "train_all")
SMALL_BATCH = 32
"""Below it Keras' running average of the biased variance is over 3 % too small: then batch norm
is written out."""

_REMARKS = (
    "\n\n"
    "Keras' momentum is 1 minus PyTorch's (and the Lab's): the share of the old average. Keras\n"
    "averages each batch's biased variance, PyTorch the unbiased one; where batches are so small\n"
    "that it matters, and where Keras lacks a layer, a short layer of this file stands."
)
_IMPORTS = """{library}

os.environ.setdefault("KERAS_BACKEND", "torch")  # or "tensorflow", or "jax"

import keras
import numpy as np
{own}{data}"""


def keras_script(request: ExportRequest) -> bytes:
    """Return a program that trains the nets of a comparison with Keras 3 and prints the table.

    Errors: ``ExportError``.
    """
    comparison = script.written(request)
    configs, data = comparison.configs, data_code(comparison)
    if any(config.reads("bn_track") and not config.bn_track for config in configs):
        raise ExportError(
            "Keras' batch norm always keeps running statistics; choose the PyTorch script or the "
            "notebook."
        )
    if any(config.normalizes_weights for config in configs):
        raise ExportError(
            "Keras has no layers that normalize weights; leave those nets out, or choose the "
            "PyTorch script or the notebook."
        )
    nets = script.named_nets(comparison, _body, _name)
    own = _own_layers(configs)
    definitions = [
        *data.snippets,
        *snippets("keras_layers", own),
        *(_net(name, script.net_words(arm, c), body) for body, (name, arm, c) in nets.items()),
        *snippets("keras_script", [*_ALWAYS, *script.draws(configs), *script.optimizers(configs)]),
        *snippets("table", ["spread", "print_table"]),
        script.arms_source(comparison, [nets[_body(config)][0] for config in configs], data),
        script.main_source(_main_lines(data)),
    ]
    imports = _IMPORTS.format(
        library=script.library_imports(data, ("functools", "math", "os", "sys")),
        own="from keras import ops\n" if set(own) - {"inception"} else "",
        data=script.imports_of_data(comparison.base),
    )
    head = script.header(request, "Keras 3", "keras torch numpy", data.words, _REMARKS)
    return program(head, imports, script.constants(comparison), definitions)


KERAS = Exporter(
    "Keras 3 script",
    "The same nets in Keras 3, on any of its backends: trained, validated, in a table.",
    "batch_norm_lab_keras.py",
    "text/x-python",
    keras_script,
)


def _name(label: str, taken: Collection[str]) -> str:
    """Return a function's name made of a label, such as bn_before_net."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", identifier(label, ())).lower()
    count, name = 1, words
    while name in taken:
        count += 1
        name = f"{words}_{count}"
    return name


def _net(name: str, words: str, body: str) -> str:
    return f'def {name}(linear):\n    """{words}"""\n{body}'


def _body(config: Config) -> str:
    lines = [f"x = inputs = keras.Input(({config.data_spec.inputs},))", *_layers(config)]
    return "\n".join(f"    {line}" for line in [*lines, "return keras.Model(inputs, x)"])


def _layers(config: Config) -> Iterator[str]:
    planned = planned_layers(config)
    for index, layer in enumerate(planned, start=1):
        number = index if index < len(planned) else 0
        yield f"# {layer.title}"
        if layer.shortcut:
            yield f"shortcut = {_shortcut(layer)}"
        for place, part in enumerate(layer.parts, start=1):
            if part.kind == "image" and part.units > 1:  # the Lab keeps channels first
                yield f"x = keras.layers.Reshape({(part.units, *part.positions)})(x)"
                yield "x = keras.layers.Permute((2, 3, 1))(x)"
            elif part.kind == "inception":
                yield f"x = inception(x, linear, {number}, {_inception(part)})"
            else:
                yield f"x = {_part(config, part, number)}(x)"
            if place == len(layer.branch):
                yield "x = keras.layers.Add()([shortcut, x])"


def _inception(part: Part) -> str:
    without = "" if part.bias else ", use_bias=False"
    return f"{part.inputs}, {inception_channels(part.units)}{without}"


def _shortcut(layer: PlannedLayer) -> str:
    return f"MoreChannels({layer.new_channels})(x)" if layer.new_channels else "x"


def _part(config: Config, part: Part, number: int) -> str:
    match part.kind:
        case "linear":
            without = "" if part.bias else ", use_bias=False"
            return f"linear({number}, {part.inputs}, {part.units}{without})"
        case "conv":
            without = "" if part.bias else ", use_bias=False"
            return f"linear({number}, {part.inputs}, {part.units}, kernel=3{without})"
        case "flatten":
            return "keras.layers.Flatten()"
        case "pool":
            return "keras.layers.MaxPooling2D(2)"
        case "average":
            return "keras.layers.GlobalAveragePooling2D()"
        case "scale":
            return "BranchScale()"
        case "image":
            return f"keras.layers.Reshape({(*part.positions, part.units)})"
        case "activation":
            return _ACTIVATIONS[config.activation]
        case "dropout":
            return f"keras.layers.Dropout({config.dropout!r})"
        case "recurrent":
            raise ExportError(
                "Keras scripts are not written for recurrent nets; choose PyTorch or the notebook."
            )
        case "norm":
            return (_norm_of_channels if part.positions else _norm)(config, part)


def _learned(config: Config, part: Part, own: bool) -> str:
    """Return what of gamma and beta is not learned, or begins with other values than 1 and 0.

    ``own`` layers of the script take numbers, those of Keras initializers.
    """
    found = "" if config.bn_scale else ", scale=False"
    found += "" if config.learns_beta else ", center=False"
    names = "gamma", "beta"
    for name, first, usual in zip(names, first_values(config, part), (1, 0), strict=True):
        if first != usual and own:
            found += f", {name}={first!r}"
        elif first != usual:
            found += f", {name}_initializer=keras.initializers.Constant({first!r})"
    return found


def _norm_of_channels(config: Config, part: Part) -> str:
    """Return the call for images, channels last; layer norm is one group of all channels."""
    if config.value_norm == "rms":
        return f"RMSNorm(epsilon={config.bn_epsilon!r}{_learned(config, part, own=True)})"
    groups = {"layer": 1, "group": config.groups, "instance": -1}.get(config.value_norm)
    if groups is None:
        return _norm(config, part)
    settings = f"{groups}, epsilon={config.bn_epsilon!r}{_learned(config, part, own=False)}"
    return f"keras.layers.GroupNormalization({settings})"


def _norm(config: Config, part: Part) -> str:
    learned, own = (_learned(config, part, own=own) for own in (False, True))
    epsilon = f"epsilon={config.bn_epsilon!r}"
    share = f"share={None if config.bn_cumulative else config.bn_momentum!r}"
    match config.value_norm:
        case "batch" if not config.bn_cumulative and config.batch_size >= SMALL_BATCH:
            momentum = f"momentum={round(1 - config.bn_momentum, 9)!r}"
            return f"keras.layers.BatchNormalization({momentum}, {epsilon}{learned})"
        case "batch":
            return f"BatchNorm({epsilon}, {share}{own})"
        case "ghost":
            return f"BatchNorm({epsilon}, {share}, ghost_size={config.ghost_size}{own})"
        case "renorm":
            limits = f"r_max={config.renorm_rmax!r}, d_max={config.renorm_dmax!r}"
            return f"BatchRenorm({limits}, {epsilon}, {share}{own})"
        case "rms" if (config.bn_scale, first_values(config, part)[0]) == (True, 1):
            return f"keras.layers.RMSNormalization({epsilon})"
        case "rms":
            return f"RMSNorm({epsilon}{own})"
        case "layer":
            return f"keras.layers.LayerNormalization({epsilon}{learned})"
        case "group" if config.groups < part.units:
            return f"keras.layers.GroupNormalization({config.groups}, {epsilon}{learned})"
        case _:  # groups of one unit are instance norm
            return f"InstanceNorm({own.removeprefix(', ')})"


def _own_layers(configs: tuple[Config, ...]) -> list[str]:
    """Return the layers of the snippets that some nets use, with the class they all extend."""
    bodies = [_body(config) for config in configs]
    norms, others = (
        [name for name in names if any(f" {name}(" in body for body in bodies)]
        for names in (_OWN_NORMS, _OWN_LAYERS)
    )
    return [*others, *["Norm"] * bool(norms), *norms]


def _main_lines(data: DataCode) -> list[str]:
    return [
        'if keras.backend.backend() == "torch":',
        "    import torch",
        "",
        "    torch.set_num_threads(1)  # nets this small are not faster with more",
        *data.lines,
        "print_table(train_all(ARMS, SEEDS, arrays))",
    ]

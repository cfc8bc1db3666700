"""The Keras 3 script: one function for each net, layer by layer."""

import re
from collections.abc import Collection, Iterator

from bn_core.activation_gains import ACTIVATION_GAINS
from bn_core.config import Config
from bn_core.export import script
from bn_core.export.data_code import DataCode, data_code
from bn_core.export.keras_norms import norm_of_channels, norm_of_units, recurrent_layer
from bn_core.export.plan import Part, PlannedLayer, planned_layers
from bn_core.export.request import Exporter, ExportRequest
from bn_core.export.source import identifier, program, snippets
from bn_core.net_shapes import inception_channels

_ACTIVATIONS = {
    "relu": 'keras.layers.Activation("relu")',
    "tanh": 'keras.layers.Activation("tanh")',
    "sigmoid": 'keras.layers.Activation("sigmoid")',
    "leaky_relu": "keras.layers.LeakyReLU(negative_slope=0.01)",
    "gelu": 'keras.layers.Activation("gelu")',
}
_OWN_NORMS = ("BatchNorm", "InputNorm", "BatchRenorm", "InstanceNorm", "RMSNorm")
_OWN_LAYERS = ("BranchScale", "MoreChannels", "inception")
_OWN_MAPS = ("WeightNorm", "StandardizedWeights")
_ALWAYS = ("Arm", "linear_map", "batches", "compiled", "take_step", "train", "validate")
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
    comparison = script.trainable(request)
    configs, data = comparison.configs, data_code(comparison)
    nets = script.named_nets(comparison, _body, _name)
    own = _own_layers(configs)
    definitions = [
        *data.snippets,
        *own,
        *(_net(name, script.net_words(arm, c), body) for body, (name, arm, c) in nets.items()),
        *snippets("keras_script", _functions(configs)),
        *snippets("table", ["spread", "print_table"]),
        script.arms_source(comparison, [nets[_body(config)][0] for config in configs], data),
        script.main_source(_main_lines(data)),
    ]
    imports = _IMPORTS.format(
        library=script.standard_imports(data, ("functools", "math", "os", "sys")),
        own="from keras import ops\n" if any(" ops." in one for one in own) else "",
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


def _functions(configs: tuple[Config, ...]) -> list[str]:
    """Return the names of what trains and validates some nets."""
    others = script.draws(configs) | script.optimizers(configs) | script.freezing(configs)
    return [*_ALWAYS, "train_all", *others]


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
    for index, layer in enumerate(planned, start=0 if config.normalizes_inputs else 1):
        number = 0 if layer is planned[-1] else index
        yield f"# {layer.title}"
        if layer.shortcut:
            yield f"shortcut = {_shortcut(layer)}"
        for place, part in enumerate(layer.parts, start=1):
            if part.kind == "image" and part.units > 1:  # the Lab keeps channels first
                yield f"x = keras.layers.Reshape({(part.units, *part.positions)})(x)"
                yield "x = keras.layers.Permute((2, 3, 1))(x)"
            elif part.kind == "inception":
                yield f"x = inception(x, linear, {number}, {_inception(config, part)})"
            else:
                yield f"x = {_part(config, part, number)}(x)"
            if place == len(layer.branch):
                yield "x = keras.layers.Add()([shortcut, x])"


def _inception(config: Config, part: Part) -> str:
    without = "" if part.bias else ", use_bias=False"
    return f"{part.inputs}, {inception_channels(part.units)}{without}{_weights(config, part)}"


def _weights(config: Config, part: Part) -> str:
    """Return what a linear map or convolution is called with where its weights are normalized."""
    if part.weights != "weightstd":
        return ", layer=WeightNorm" if part.weights else ""
    settings = f", layer=StandardizedWeights, epsilon={config.bn_epsilon!r}"
    if config.value_norm != "none":
        return settings
    gamma = f", gamma={config.initial_gamma!r}" if config.bn_scale else ", learned=False"
    return f"{settings}, gain={ACTIVATION_GAINS[config.activation]!r}{gamma}"


def _shortcut(layer: PlannedLayer) -> str:
    return f"MoreChannels({layer.new_channels})(x)" if layer.new_channels else "x"


def _part(config: Config, part: Part, number: int) -> str:
    match part.kind:
        case "linear":
            without = "" if part.bias else ", use_bias=False"
            sizes = f"{number}, {part.inputs}, {part.units}{without}"
            return f"linear({sizes}{_weights(config, part)})"
        case "conv":
            without = "" if part.bias else ", use_bias=False"
            sizes = f"{number}, {part.inputs}, {part.units}, kernel=3{without}"
            return f"linear({sizes}{_weights(config, part)})"
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
            return recurrent_layer(config, part)
        case "input_norm":
            return "InputNorm(epsilon=1e-05, share=0.1)"
        case "norm":
            return (norm_of_channels if part.positions else norm_of_units)(config, part)


def _own_layers(configs: tuple[Config, ...]) -> list[str]:
    """Return the source of the layers that some nets use, with the classes they extend."""
    bodies = "".join(_body(config) for config in configs)
    used = set(re.findall(r"[ =](\w+)\b", bodies))
    norms, others, maps = (
        [name for name in names if name in used] for names in (_OWN_NORMS, _OWN_LAYERS, _OWN_MAPS)
    )
    extended = {"Norm"} if norms else set[str]()
    extended |= {"BatchNorm"} if "InputNorm" in norms else set()
    return [
        *snippets("keras_layers", {*others, *norms, *extended}),
        *snippets("keras_weights", [*["NormalizedLinear"] * bool(maps), *maps]),
        *snippets("keras_recurrent", ["Recurrent"] * ("Recurrent" in used)),
    ]


def _main_lines(data: DataCode) -> list[str]:
    return [
        'if keras.backend.backend() == "torch":',
        "    import torch",
        "",
        "    torch.set_num_threads(1)  # nets this small are not faster with more",
        *data.lines,
        "print_table(train_all(ARMS, SEEDS, arrays))",
    ]

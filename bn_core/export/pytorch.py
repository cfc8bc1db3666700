"""The PyTorch script: one module for each net, layer by layer."""

import re
from collections.abc import Iterator

from bn_core.activation_gains import ACTIVATION_GAINS
from bn_core.config import Config
from bn_core.export import script
from bn_core.export.data_code import DataCode, data_code
from bn_core.export.plan import (
    Part,
    PlannedLayer,
    first_values,
    planned_layers,
    recurrent_norms,
)
from bn_core.export.request import Exporter, ExportRequest
from bn_core.export.source import identifier, program, snippets
from bn_core.net_shapes import inception_channels

_ACTIVATIONS = {
    "relu": "nn.ReLU()",
    "tanh": "nn.Tanh()",
    "sigmoid": "nn.Sigmoid()",
    "leaky_relu": "nn.LeakyReLU(0.01)",
    "gelu": "nn.GELU()",
}
_NORM_CLASSES = (
    "Shortcut",
    "BranchScale",
    "Inception",
    "without",
    "starting",
    "BatchNorm",
    "GhostBatchNorm",
    "BatchRenorm",
    "InstanceNorm",
    "RMSNorm",
    "StandardizedWeights",
    "standardized_weights",
)
_ALWAYS = (
    "Arm",
    "initialize",
    "learned_weight",
    "parameter_groups",
    "batches",
    "take_step",
    "train",
    "validate",
    "train_all",
)

_IMPORTS = """{library}

import numpy as np
import torch
{data}from torch import nn
from torch.nn import functional"""


def pytorch_script(request: ExportRequest) -> bytes:
    """Return a program that trains the nets of a comparison with torch and prints the table.

    Errors: ``ExportError``.
    """
    comparison = script.trainable(request)
    configs, data = comparison.configs, data_code(comparison)
    nets = script.named_nets(
        comparison, _body, lambda label, taken: identifier(label, [*taken, *_NORM_CLASSES])
    )
    definitions = [
        *data.snippets,
        *snippets("torch_norms", _norm_classes(configs)),
        *snippets("torch_recurrent", ["Recurrent"] * any(c.is_recurrent for c in configs)),
        *(_module(name, script.net_words(arm, c), body) for body, (name, arm, c) in nets.items()),
        *snippets("torch_script", _functions(configs)),
        *snippets("table", ["spread", "print_table"]),
        script.arms_source(comparison, [nets[_body(config)][0] for config in configs], data),
        script.main_source(_main_lines(data)),
    ]
    imports = _IMPORTS.format(
        library=script.standard_imports(data, ("math", "sys")),
        data=script.imports_of_data(comparison.base),
    )
    head = script.header(request, "PyTorch", "torch numpy", data.words)
    return program(head, imports, script.constants(comparison), definitions)


PYTORCH = Exporter(
    "PyTorch script",
    "The same nets in plain PyTorch: one file that trains them and prints the table.",
    "batch_norm_lab_pytorch.py",
    "text/x-python",
    pytorch_script,
)


def _functions(configs: tuple[Config, ...]) -> list[str]:
    """Return the names of what trains and validates some nets."""
    others = script.draws(configs) | script.optimizers(configs) | script.freezing(configs)
    return [*_ALWAYS, *others]


def _module(name: str, words: str, body: str) -> str:
    return f'class {name}(nn.Module):\n    """{words}"""\n\n{body}'


def _body(config: Config) -> str:
    planned = planned_layers(config)
    lines = [
        line for layer in planned[config.normalizes_inputs :] for line in _layer(config, layer)
    ]
    inside = "\n".join(f"            {line}" for line in lines)
    inputs, x = "", "x"
    if config.normalizes_inputs:
        first, x = ", ".join(_part(config, part) for part in planned[0].parts), "self.inputs(x)"
        first = f"nn.Sequential({first})" if len(planned[0].parts) > 1 else first
        inputs = f"        self.inputs = {first}\n"
    return (
        f"    def __init__(self):\n        super().__init__()\n{inputs}"
        f"        self.layers = nn.Sequential(\n{inside}\n        )\n\n"
        f"    def forward(self, x):\n        return self.layers({x})"
    )


def _layer(config: Config, layer: PlannedLayer) -> Iterator[str]:
    yield f"# {layer.title}"
    if layer.shortcut:
        yield "Shortcut("
        yield from (f"    {_part(config, part)}," for part in layer.branch)
        yield "),"
    others = layer.parts[len(layer.branch) :]
    yield from (f"{_part(config, part)}," for part in others)


def _part(config: Config, part: Part) -> str:
    match part.kind:
        case "linear":
            without = "" if part.bias else ", bias=False"
            return _weights(config, part, f"nn.Linear({part.inputs}, {part.units}{without})")
        case "conv":
            without = "" if part.bias else ", bias=False"
            sizes = f"{part.inputs}, {part.units}, kernel_size=3, padding=1{without}"
            return _weights(config, part, f"nn.Conv2d({sizes})")
        case "inception":
            without = "" if part.bias else ", bias=False"
            made = _weights(config, part, "conv")
            normalized = "" if made == "conv" else f", weights=lambda conv: {made}"
            return (
                f"Inception({part.inputs}, {inception_channels(part.units)}{without}{normalized})"
            )
        case "image":
            return f"nn.Unflatten(1, {(part.units, *part.positions)})"
        case "flatten":
            return "nn.Flatten()"
        case "pool":
            return "nn.MaxPool2d(2)"
        case "average":
            return "nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())"
        case "scale":
            return "BranchScale()"
        case "activation":
            return _ACTIVATIONS[config.activation]
        case "dropout":
            return f"nn.Dropout({config.dropout!r})"
        case "input_norm":
            single = script.smallest_batch(config) == 1
            name = "BatchNorm1d" if not part.positions else "BatchNorm2d"
            name = "BatchNorm" if single and not part.positions else f"nn.{name}"
            return f"{name}({part.units})"
        case "recurrent":
            return _recurrent(config, part)
        case "norm":
            norm = _norm_of_channels if part.positions else _norm
            return _learning(config, part, norm(config, part.units))


def _weights(config: Config, part: Part, made: str) -> str:
    """Return the call that makes a linear map or convolution, its weights normalized or not."""
    match part.weights:
        case "weightnorm":
            return f"nn.utils.parametrizations.weight_norm({made})"
        case "weightstd" if config.value_norm == "none":
            gain = f"gain={ACTIVATION_GAINS[config.activation]!r}"
            gamma = f", gamma={config.initial_gamma!r}" if config.bn_scale else ", learned=False"
            return f"standardized_weights({made}, eps={config.bn_epsilon!r}, {gain}{gamma})"
        case "weightstd":
            return f"standardized_weights({made}, eps={config.bn_epsilon!r})"
        case _:
            return made


def _recurrent(config: Config, part: Part) -> str:
    image = config.data_spec.input_shape
    without = "" if part.bias else ", bias=False"
    made = [_learning(config, n, _norm(config, n.units)) for n in recurrent_norms(config)]
    norms = f", norms=[{', '.join(f'lambda: {one}' for one in made)}]" if made else ""
    apart = config.time_norm == "steps" and config.has_running_statistics
    shared = ", shared=True" if made and not apart else ""
    return f'Recurrent("{config.cell}", {image}, {part.units}{without}{norms}{shared})'


def _norm(config: Config, units: int) -> str:
    """Return the call that makes a norm with both gamma and beta."""
    eps = f"eps={config.bn_epsilon!r}"
    momentum = f"momentum={None if config.bn_cumulative else config.bn_momentum!r}"
    match config.value_norm:
        case "batch":
            name = "BatchNorm" if script.needs_single(config) else "nn.BatchNorm1d"
            return f"{name}({units}, {eps}, {momentum}{_untracked(config)})"
        case "ghost":
            return f"GhostBatchNorm({units}, ghost_size={config.ghost_size}, {eps}, {momentum})"
        case "renorm":
            limits = f"r_max={config.renorm_rmax!r}, d_max={config.renorm_dmax!r}"
            return f"BatchRenorm({units}, {limits}, {eps}, {momentum})"
        case "layer":
            return f"nn.LayerNorm({units}, {eps})"
        case "rms":
            return f"nn.RMSNorm({units}, {eps})"
        case "group" if config.groups < units:
            return f"nn.GroupNorm({config.groups}, {units}, {eps})"
        case _:  # groups of one unit are instance norm
            return f"InstanceNorm({units})"


def _untracked(config: Config) -> str:
    return "" if config.bn_track else ", track_running_stats=False"


def _norm_of_channels(config: Config, channels: int) -> str:
    """Return the call for images, where each channel is a unit; layer norm is one group of all."""
    eps = f"eps={config.bn_epsilon!r}"
    momentum = f"momentum={None if config.bn_cumulative else config.bn_momentum!r}"
    match config.value_norm:
        case "batch":
            return f"nn.BatchNorm2d({channels}, {eps}, {momentum}{_untracked(config)})"
        case "layer":
            return f"nn.GroupNorm(1, {channels}, {eps})"
        case "group":
            return f"nn.GroupNorm({config.groups}, {channels}, {eps})"
        case "rms":
            return f"RMSNorm({channels}, {eps})"
        case "instance":
            return f"nn.InstanceNorm2d({channels}, {eps}, affine=True)"
        case _:
            return _norm(config, channels)


def _learning(config: Config, part: Part, made: str) -> str:
    """Return a norm's call with its first gamma and beta, and what it does not learn left out."""
    gamma, beta = first_values(config, part)
    if (gamma, beta) != (1, 0):
        values = f"gamma={gamma!r}" + f", beta={beta!r}" * config.has_beta
        made = f"starting({made}, {values})"
    for learns, parameter in ((config.bn_scale, "weight"), (config.bn_shift, "bias")):
        if not learns and (parameter == "weight" or config.has_beta):
            made = f'without({made}, "{parameter}")'
    return made


def _norm_classes(configs: tuple[Config, ...]) -> list[str]:
    names = set()
    for config in configs:
        source = _body(config)
        names |= {name for name in _NORM_CLASSES if re.search(rf"[ (]{name}\(", source)}
        if "GhostBatchNorm" in names:
            names.add("BatchNorm")  # which it extends
        if "standardized_weights" in names:
            names.add("StandardizedWeights")
    return sorted(names)


def _main_lines(data: DataCode) -> list[str]:
    one = "data = tuple(map(torch.from_numpy, arrays))"
    each = "data = {name: tuple(map(torch.from_numpy, held)) for name, held in arrays.items()}"
    return [
        "torch.set_num_threads(1)  # nets this small are not faster with more",
        "torch.set_flush_denormal(True)  # vanishing numbers would be slow",
        *data.lines,
        each if data.by_scaling else one,
        "print_table(train_all(ARMS, SEEDS, data))",
    ]

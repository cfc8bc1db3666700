"""What the layers of a config's net are made of, known before the net is built; without torch."""

from collections.abc import Callable, Mapping

from bn_core.config import Config
from bn_core.net_shapes import LayerShape, layer_shapes
from bn_core.records import LayerOutline


def net_outline(config: Config) -> tuple[LayerOutline, ...]:
    """Return what the config's net will say of itself: its hidden layers, then the output layer.

    Empty for an architecture that is not in ``OUTLINES``: what it is made of is known when it is
    built.
    """
    stages_of = OUTLINES.get(config.architecture)
    if stages_of is None:
        return ()
    *hidden, last = layer_shapes(config)
    output = LayerOutline("output", last.units, stages_of(config, len(hidden), last))
    stages = [stages_of(config, index, shape) for index, shape in enumerate(hidden)]
    if config.normalizes_inputs:
        stages[0] = ("input_norm", *stages[0])
    steps = config.shown_time_steps if config.is_recurrent else ()
    labels = [f"t = {step}" for step in steps]
    labels = labels or [f"layer {number}" for number in range(1, len(hidden) + 1)]
    layers = [
        LayerOutline(label, shape.units, names, () if steps else shape.positions)
        for label, shape, names in zip(labels, hidden, stages, strict=True)
    ]
    return (*layers, output)


Stages = Callable[[Config, int, LayerShape], tuple[str, ...]]
"""Says in which order the stages of the layer ``index``, from 0, run; the output layer is last."""


def _plain(config: Config, index: int, shape: LayerShape) -> tuple[str, ...]:
    if index == config.depth:
        return ("linear",)
    pool = ("pool",) if shape.pooled else ()
    return ("linear", *_norm_and_activation(config, index), *pool, *_dropout(config))


def _residual(config: Config, index: int, shape: LayerShape) -> tuple[str, ...]:
    if index == 0:
        return _plain(config, index, shape)
    if index == config.depth:
        average = ("average",) if config.needs_images else ()
        return (*_norm_and_activation(config, index - 1), *average, "linear")
    branch = (*_norm_and_activation(config, index), "linear")
    norm_last = config.branch_start == "zero_gamma" and config.placement_of(index) == "before"
    if norm_last and config.normalizes_values(index):
        branch = ("activation", "linear", "norm")
    scale = ("scale",) if config.branch_start == "skipinit" else ()
    pool = ("pool",) if shape.pooled else ()
    return (*branch, *scale, *_dropout(config), "shortcut", *pool)


def _time_step(config: Config, index: int, shape: LayerShape) -> tuple[str, ...]:
    if shape.kind == "linear":
        return ("linear",)
    norm = ("norm",) if config.value_norm != "none" else ()
    last = index == len(config.shown_time_steps) - 1
    return ("linear", *norm, "activation", *(_dropout(config) if last else ()))


def _norm_and_activation(config: Config, index: int) -> tuple[str, ...]:
    norm = ("norm",) if config.normalizes_values(index) else ()
    before = config.placement_of(index) == "before"
    return (*norm, "activation") if before else ("activation", *norm)


def _dropout(config: Config) -> tuple[str, ...]:
    return ("dropout",) if config.dropout else ()


OUTLINES: Mapping[str, Stages] = {
    "plain": _plain,
    "residual": _residual,
    "conv": _plain,
    "inception": _plain,
    "conv_residual": _residual,
    "recurrent": _time_step,
}
"""How the layers of each architecture are made up."""

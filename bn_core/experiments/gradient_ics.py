"""Internal covariate shift by both definitions, in a deep linear net (Santurkar et al. 2018)."""

from collections.abc import Mapping

import numpy as np

from bn_core.config import Config
from bn_core.datasets.loading import load_per_seed
from bn_core.experiments.base import (
    Experiment,
    PartialResult,
    Shard,
    arm_config,
    arm_label,
    is_complete,
    validation_accuracy,
)
from bn_core.experiments.effects import Control, Effect
from bn_core.experiments.shift import Rows, deep_linear, measured_step
from bn_core.results import Curve, ExperimentSpec, Metric, Panel, Result, TaskGenerator

Array = np.ndarray
_LAYERS = 25
_RATES = (0.001, 0.003, 0.01)
_EVERY = 10
_WATCHED = 12
"""The layer, counted from 0, whose input is watched."""
_ARMS = ("none", "before")
_GRADIENTS = {
    "angle": "Angle of the gradients, in degrees",
    "distance": "Distance of the gradients",
}
_DRIFTS = {"mean": "Drift of the mean", "std": "Drift of the spread"}
_ROUNDING = 1e-6
"""Of a drift in units of the spread, in float32, whose numbers have seven digits."""
_LEAST_RATIO = 2.0
_LEARNED = 0.3

SPEC = ExperimentSpec(
    slug="ics",
    title="Two kinds of internal covariate shift",
    claim=(
        "Batch norm reduces internal covariate shift, the reason for which it was invented: the "
        "gradients of a layer change less when the layers below it move."
    ),
    source=(
        "Ioffe & Szegedy 2015 (1502.03167), section 2; contested by Santurkar et al. 2018 "
        "(1805.11604), section 2.2 and Definition 2.1"
    ),
    claims=(1,),
    question="In which net do the gradients of a layer change less when the layers below it move?",
    answers=("With batch norm", "Without it", "It depends on the learning rate", "No difference"),
    method=(
        "25 linear layers of 64 units learn the digits by plain SGD from Xavier's initial weights "
        "at the rates 0.001, 0.003 and 0.01, at which both nets learn. "
        "Every ten steps the gradient of each layer's weights is taken "
        "twice on one batch: before the step, and once the layers below it have taken theirs. "
        "Beside it: how far the input of the 13th layer, on 300 fixed images, moves in that step, "
        "as a share of its spread."
    ),
    formula=(
        r"G_i = \nabla_{W_i} L(W_1^t, \dots, W_k^t), \quad "
        r"G_i' = \nabla_{W_i} L(W_1^{t+1}, \dots, W_{i-1}^{t+1}, W_i^t, \dots, W_k^t); \quad "
        r"\lVert G_i - G_i' \rVert_2, \ "
        r"\arccos \frac{G_i \cdot G_i'}{\lVert G_i \rVert \lVert G_i' \rVert}"
    ),
    paper_found=(
        "Santurkar et al. found that by this measure nets with batch norm often have as much "
        "internal covariate shift as nets without, or more, though they train better."
    ),
    disagreement=(
        "In our linear nets the outcome changes with the learning rate and the initial weights. A "
        "net that hardly moves is near the ideal, and learns nothing, like the plain one from "
        "PyTorch's smaller weights: so both nets must learn here. The drift of the input's mean, "
        "the first paper's notion, decides nothing: with batch norm beta alone sets it, and in a "
        "linear net the next norm takes beta out, so it is zero by construction."
    ),
    shards=_ARMS,
)


def shard(name: str, seeds: int, first_seed: int, quick: bool) -> TaskGenerator:
    """Train one arm at every rate; measure both kinds of shift every ten steps."""
    steps = 40 if quick else 150
    work = Shard(len(_RATES) * steps)
    for rate in _RATES:
        base = Config(initialization="xavier", learning_rate=rate, replicas=seeds, seed=first_seed)
        config = arm_config(name, base)
        trainer = deep_linear(config, _LAYERS, load_per_seed(config))
        rows: Rows = {key: [] for key in ("cosine", *_DRIFTS, "distance")}
        for step in range(_EVERY, steps + 1, _EVERY):
            words = f"{arm_label(name)}, rate {rate:g}, measurement at step {step}"
            yield from work.train(trainer, _EVERY - 1, words)
            for _ in measured_step(trainer, _WATCHED, rows):
                yield work.advance(words, 0)
            work.put(**{f"{key}_{rate:g}": values for key, values in _arrays(rows).items()})
            yield work.advance(words)
        work.put(**{f"accuracy_{rate:g}": validation_accuracy(trainer, "batch")})
    return work.complete()


def _arrays(rows: Rows) -> dict[str, Array]:
    """Return angles and distances, (R, T, layers), and drifts, (R, T), of the measured rows."""
    found = {key: np.stack(values, axis=1) for key, values in rows.items()}
    return found | {"angle": angle(found.pop("cosine"))}


def angle(cosine: Array) -> Array:
    """Return the angles with these cosines, in degrees."""
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))


def summarize(partials: Mapping[str, PartialResult]) -> Result:
    """Return both measures of each layer at every rate, and the drift of one layer's input."""
    panels = [_by_layer(partials, key, rate) for rate in _RATES for key in _GRADIENTS]
    panels += [_by_step(partials, rate) for rate in _RATES]
    ended = {name: partials[name] for name in _ARMS if is_complete(partials, [name])}
    metrics = [
        metric
        for rate in _RATES
        for name, found in ended.items()
        for metric in _metrics(name, found, rate)
    ]
    if is_complete(partials, _ARMS):
        metrics += [
            Metric(
                f"{key}_ratio_{rate:g}",
                f"{words}, none / BN, rate {rate:g}",
                typical(ended["none"], key, rate) / typical(ended["before"], key, rate),
                ".2f",
            )
            for rate in _RATES
            for key, words in _GRADIENTS.items()
        ]
    return Result(tuple(panels), tuple(metrics))


def typical(found: PartialResult, key: str, rate: float) -> Array:
    """Return the median over steps and layers of a measure, (R,); nothing lies below layer 1."""
    return np.median(found[f"{key}_{rate:g}"][:, :, 1:], axis=(1, 2))


def _metrics(name: str, found: PartialResult, rate: float) -> list[Metric]:
    where, suffix = f"{arm_label(name)}, rate {rate:g}", f"{rate:g}_{name}"
    gradients = [
        Metric(f"{key}_{suffix}", f"{words}, {where}", typical(found, key, rate))
        for key, words in _GRADIENTS.items()
    ]
    drifts = [
        Metric(
            f"{key}_{suffix}",
            f"{words}, {where}",
            np.median(found[f"{key}_{rate:g}"], axis=1),
            rounding=_ROUNDING,
        )
        for key, words in _DRIFTS.items()
    ]
    accuracy = found[f"accuracy_{rate:g}"]
    return [*gradients, *drifts, Metric(f"accuracy_{suffix}", f"Accuracy, {where}", accuracy)]


def _by_layer(partials: Mapping[str, PartialResult], key: str, rate: float) -> Panel:
    curves = tuple(
        Curve(
            arm_label(name),
            np.arange(2, _LAYERS + 1),
            np.median(found[f"{key}_{rate:g}"], axis=1)[:, 1:],
            arm=name,
        )
        for name, found in partials.items()
        if f"{key}_{rate:g}" in found
    )
    return Panel(
        f"{key}_{rate:g}",
        f"{_GRADIENTS[key]}, before and after the layers below moved: rate {rate:g}",
        "layer",
        _GRADIENTS[key].lower(),
        curves,
        help="Median over the measured steps. 0 means that the layers below changed nothing; the "
        "first layer has none below it and is left out.",
        y_scale="linear" if key == "angle" else "log",
    )


def _by_step(partials: Mapping[str, PartialResult], rate: float) -> Panel:
    drifts = {name: found.get(f"mean_{rate:g}") for name, found in partials.items()}
    curves = tuple(
        Curve(arm_label(name), _EVERY * np.arange(1, rows.shape[1] + 1), rows, arm=name)
        for name, rows in drifts.items()
        if rows is not None
    )
    return Panel(
        f"drift_{rate:g}",
        f"How far a step moves the mean of layer {_WATCHED + 1}'s input: rate {rate:g}",
        "step",
        "drift / spread",
        curves,
        help="The same 300 images every time, averaged over the layer's units. This is what the "
        "first paper means by internal covariate shift. With batch norm it is zero here by "
        "construction: beta alone sets the mean, and no later layer can make use of beta.",
        y_scale="log",
        rounding=_ROUNDING,
    )


def _remarks(result: Result) -> str:
    rate = f"{_RATES[-1]:g}"
    drifts = " and ".join(result[f"mean_{rate}_{name}"].words() for name in _ARMS)
    return (
        "That this is why batch norm works is contested, whatever the outcome. The mean of a "
        f"layer's input drifts by {drifts} without and with batch norm at rate {rate}, the latter "
        "by construction."
    )


EXPERIMENT = Experiment(
    SPEC,
    shard,
    summarize,
    effects=tuple(
        Effect(
            f"{key}_ratio_{rate:g}",
            f"{words.split(',')[0]} without batch norm over that with it",
            matters_from=_LEAST_RATIO,
            why="Half the shift: the plain net's own seeds differ by 2 to 4 times at each rate.",
            part=f"rate {rate:g}",
            form=".2f",
        )
        for rate in _RATES
        for key, words in _GRADIENTS.items()
    ),
    controls=tuple(
        Control(
            f"accuracy_{rate:g}_{name}",
            f"Accuracy {words} batch norm: what does not learn hardly shifts",
            at_least=_LEARNED,
            part=f"rate {rate:g}",
            form=".1%",
        )
        for rate in _RATES
        for name, words in (("none", "without"), ("before", "with"))
    ),
    remarks=_remarks,
)

"""Internal covariate shift by both definitions, in a deep linear net (Santurkar et al. 2018)."""

from collections.abc import Mapping

import numpy as np

from bn_core.config import Config
from bn_core.experiments.base import PartialResult, UnconvertedExperiment, complete, progress
from bn_core.experiments.shift import deep_linear, measured_step
from bn_core.experiments.summaries import by_seed, middle
from bn_core.results import Curve, ExperimentSpec, Metric, Panel, Result, TaskGenerator, Verdict

_LAYERS = 25
_CASES = {
    "slow": ("xavier", 0.001, "Xavier's weights, rate 0.001"),
    "fast": ("xavier", 0.01, "Xavier's weights, rate 0.01"),
    "small": ("torch", 0.01, "PyTorch's smaller weights, rate 0.01"),
}
_EVERY = 10
_WATCHED = 12
"""The layer, counted from 0, whose input is watched."""
_ARMS = {"none": ("none", "No norm"), "before": ("batch", "BN")}
_KEYS = {
    "cosine": "Cosine of the gradients",
    "distance": "Distance of the gradients",
    "mean": "Drift of the mean",
    "std": "Drift of the spread",
}
Array = np.ndarray

SPEC = ExperimentSpec(
    slug="ics",
    title="Two kinds of internal covariate shift",
    claim="Batch norm works because it reduces internal covariate shift.",
    source=(
        "Ioffe & Szegedy 2015 (1502.03167), section 2; contested by Santurkar et al. 2018 "
        "(1805.11604), section 2.2 and Definition 2.1"
    ),
    claims=(1,),
    question="In which net do the gradients of a layer change less when the layers below it move?",
    answers=("With batch norm", "Without it", "It depends on rate and weights", "No difference"),
    method=(
        "25 linear layers of 64 units learn the digits by plain SGD, from Xavier's initial weights "
        "at the rates 0.001 and 0.01, and from PyTorch's default, smaller ones at 0.01. "
        "Every ten steps the gradient of each layer's weights is taken "
        "twice on one batch: before the step, and once the layers below it have taken theirs. "
        "Beside it: how far the input of the 13th layer, on 300 fixed images, moves in that step, "
        "as a share of its spread."
    ),
    formula=(
        r"G_i = \nabla_{W_i} L(W_1^t, \dots, W_k^t), \quad "
        r"G_i' = \nabla_{W_i} L(W_1^{t+1}, \dots, W_{i-1}^{t+1}, W_i^t, \dots, W_k^t); \quad "
        r"\lVert G_i - G_i' \rVert_2, \ \cos(G_i, G_i')"
    ),
    paper_found=(
        "Santurkar et al. found that by this measure nets with batch norm often have as much "
        "internal covariate shift as nets without, or more, though they train better."
    ),
    disagreement=(
        "Which net comes out ahead by the gradients' measure changes with the learning rate, the "
        "initial weights and the data, so either outcome is possible here. A net that hardly "
        "moves is near the ideal, and learns nothing: compare the accuracies."
    ),
    shards=tuple(_ARMS),
)


def part(name: str, seeds: int, quick: bool) -> TaskGenerator:
    """Train one arm in every case; measure both kinds of shift every ten steps."""
    piece: PartialResult = {}
    steps = 40 if quick else 150
    norm, label = _ARMS[name]
    for index, (case, (weights, rate, words)) in enumerate(_CASES.items()):
        config = Config(
            initialization=weights, normalization=norm, learning_rate=rate, replicas=seeds
        )
        trainee = deep_linear(config, _LAYERS)
        rows: dict[str, list[Array]] = {key: [] for key in _KEYS}
        for step in range(1, steps + 1):
            said = (index * steps + step, steps * len(_CASES), f"{label}, {words}, step {step}")
            if step % _EVERY:
                trainee.step()
            else:
                for _ in measured_step(trainee, _WATCHED, rows):
                    yield progress(*said, piece)
            piece = piece | {f"{key}_{case}": by_seed(rows[key], seeds) for key in _KEYS}
            yield progress(*said, piece)
        piece[f"accuracy_{case}"] = trainee.evaluate("batch")[1].numpy()
    return complete(piece)


def summarize(pieces: Mapping[str, PartialResult]) -> Result:
    """Return both measures of each layer in every case, and the drift of one layer's input."""
    panels = [_by_layer(pieces, key, case) for case in _CASES for key in ("cosine", "distance")]
    panels += [_by_step(pieces, case) for case in _CASES]
    found = []
    for case, (_, _, described) in _CASES.items():
        for key, words in (_KEYS | {"accuracy": "Accuracy in the end"}).items():
            for name, piece in pieces.items():
                if f"{key}_{case}" in piece:
                    values = piece[f"{key}_{case}"]
                    values = middle(values, tuple(range(1, values.ndim)))
                    label = f"{words}, {_ARMS[name][1]}, {described}"
                    found.append(Metric(f"{key}_{case}_{name}", label, values))
    return Result(tuple(panels), tuple(found))


def _by_layer(pieces: Mapping[str, PartialResult], key: str, case: str) -> Panel:
    layers = np.arange(2, _LAYERS + 1)
    curves = [
        Curve(_ARMS[name][1], layers, middle(piece[f"{key}_{case}"], 1)[:, 1:], arm=name)
        for name, piece in pieces.items()
        if piece.get(f"{key}_{case}", np.zeros(0)).ndim == 3
    ]
    ideal = "1 means that the layers below changed nothing" if key == "cosine" else "0 is ideal"
    return Panel(
        f"{key}_{case}",
        f"{_KEYS[key]} before and after the layers below moved: {_CASES[case][2]}",
        "layer",
        _KEYS[key].lower(),
        tuple(curves),
        help=f"Median over the measured steps. {ideal}; below the first layer there is none.",
        y_scale="linear" if key == "cosine" else "log",
    )


def _by_step(pieces: Mapping[str, PartialResult], case: str) -> Panel:
    curves = []
    for name, piece in pieces.items():
        drifts = piece.get(f"mean_{case}", np.zeros((1, 0)))
        at = _EVERY * np.arange(1, drifts.shape[1] + 1)
        curves.append(Curve(_ARMS[name][1], at, drifts, arm=name))
    return Panel(
        f"drift_{case}",
        f"How far a step moves the mean of layer {_WATCHED + 1}'s input: {_CASES[case][2]}",
        "step",
        "drift / spread",
        tuple(curves),
        help="The same 300 images every time, averaged over the layer's units. This is what the "
        "first paper means by internal covariate shift. With batch norm beta alone sets the mean, "
        "and here no later layer can make use of beta.",
        y_scale="log",
    )


def judge(finding: Result) -> Verdict:
    """It depends on definition, rate and weights: the words say what was measured, no more."""
    said = []
    for case, (_, _, described) in _CASES.items():
        cosines, distances, drifts = (
            " and ".join(finding[f"{key}_{case}_{name}"].words() for name in _ARMS)
            for key in ("cosine", "distance", "mean")
        )
        said.append(
            f"{described}: cosine of the gradients {cosines}, their distance {distances}, "
            f"drift of the input's mean {drifts}."
        )
    words = "Contested: it depends on what is measured. Each time without and with batch norm. "
    return Verdict("depends", words + " ".join(said))


EXPERIMENT = UnconvertedExperiment(SPEC, part, summarize, judge)

"""Internal covariate shift by both definitions, in a deep linear net (Santurkar et al. 2018)."""

from collections.abc import Mapping

import numpy as np

from bn_core.config import Config
from bn_core.experiments.kit import Experiment, Piece, progress, whole
from bn_core.experiments.shift import deep_linear, measured_step
from bn_core.experiments.summaries import by_seed, middle
from bn_core.findings import About, Curve, Finding, Measure, Panel, Study, Verdict

_LAYERS = 25
_RATES = (0.001, 0.01)
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

ABOUT = About(
    slug="ics",
    title="Two kinds of internal covariate shift",
    claim="Batch norm works because it reduces internal covariate shift.",
    source=(
        "Ioffe & Szegedy 2015 (1502.03167), section 2; contested by Santurkar et al. 2018 "
        "(1805.11604), section 2.2 and Definition 2.1"
    ),
    claims=(1,),
    question="In which net do the gradients of a layer change less when the layers below it move?",
    answers=("With batch norm", "Without it", "It depends on the learning rate", "No difference"),
    method=(
        "25 linear layers of 64 units, Xavier's initial weights, learn the digits by plain SGD at "
        "the rates 0.001 and 0.01. Every ten steps the gradient of each layer's weights is taken "
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
        "initial weights and the data, so either outcome is possible here. The measure is also "
        "near its ideal in a net that hardly moves."
    ),
    parts=tuple(_ARMS),
)


def part(name: str, seeds: int, quick: bool) -> Study:
    """Train one arm at both rates; measure both kinds of shift every ten steps."""
    piece: Piece = {}
    steps = 40 if quick else 150
    norm, label = _ARMS[name]
    for index, rate in enumerate(_RATES):
        config = Config(
            initialization="xavier", normalization=norm, learning_rate=rate, replicas=seeds
        )
        trainee = deep_linear(config, _LAYERS)
        rows: dict[str, list[Array]] = {key: [] for key in _KEYS}
        for step in range(1, steps + 1):
            said = (index * steps + step, steps * len(_RATES), f"{label}, {rate:g}, step {step}")
            if step % _EVERY:
                trainee.step()
            else:
                for _ in measured_step(trainee, _WATCHED, rows):
                    yield progress(*said, piece)
            piece = piece | {_key(key, rate): by_seed(rows[key], seeds) for key in _KEYS}
            yield progress(*said, piece)
        piece[_key("accuracy", rate)] = trainee.evaluate("batch")[1].numpy()
    return whole(piece)


def _key(key: str, rate: float) -> str:
    return f"{key}_{rate:g}"


def conclude(pieces: Mapping[str, Piece]) -> Finding:
    """Return both measures of each layer at either rate, and the drift of one layer's input."""
    panels = [_by_layer(pieces, key, rate) for rate in _RATES for key in ("cosine", "distance")]
    panels += [_by_step(pieces, rate) for rate in _RATES]
    found = [
        Measure(
            f"{_key(key, rate)}_{name}",
            f"{words}, rate {rate:g}, {_ARMS[name][1]}",
            piece[_key(key, rate)]
            if key == "accuracy"
            else middle(piece[_key(key, rate)], tuple(range(1, piece[_key(key, rate)].ndim))),
        )
        for rate in _RATES
        for key, words in (_KEYS | {"accuracy": "Accuracy in the end"}).items()
        for name, piece in pieces.items()
        if _key(key, rate) in piece
    ]
    return Finding(tuple(panels), tuple(found))


def _by_layer(pieces: Mapping[str, Piece], key: str, rate: float) -> Panel:
    layers = np.arange(1, _LAYERS + 1)
    curves = [
        Curve(_ARMS[name][1], layers, middle(piece[_key(key, rate)], 1), arm=name)
        for name, piece in pieces.items()
        if piece.get(_key(key, rate), np.zeros(0)).ndim == 3
    ]
    close = "1 means that the layers below changed nothing" if key == "cosine" else "0 is ideal"
    return Panel(
        _key(key, rate).replace(".", "-"),
        f"{_KEYS[key]} before and after the layers below moved, rate {rate:g}",
        "layer",
        _KEYS[key].lower(),
        tuple(curves),
        help=f"Median over the measured steps. {close}.",
        y_scale="linear" if key == "cosine" else "log",
    )


def _by_step(pieces: Mapping[str, Piece], rate: float) -> Panel:
    curves = []
    for name, piece in pieces.items():
        drifts = piece.get(_key("mean", rate), np.zeros((1, 0)))
        at = _EVERY * np.arange(1, drifts.shape[1] + 1)
        curves.append(Curve(_ARMS[name][1], at, drifts, arm=name))
    return Panel(
        _key("drift", rate).replace(".", "-"),
        f"How far a step moves the mean of the {_WATCHED + 1}th layer's input, rate {rate:g}",
        "step",
        "drift / spread",
        tuple(curves),
        help="The same 300 images every time, averaged over the layer's units. This is what the "
        "first paper means by internal covariate shift. Batch norm all but forbids it: gamma and "
        "beta alone set mean and spread.",
        y_scale="log",
    )


def judge(finding: Finding) -> Verdict:
    """It depends on the definition and the rate: the words say what was measured, no more."""
    said = ["Contested: it depends on what is measured. Without and with batch norm,"]
    for index, rate in enumerate(_RATES):
        cosines, distances, drifts = (
            " and ".join(finding[f"{_key(key, rate)}_{name}"].words() for name in _ARMS)
            for key in ("cosine", "distance", "mean")
        )
        said.append(
            f"at rate {rate:g} the cosine of the gradients is {cosines}, their distance "
            f"{distances}, the drift of the input's mean {drifts}{';.'[index]}"
        )
    return Verdict("depends", " ".join(said))


EXPERIMENT = Experiment(ABOUT, part, conclude, judge)

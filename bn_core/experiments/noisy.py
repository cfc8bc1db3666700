"""Batch norm with noise behind it: unstable inputs, fast training (Santurkar et al. 2018)."""

from collections.abc import Mapping

import numpy as np

from bn_core.config import Config
from bn_core.experiments.base import (
    PartialResult,
    Trainer,
    UnconvertedExperiment,
    complete,
    progress,
    steps_to_reach,
)
from bn_core.experiments.jitter import Jitter, Jumps, add_noise
from bn_core.experiments.summaries import by_seed, middle
from bn_core.results import Curve, ExperimentSpec, Metric, Panel, Result, TaskGenerator, Verdict

_DEPTH = 8
_EVERY = 10
_LEVEL = 0.9
_ARMS = {
    "none": ("none", False, "No norm"),
    "before": ("batch", False, "BN"),
    "noisy": ("batch", True, "BN + noise"),
    "none-noisy": ("none", True, "No norm + noise"),
}
Array = np.ndarray

SPEC = ExperimentSpec(
    slug="noisy",
    title="Noise behind batch norm",
    claim="Batch norm trains faster because it keeps the distribution of layer inputs stable.",
    source=(
        "Ioffe & Szegedy 2015 (1502.03167), section 2; contested by Santurkar et al. 2018 "
        "(1805.11604), section 2.1 and Figure 2"
    ),
    claims=(1, 5),
    question="If random shifts make batch norm's outputs less stable than a plain net's, it trains",
    answers=("Slower than the plain net", "As slowly as the plain net", "Still faster"),
    method=(
        "8 layers of tanh, weights from N(0, 0.1), rate 0.1, on the digits. In two arms every "
        "unit is shifted and stretched at random behind its norm (or where that would be), and "
        "differently at every step. How stable inputs are is measured as the jump of a unit's "
        "mean over the batch from one step to the next, in the last hidden layer."
    ),
    formula=(
        r"a \leftarrow s a + m, \quad m \sim U(\mu \pm 0.1), \ s \sim N(\sigma, 0.1), \quad "
        r"\mu \sim U(-\tfrac12, \tfrac12), \ \sigma \sim U(1, \tfrac54); \qquad "
        r"jump = |\bar a_{t+1} - \bar a_t| \, / \, std(a_t)"
    ),
    paper_found=(
        "A VGG net on CIFAR-10 with noise behind batch norm had less stable inputs than the "
        "plain net, and still trained about as well as with batch norm alone."
    ),
    disagreement=(
        "The noise is put in behind the norm, so the norm of the next layer can take it out "
        "again: that may be why it does so little harm. What the test refutes is stable inputs "
        "as the reason, not batch norm's use."
    ),
    shards=tuple(_ARMS),
    link="depth=8&act=tanh&init=normal&std=0.1&lr=0.1&steps=300",
)


def part(name: str, seeds: int, quick: bool) -> TaskGenerator:
    """Train one arm; note every step's jump, and the accuracy without noise every ten."""
    normalization, with_noise, label = _ARMS[name]
    config = Config(
        depth=_DEPTH,
        activation="tanh",
        initialization="normal",
        init_std=0.1,
        normalization=normalization,
        learning_rate=0.1,
        replicas=seeds,
    )
    trainee, steps = Trainer(config), 200 if quick else 300
    jumps = Jumps(trainee.net.hidden[-1].activation)
    noise = add_noise(trainee) if with_noise else []
    at: list[int] = []
    accuracy: list[Array] = []
    piece: PartialResult = {}
    for step in range(1, steps + 1):
        trainee.step()
        if step % _EVERY == 0:
            at.append(step)
            accuracy.append(_accuracy(trainee, noise, jumps))
            piece = {
                "steps": np.array(at),
                "accuracy": by_seed(accuracy, seeds),
                "jump": _medians(by_seed(jumps.seen, seeds)),
            }
        yield progress(step, steps, f"{label}, step {step}", piece)
    return complete(piece)


def _accuracy(trainee: Trainer, noise: list[Jitter], jumps: Jumps) -> Array:
    """Return the validation accuracy, (K,), with the noise off and nothing noted."""
    jumps.listening = False
    for each in noise:
        each.train(False)
    accuracy = trainee.evaluate()[1].numpy()
    for each in noise:
        each.train(True)
    jumps.listening = True
    return accuracy


def _medians(jumps: Array) -> Array:
    """Return the median of every ten steps, (R, T); the first step has no jump."""
    pieces = np.split(jumps, range(_EVERY - 1, jumps.shape[1], _EVERY), axis=1)
    return np.stack([middle(piece, 1) for piece in pieces if piece.shape[1]], axis=1)


def summarize(pieces: Mapping[str, PartialResult]) -> Result:
    """Return accuracy and jumps over the steps, the steps to 90 % and the usual jump."""
    panels = (
        _panel(pieces, "accuracy", "Accuracy, the noise switched off", "validation accuracy"),
        _panel(pieces, "jump", "How unstable the last layer's inputs are", "jump of a mean / std"),
    )
    found = []
    for name, piece in pieces.items():
        if piece.get("complete"):
            label = _ARMS[name][2]
            needed = steps_to_reach(_LEVEL, piece["steps"], piece["accuracy"])
            found += [
                Metric(f"steps_{name}", f"Steps to 90 %, {label}", needed, ".0f"),
                Metric(f"jump_{name}", f"Jump / std, {label}", middle(piece["jump"], 1), ".2f"),
            ]
    return Result(panels, tuple(found))


def _panel(pieces: Mapping[str, PartialResult], key: str, title: str, y_label: str) -> Panel:
    curves = [
        Curve(
            _ARMS[name][2],
            piece["steps"],
            piece[key],
            arm=name if not _ARMS[name][1] else "",
            tone=int(name == "none-noisy"),
        )
        for name, piece in pieces.items()
        if piece
    ]
    return Panel(
        key,
        title,
        "step",
        y_label,
        tuple(curves),
        help="Medians of ten steps; what enters the last tanh, over the batch of each step. A "
        "little of it is only that batches differ."
        if key == "jump"
        else "Every ten steps, on the validation data.",
        y_range=(0.0, 1.02) if key == "accuracy" else None,
    )


def judge(finding: Result) -> Verdict:
    """The claim fails if noise makes inputs less stable than a plain net's, yet training fast."""
    steps = {name: finding[f"steps_{name}"] for name in _ARMS}
    jumps = {name: finding[f"jump_{name}"] for name in _ARMS}
    words = (
        f"Jump of a mean / std: {jumps['none'].words()} in the plain net, "
        f"{jumps['before'].words()} with batch norm, {jumps['noisy'].words()} with batch norm and "
        f"noise. Steps to 90 %: {steps['none'].words()}, {steps['before'].words()}, "
        f"{steps['noisy'].words()}. Contested, as any account of why batch norm works."
    )
    unstable = (jumps["noisy"].values > jumps["none"].values).all()
    plain, noisy = (np.nan_to_num(steps[name].values, nan=np.inf) for name in ("none", "noisy"))
    if unstable and (np.isfinite(noisy) & (noisy <= plain / 2)).all():
        return Verdict("fails", "Unstable inputs, and fast all the same. " + words)
    if unstable and (noisy >= plain).all():
        return Verdict("holds", "Unstable inputs, and as slow as without. " + words)
    return Verdict("depends", words)


EXPERIMENT = UnconvertedExperiment(SPEC, part, summarize, judge)

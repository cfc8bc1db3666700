"""Covariate shift, first of data, then of what enters a hidden layer of a net."""

import warnings

import numpy as np
import torch
from torch import Tensor

from bn_core.comparison import Comparison
from bn_core.config import Config
from bn_core.datasets.dataset import Dataset
from bn_core.datasets.registry import DATASETS
from bn_core.demos.trained import side_by_side, trained
from bn_core.experiments.base import Trainer
from bn_core.experiments.shift import Rows, measured_step
from bn_core.results import Curve, HeatMap, HeatMaps, Metric, Panel, Progress, Result, TaskGenerator

_STEPS = 300
_MOVES = (0, 1, 2, 3)
_HEIGHT, _WIDTH = DATASETS["digits"].input_shape[1:]
_MOST_ARMS, _MOST_LAYERS, _MEASURED = 3, 12, 60
_ROUNDING = 1e-6
"""Shares of a spread up to this are rounding errors: single precision keeps 1.2e-7."""
_NOT_LEARNING = (
    "no better than chance, so its shifts say nothing about learning. With He's initial weights, "
    "ReLU and a learning rate of 0.1 nets with and without batch norm learn"
)


def of_data(pixels: int) -> TaskGenerator:
    """Train on the digits where they stand, test on held-out ones moved to the right.

    What a digit means does not change when it is moved, only where its ink is: the distribution of
    the inputs shifts and p(label | input) stays (Shimodaira 2000, J. Stat. Plan. Inference 90).
    """
    if pixels not in _MOVES:
        raise ValueError(f"The digits can be moved by {_MOVES[0]} to {_MOVES[-1]} pixels.")
    config = Config(depth=3, initialization="he", replicas=3, steps=_STEPS)
    trainer = yield from trained(config)
    data = trainer.dataset
    accuracies = [
        trainer.evaluate(inputs=moved(data.validation_inputs, by))[1].numpy() for by in _MOVES
    ]
    accuracy = Curve(
        "accuracy", np.array(_MOVES, float), np.stack(accuracies, axis=1), colour="neutral-2"
    )
    panels = (
        Panel(
            "accuracy", "Accuracy on held-out digits that were moved", "pixels to the right",
            "validation accuracy", (accuracy,), y_range=(0.0, 1.02),
            help="The nets were trained on digits that had not been moved.",
        ),
        _of_place(data.train_inputs, moved(data.validation_inputs, pixels)),
        _examples(data, pixels),
    )  # fmt: skip
    metrics = tuple(
        Metric(str(by), f"Accuracy, moved by {by}", found, ".1%")
        for by, found in zip(_MOVES, accuracies, strict=True)
        if by in (0, pixels)
    )
    return Result(panels, metrics)


def moved(images: Tensor, pixels: int) -> Tensor:
    """Return images (N, 64) moved to the right; what comes in on the left is background."""
    square = images.view(-1, _HEIGHT, _WIDTH)
    shifted = torch.full_like(square, float(images.min()))
    shifted[:, :, pixels:] = square[:, :, : _WIDTH - pixels]
    return shifted.view(len(images), -1)


def _of_place(trained_on: Tensor, tested: Tensor) -> Panel:
    edges = np.linspace(0, _WIDTH - 1, 36)
    curves = tuple(
        Curve(label, (edges[1:] + edges[:-1]) / 2, _shares(images, edges)[None], colour=colour)
        for label, images, colour in (
            ("trained on", trained_on, "neutral-2"),
            ("tested on", tested, "neutral-3"),
        )
    )
    return Panel(
        "place", "Where the ink of an image is, on average", "column", "share of images", curves,
        help="One number of each input: its distribution in training and in the test.",
    )  # fmt: skip


def _shares(images: Tensor, edges: np.ndarray) -> np.ndarray:
    ink = (images - images.min()).view(-1, _HEIGHT, _WIDTH).sum(dim=1)
    centre = (ink * torch.arange(_WIDTH)).sum(dim=1) / ink.sum(dim=1)
    return np.histogram(centre.numpy(), edges)[0] / len(images)


def _examples(data: Dataset, pixels: int) -> HeatMaps:
    names = ", ".join(data.classes[c] for c in data.validation_labels[:6])
    fields = [
        HeatMap(label, side_by_side(images[:6], 3), words=names)
        for label, images in (
            ("as they were", data.validation_inputs),
            (f"moved by {pixels}", moved(data.validation_inputs, pixels)),
        )
    ]
    return HeatMaps(
        "examples", "Six held-out digits", "", "", tuple(fields), "brightness",
        help="In standard deviations of the training data.", signed=False, square=True,
    )  # fmt: skip


def inside(comparison: Comparison) -> TaskGenerator:
    """Measure both kinds of internal covariate shift in a comparison's nets, 60 steps of each.

    Gradient ICS: cos(G, G') and ||G - G'|| of each layer (Santurkar et al. 2018, 1805.11604,
    Definition 2.1), the median over layers. Drift: how far one step moves mean and spread of what
    enters the last hidden layer, on a fixed probe, as a share of the spread. A net that is still
    no better than chance is said to be: what does not learn hardly shifts.
    """
    if comparison.problem():
        raise ValueError(comparison.problem())
    if any(config.is_recurrent for config in comparison.configs):
        raise ValueError(
            "This measures layers with weights of their own; the time steps of a recurrent net "
            "share theirs. Choose another architecture in the Lab."
        )
    if comparison.depth > _MOST_LAYERS:
        raise ValueError(
            f"Your net in the Lab has {comparison.depth} layers. Each costs a pass of its own "
            f"at every step: lower the depth there to {_MOST_LAYERS} or less."
        )
    names = [arm.name for arm in comparison.arms][:_MOST_ARMS]
    labels = [arm.label for arm in comparison.arms][:_MOST_ARMS]
    seen: dict[str, dict[str, np.ndarray]] = {}
    chance = 0.0
    for index, (name, config) in enumerate(zip(names, comparison.configs, strict=False)):
        config = config.changed({"replicas": min(config.replicas, 3)})
        trainer, rows = Trainer(config), _no_rows()
        for step in range(1, _MEASURED + 1):
            share = (index + step / _MEASURED) / len(names)
            for _ in measured_step(trainer, config.depth - 1, rows):
                yield Progress(share, f"{labels[index]}, step {step} of {_MEASURED}")
            if step % 10 == 0:
                seen[name], chance = _arrays(rows), _best_guess(trainer)
                seen[name]["accuracy"] = trainer.evaluate()[1].numpy()
                partial = _shift_result(seen, names, labels, chance)
                yield Progress(share, f"{labels[index]}, step {step} of {_MEASURED}", partial)
    return _shift_result(seen, names, labels, chance)


def _best_guess(trainer: Trainer) -> float:
    """Return an accuracy that a net which has learned nothing does not exceed by luck.

    p + 3 sqrt(p (1 - p) / N): p the share of the commonest class, N the validation examples.
    """
    labels = trainer.dataset.validation_labels
    share = float(labels.bincount().max()) / len(labels)
    return share + 3 * (share * (1 - share) / len(labels)) ** 0.5


def _no_rows() -> Rows:
    return {key: [] for key in ("cosine", "distance", "mean", "std")}


def _arrays(rows: Rows) -> dict[str, np.ndarray]:
    """Return the measured values as (K, T) each; layers are pooled by their median."""
    found = {key: np.stack(values, axis=1) for key, values in rows.items()}
    with warnings.catch_warnings():  # a net whose gradients vanished has no angle: NaN is right
        warnings.filterwarnings("ignore", "All-NaN slice encountered", RuntimeWarning)
        pooled = {key: np.nanmedian(found[key], axis=2) for key in ("cosine", "distance")}
    return found | pooled


def _shift_result(
    seen: dict[str, dict[str, np.ndarray]], names: list[str], labels: list[str], chance: float
) -> Result:
    words = dict(zip(names, labels, strict=True))
    panels = tuple(_shift_panel(*about, seen, words) for about in _PANELS)
    metrics = tuple(
        Metric(
            f"{name} {key}",
            f"{words[name]}: {title}",
            np.nanmedian(found[key], axis=1),
            missing="diverged",
            rounding=_ROUNDING if key == "mean" else 0.0,
        )
        for name, found in seen.items()
        for key, title in _MEASURES.items()
    )
    metrics += tuple(
        Metric(
            f"{name} accuracy",
            f"{words[name]}: accuracy so far",
            found["accuracy"],
            ".1%",
            note=_NOT_LEARNING if np.median(found["accuracy"]) <= chance else "",
        )
        for name, found in seen.items()
    )
    return Result(panels, metrics)


_MEASURES = {"mean": "drift of the mean in a step", "cosine": "cos(G, G')", "distance": "‖G - G'‖"}
_PANELS = (
    ("mean", "Drift of what enters the last hidden layer", "|change of mean| / spread", "log",
     "Distributional shift: what Ioffe & Szegedy call internal covariate shift."),
    ("cosine", "Gradient before and after the layers below have moved", "cos(G, G')", "linear",
     "Gradient shift by Santurkar et al. 2018, Definition 2.1. 1 is no shift at all."),
    ("distance", "Distance of the two gradients", "‖G - G'‖", "log",
     "The same two gradients; 0 is no shift. Its size follows that of the gradients themselves."),
)  # fmt: skip


def _shift_panel(
    key: str,
    title: str,
    label: str,
    scale: str,
    help: str,
    seen: dict[str, dict[str, np.ndarray]],
    words: dict[str, str],
) -> Panel:
    curves = tuple(
        Curve(words[name], np.arange(1, found[key].shape[1] + 1), found[key], arm=name)
        for name, found in seen.items()
    )
    logarithmic = scale == "log"
    return Panel(
        key, title, "step", label, curves, help, y_scale="log" if logarithmic else "linear",
        rounding=_ROUNDING if key == "mean" else 0.0,
    )  # fmt: skip

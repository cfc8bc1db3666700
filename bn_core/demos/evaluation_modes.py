"""One trained net evaluated in both modes, with batches of the reader's choice."""

import numpy as np
import torch

from bn_core.demos.trained import digits_net, trained
from bn_core.experiments.base import Trainer
from bn_core.randomness import generator
from bn_core.results import Curve, Metric, Panel, Progress, Result, TaskGenerator

ORDERS = ("shuffled", "sorted")


def forgot_eval(batch_size: int, order: str) -> TaskGenerator:
    """Evaluate one net with eval() and without, on validation data cut into batches.

    Training mode normalizes each example by the moments of the batch it came in. ``order`` is
    "shuffled" or "sorted", by class. Ioffe & Szegedy 2015 (1502.03167), section 3.1.
    """
    if order not in ORDERS or not 1 <= batch_size <= 500:
        raise ValueError("A batch has 1 to 500 examples, shuffled or sorted.")
    trainer = yield from trained(digits_net())
    labels = trainer.dataset.validation_labels
    correct = {"eval": _correct(trainer, "running", list(torch.arange(len(labels)).split(500)))}
    yield Progress(0.9, "evaluating in training mode")
    correct["train"] = _correct(trainer, "batch", list(_ordered(trainer, order).split(batch_size)))
    words = {"eval": "with eval()", "train": f"in training mode, {order}, batches of {batch_size}"}
    curves = tuple(
        Curve(
            words[mode],
            np.arange(10),
            _by_class(found, labels.numpy()),
            kind="points",
            colour=colour,
        )
        for colour, (mode, found) in zip(("neutral-2", "neutral-3"), correct.items(), strict=True)
    )
    panel = Panel(
        "classes",
        "Accuracy for each digit",
        "digit",
        "accuracy",
        curves,
        help="The weights are the same. In training mode each answer depends on the rest of the "
        "batch. There each pass would also move the running averages, and so spoil the model for "
        "good; here they are put back afterwards.",
        y_range=(-0.03, 1.03),
        categories=tuple(trainer.dataset.classes),
    )
    metrics = tuple(
        Metric(mode, f"Accuracy {words[mode]}", found.mean(1), ".1%")
        for mode, found in correct.items()
    )
    return Result((panel,), metrics)


def _ordered(trainer: Trainer, order: str) -> torch.Tensor:
    labels = trainer.dataset.validation_labels
    if order == "sorted":
        return labels.argsort(stable=True)
    return torch.randperm(len(labels), generator=generator(trainer.config.seed, "data", 21))


@torch.no_grad()
def _correct(trainer: Trainer, statistics: str, batches: list[torch.Tensor]) -> np.ndarray:
    """Return which validation examples are classified correctly, (K, N) of 0 and 1."""
    data, replicas = trainer.dataset, trainer.config.replicas
    found = np.zeros((replicas, len(data.validation_labels)))
    with trainer.net.evaluation_mode(statistics=statistics):
        for chosen in batches:
            inputs = data.validation_inputs[chosen]
            answers = trainer.net(inputs.expand(replicas, *inputs.shape)).argmax(dim=2)
            found[:, chosen.numpy()] = (answers == data.validation_labels[chosen]).numpy()
    return found


def _by_class(correct: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the accuracy in each class, (K, classes)."""
    return np.stack([correct[:, labels == c].mean(axis=1) for c in range(labels.max() + 1)], axis=1)

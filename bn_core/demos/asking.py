"""One trained net asked in both modes, with batches of the reader's choice."""

import numpy as np
import torch

from bn_core.demos.trained import digits_net, trained
from bn_core.experiments.base import Trainer
from bn_core.randomness import generator
from bn_core.results import Curve, Metric, Panel, Progress, Result, TaskGenerator

ORDERS = ("shuffled", "sorted")


def forgot_eval(batch_size: int, order: str) -> TaskGenerator:
    """Judge one net with eval() and without, on validation data cut into batches.

    Training mode normalizes each example by the moments of the batch it came in. ``order`` is
    "shuffled" or "sorted", by class. Ioffe & Szegedy 2015 (1502.03167), section 3.1.
    """
    if order not in ORDERS or not 1 <= batch_size <= 500:
        raise ValueError("A batch has 1 to 500 examples, shuffled or sorted.")
    trainee = yield from trained(digits_net())
    labels = trainee.dataset.validation_labels
    right = {"eval": _right(trainee, "running", list(torch.arange(len(labels)).split(500)))}
    yield Progress(0.9, "judging in training mode")
    right["train"] = _right(trainee, "batch", list(_ordered(trainee, order).split(batch_size)))
    words = {"eval": "with eval()", "train": f"training mode, {order}, batches of {batch_size}"}
    curves = tuple(
        Curve(
            words[mode], np.arange(10), _by_class(found, labels.numpy()), tone=tone, kind="points"
        )
        for tone, (mode, found) in enumerate(right.items(), start=1)
    )
    panel = Panel(
        "classes",
        "Accuracy for each digit",
        "digit",
        "share put right",
        curves,
        help="The weights are the same. In training mode the rest of the batch has a say.",
        y_range=(-0.03, 1.03),
        categories=tuple(trainee.dataset.classes),
    )
    found = [Metric(mode, f"Accuracy {words[mode]}", right[mode].mean(1), ".1%") for mode in right]
    return Result((panel,), tuple(found))


def _ordered(trainee: Trainer, order: str) -> torch.Tensor:
    labels = trainee.dataset.validation_labels
    if order == "sorted":
        return labels.argsort(stable=True)
    return torch.randperm(len(labels), generator=generator(trainee.config.seed, "data", 21))


@torch.no_grad()
def _right(trainee: Trainer, statistics: str, batches: list[torch.Tensor]) -> np.ndarray:
    """Return which validation examples are put right, (K, N) of 0 and 1."""
    data, replicas = trainee.dataset, trainee.config.replicas
    found = np.zeros((replicas, len(data.validation_labels)))
    with trainee.net.evaluation_mode(statistics=statistics):
        for chosen in batches:
            inputs = data.validation_inputs[chosen]
            answers = trainee.net(inputs.expand(replicas, *inputs.shape)).argmax(dim=2)
            found[:, chosen.numpy()] = (answers == data.validation_labels[chosen]).numpy()
    return found


def _by_class(right: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the share put right of each class, (K, classes)."""
    return np.stack([right[:, labels == c].mean(axis=1) for c in range(labels.max() + 1)], axis=1)

"""A trained net meets changed images; new statistics may bring it back (AdaBN)."""

import numpy as np
import torch
from torch import Tensor

from bn_core.demos.trained import digits_net, side_by_side, trained
from bn_core.experiments.statistics import recomputed
from bn_core.randomness import generator
from bn_core.results import Curve, HeatMap, HeatMaps, Metric, Panel, Progress, Result, TaskGenerator

_SHOWN = 4
_STATES = ("as trained", "changed", "changed, new statistics")


def changed(inputs: Tensor, scale: float, offset: float, noise: float, invert: bool) -> Tensor:
    """Return images (N, D) changed: x' = scale (+-x) + offset + noise n, n ~ N(0, 1).

    Inversion turns the standardized brightness around: x becomes min + max - x.
    """
    turned = inputs.min() + inputs.max() - inputs if invert else inputs
    drawn = torch.randn(inputs.shape, generator=generator(0, "data", 22))
    return scale * turned + offset + noise * drawn


def adapting(scale: float, offset: float, noise: float, invert: bool) -> TaskGenerator:
    """Evaluate one net on changed validation images, with old and with recomputed statistics.

    The weights, gamma and beta stay, and no label is used. Li et al. 2016 (1603.04779), section 3.
    """
    if not (0 <= scale <= 5 and abs(offset) <= 5 and 0 <= noise <= 5):
        raise ValueError("Scale and noise lie between 0 and 5, the offset between -5 and 5.")
    trainer = yield from trained(digits_net())
    yield Progress(0.9, "evaluating on the changed images")
    clean = trainer.dataset.validation_inputs
    inputs = changed(clean, scale, offset, noise, invert)
    accuracies = [trainer.evaluate()[1].numpy(), trainer.evaluate(inputs=inputs)[1].numpy()]
    with recomputed(trainer, inputs):
        accuracies.append(trainer.evaluate(inputs=inputs)[1].numpy())
    curve = Curve(
        "accuracy", np.arange(3), np.stack(accuracies, axis=1), colour="neutral-2", kind="points"
    )
    panel = Panel(
        "accuracy",
        "Validation accuracy",
        "",
        "accuracy",
        (curve,),
        help="New statistics: one pass over the changed images, without their labels.",
        y_range=(-0.03, 1.03),
        categories=_STATES,
    )
    metrics = tuple(
        Metric(state, f"Accuracy {state}", accuracy, ".1%")
        for state, accuracy in zip(_STATES, accuracies, strict=True)
    )
    names = [trainer.dataset.classes[c] for c in trainer.dataset.validation_labels[:_SHOWN]]
    return Result((panel, _images(clean, inputs, names)), metrics)


def _images(clean: Tensor, inputs: Tensor, names: list[str]) -> HeatMaps:
    fields = [
        HeatMap(label, side_by_side(data[:_SHOWN], 2), words=", ".join(names))
        for label, data in (("as trained", clean), ("changed", inputs))
    ]
    return HeatMaps(
        "images",
        f"The first {_SHOWN} digits",
        "",
        "",
        tuple(fields),
        "brightness",
        help="In standard deviations of the training data.",
        signed=False,
        square=True,
    )

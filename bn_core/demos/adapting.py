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
    """Judge one net on changed validation images, with old and with recomputed statistics.

    The weights, gamma and beta stay, and no label is used. Li et al. 2016 (1603.04779), section 3.
    """
    if not (0 <= scale <= 5 and abs(offset) <= 5 and 0 <= noise <= 5):
        raise ValueError("Scale and noise lie between 0 and 5, the offset between -5 and 5.")
    trainee = yield from trained(digits_net())
    yield Progress(0.9, "judging the changed images")
    clean = trainee.dataset.validation_inputs
    inputs = changed(clean, scale, offset, noise, invert)
    right = [trainee.evaluate()[1].numpy(), trainee.evaluate(inputs=inputs)[1].numpy()]
    with recomputed(trainee, inputs):
        right.append(trainee.evaluate(inputs=inputs)[1].numpy())
    curve = Curve("accuracy", np.arange(3), np.stack(right, axis=1), tone=1, kind="points")
    panel = Panel(
        "accuracy",
        "Validation accuracy",
        "",
        "share put right",
        (curve,),
        help="New statistics: one pass over the changed images, without their labels.",
        y_range=(-0.03, 1.03),
        categories=_STATES,
    )
    found = [Metric(s, f"Accuracy {s}", r, ".1%") for s, r in zip(_STATES, right, strict=True)]
    return Result((panel, _images(clean, inputs)), tuple(found))


def _images(clean: Tensor, inputs: Tensor) -> HeatMaps:
    fields = [
        HeatMap(label, side_by_side(data[:_SHOWN], 2))
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

"""Nets that several demos evaluate: trained once in each process, then kept."""

from collections import OrderedDict
from collections.abc import Generator

import numpy as np
from torch import Tensor
from torch.nn.functional import pad

from bn_core.config import Config
from bn_core.experiments.base import Trainer
from bn_core.results import Progress

_MOST_KEPT = 4
_kept: OrderedDict[Config, Trainer] = OrderedDict()


def trained(config: Config) -> Generator[Progress, None, Trainer]:
    """Return the nets of a config after its steps; whoever gets them must leave them as they are.

    The same config gives the same nets, bit for bit, so it does not matter who trained them.
    """
    if config not in _kept:
        trainer = Trainer(config)
        for step in range(config.steps):
            trainer.step()
            yield Progress(step / config.steps, f"training, step {step} of {config.steps}")
        _kept[config] = trainer
    _kept.move_to_end(config)
    while len(_kept) > _MOST_KEPT:
        _kept.popitem(last=False)
    return _kept[config]


def digits_net(seeds: int = 3) -> Config:
    """Return the net that the demos of inference evaluate: 3 ReLU layers, batch norm, digits."""
    return Config(depth=3, initialization="he", normalization="batch", replicas=seeds, steps=300)


def side_by_side(images: Tensor, across: int) -> np.ndarray:
    """Return square images (N, D) as one picture, so many in a row, with gaps between them."""
    side = round(images.shape[1] ** 0.5)
    framed = pad(images.view(-1, across, side, side), (0, 1, 0, 1), value=float("nan"))
    rows = framed.permute(0, 2, 1, 3).reshape(-1, across * (side + 1))
    return rows[:-1, :-1].numpy()

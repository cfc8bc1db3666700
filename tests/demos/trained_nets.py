"""Trained nets as torch's own, and the parts of a result by name."""

from torch import nn

from bn_core.experiments.base import Trainer
from bn_core.normalization.batch_norm import BatchNorm
from bn_core.results import Curve, Panel, Result
from tests.reference import torch_net

SEEDS = range(3)


def as_torch(trainer: Trainer, replica: int) -> nn.Sequential:
    """Return one trained replica as torch's own modules in 64 bits."""
    net = torch_net(trainer.net, trainer.config, replica)
    norms = [module for module in net if isinstance(module, nn.BatchNorm1d)]
    for theirs, ours in zip(norms, trainer.net.norms, strict=True):
        assert isinstance(ours, BatchNorm)
        for target, source in (
            (theirs.weight, ours.gamma),
            (theirs.bias, ours.beta),
            (theirs.running_mean, ours.running_mean),
            (theirs.running_var, ours.running_variance),
        ):
            assert target is not None and source is not None
            target.data.copy_(source[replica].detach())
    return net.double()


def panel(result: Result, name: str) -> Panel:
    (found,) = (part for part in result.panels if part.id == name)
    assert isinstance(found, Panel)
    return found


def curve(result: Result, name: str, label: str) -> Curve:
    (found,) = (one for one in panel(result, name).curves if one.label == label)
    return found

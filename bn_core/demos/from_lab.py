"""Real values from the reader's own net: what enters batch norm at some step."""

import numpy as np
import torch

from bn_core.comparison import Comparison
from bn_core.experiments.base import Trainer
from bn_core.probing import captured_inputs, captured_outputs
from bn_core.results import Progress, Result, TaskGenerator

MOST_EXAMPLES, MOST_UNITS = 12, 4


def from_lab(comparison: Comparison, layer: int, step: int) -> TaskGenerator:
    """Return what enters a layer's batch norm for the next mini-batch, at most (12, 4).

    The first arm of the comparison that has batch norm is trained up to the step, else the first
    arm of all; without a normalization the values are the linear map's outputs.
    Errors: ``ValueError`` if the comparison cannot be trained.
    """
    if layer < 1 or step < 0:
        raise ValueError("Layers are counted from 1, steps from 0.")
    if comparison.problem():
        raise ValueError(comparison.problem())
    normalized = [one for one in comparison.configs if one.normalization == "batch"]
    config = (normalized or list(comparison.configs))[0].changed({"replicas": 1})
    if config.is_recurrent:
        raise ValueError(
            "These values are taken from a layer of its own; the time steps of a recurrent net "
            "share theirs. Choose another architecture in the Lab."
        )
    step, layer = min(step, config.steps), min(layer, config.depth)
    trainer = Trainer(config)
    changes = dict(config.rate_changes)
    for done in range(step):
        if done in changes:
            trainer.set_rate(changes[done])
        trainer.step()
        yield Progress(done / step, f"training your net, step {done} of {step}")
    values = _entering(trainer, layer)[:MOST_EXAMPLES, :MOST_UNITS].double().numpy()
    if not np.isfinite(values).all():
        raise ValueError(f"This net has diverged by step {step}: its values are not finite.")
    return Result(facts={"x": values})


@torch.no_grad()
def _entering(trainer: Trainer, layer: int) -> torch.Tensor:
    inputs, _ = trainer.batches.next()
    chosen = trainer.net.hidden[layer - 1]
    values = (
        captured_outputs(chosen.linear) if chosen.norm is None else captured_inputs(chosen.norm)
    )
    with trainer.net.evaluation_mode(statistics="batch"), values as found:
        trainer.net(inputs)
    values = found[0][0]  # (N, C), or (N, C, H, W)
    for _ in range(values.dim() - 2):
        values = values[:, :, values.shape[2] // 2]
    return values

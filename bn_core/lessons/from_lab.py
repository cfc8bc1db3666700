"""Real values from the reader's own net: what enters batch norm at some step."""

import numpy as np
import torch

from bn_core.comparison import Comparison
from bn_core.experiments.kit import Trainee
from bn_core.findings import Finding, Progress, Study
from bn_core.probes import listening

MOST_EXAMPLES, MOST_UNITS = 12, 4


def from_lab(comparison: Comparison, layer: int, step: int) -> Study:
    """Return what the activation of a layer is fed before normalization, at most (12, 4).

    The first arm of the comparison that has batch norm, else its base without, is trained up to
    the step; the values are the linear map's outputs for the next mini-batch.
    Errors: ``ValueError`` if the comparison cannot be trained.
    """
    if comparison.problem():
        raise ValueError(comparison.problem())
    normalized = [one for one in comparison.configs if one.normalization == "batch"]
    config = (normalized or list(comparison.configs))[0].changed({"replicas": 1})
    step, layer = min(step, config.steps), min(layer, config.depth)
    trainee = Trainee(config)
    changes = dict(config.rate_changes)
    for done in range(step):
        if done in changes:
            trainee.set_rate(changes[done])
        trainee.step()
        yield Progress(done / step, f"training your net, step {done} of {step}")
    values = _entering(trainee, layer)[:MOST_EXAMPLES, :MOST_UNITS].double().numpy()
    if not np.isfinite(values).all():
        raise ValueError(f"This net has diverged by step {step}: its values are not finite.")
    return Finding(facts={"x": values})


@torch.no_grad()
def _entering(trainee: Trainee, layer: int) -> torch.Tensor:
    inputs, _ = trainee.batches.first()
    chosen = trainee.net.hidden[layer - 1]
    found: list[torch.Tensor] = []
    hook = chosen.linear.register_forward_hook(lambda *heard: found.append(heard[2]))
    with trainee.net.undisturbed(statistics="batch"), listening(trainee.net):
        trainee.net(inputs)
    hook.remove()
    return found[0][0]

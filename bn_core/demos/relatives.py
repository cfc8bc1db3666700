"""The relatives of batch norm on one small tensor: which values share a mean and a variance."""

import numpy as np
import torch

from bn_core.config import Config
from bn_core.grouping import groups_of
from bn_core.normalization import BatchRenorm, normalization
from bn_core.randomness import generator
from bn_core.results import HeatMap, HeatMaps, Progress, Result, TaskGenerator

EXAMPLES, UNITS, POSITIONS = 4, 4, 3
RELATIVES = {
    "batch": "Batch norm",
    "layer": "Layer norm",
    "rms": "RMS norm",
    "instance": "Instance norm",
    "group": "Group norm, 2 groups",
    "ghost": "Ghost batches of 2",
    "renorm": "Batch renorm",
}
_APART = 11
"""Multiplies group numbers, so that neighbours have colours far from each other."""
_OUTPUT_HELP = (
    "γ = 1, β = 0. Batch renorm corrects towards running averages that are still at their start, "
    "mean 0 and deviation 1: so it gives back x as far as its limits let it."
)
_NAMES = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def relatives() -> TaskGenerator:
    """Normalize one tensor (4, 4, 3) by every relative: groups by letter and colour, and outputs.

    Batch renormalization is shown with its limits at full size and running averages that lag: a
    mean of 0 and a deviation of 1, as at the start.
    """
    yield Progress(0.0, "normalizing")
    drawn = torch.randn(
        EXAMPLES, UNITS, POSITIONS, generator=generator(0, "data", 41), dtype=torch.float64
    )
    x = drawn * torch.arange(1, UNITS + 1).view(1, -1, 1) + torch.arange(UNITS).view(1, -1, 1)
    groups, outputs = [], [HeatMap("x", _flat(x.numpy()), _numbers(x.numpy()))]
    for name, words in RELATIVES.items():
        labels = groups_of(name, (EXAMPLES, UNITS, POSITIONS), groups=2, ghost_size=2)
        letters = tuple(tuple(_NAMES[i] for i in row) for row in _flat(labels))
        groups.append(HeatMap(words, _flat(labels) * _APART % len(_NAMES), letters))
        y = _normalized(name, x)
        outputs.append(HeatMap(words, _flat(y), _numbers(y)))
    columns = tuple(
        f"unit {unit + 1}, position {place + 1}"
        for unit in range(UNITS)
        for place in range(POSITIONS)
    )
    rows = tuple(f"example {n + 1}" for n in range(EXAMPLES))
    axes = (f"unit (each with {POSITIONS} positions)", "example")
    return Result(
        (
            HeatMaps(
                "groups", "Which numbers share one mean and one variance", *axes, tuple(groups),
                "group", help="Equal letters share a mean and a variance; the colours only tell "
                "letters apart.", signed=False, wide=True, scale=False, named=True, rows=rows,
                columns=columns,
            ),
            HeatMaps(
                "outputs", "The same tensor, normalized by each", *axes, tuple(outputs),
                "value", help=_OUTPUT_HELP, wide=True, rows=rows, columns=columns,
            ),
        )
    )  # fmt: skip


@torch.no_grad()
def _normalized(name: str, x: torch.Tensor) -> np.ndarray:
    config = Config(normalization=name, width=UNITS, groups=2, ghost_size=2, replicas=1)
    norm = normalization(config)
    assert norm is not None
    if isinstance(norm, BatchRenorm):
        norm.scheduled = False
    return norm.double()(x[None])[0].numpy()


def _flat(values: np.ndarray) -> np.ndarray:
    return values.reshape(EXAMPLES, UNITS * POSITIONS)


def _numbers(values: np.ndarray) -> tuple[tuple[str, ...], ...]:
    return tuple(
        tuple(f"{value:.1f}".replace("-0.0", "0.0") for value in row) for row in _flat(values)
    )

"""Feature maps as small pictures: what a few channels put out for a few examples."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from bn_core.records import LARGEST_MAP

SHOWN_CHANNELS = 4


def small(maps: Tensor) -> Tensor:
    """Return maps (E, M, H, W), those of more than 14 pixels a side averaged down to 14."""
    height, width = (min(side, LARGEST_MAP) for side in maps.shape[2:])
    if (height, width) == maps.shape[2:]:
        return maps.clone()
    return functional.adaptive_avg_pool2d(maps, (height, width))


def as_shades(layers: Sequence[Tensor | None]) -> np.ndarray:
    """Return the maps of L layers in one array of shades, see ``NetStatistics.feature_maps``.

    None stands for a layer without channels; values that are not finite count as the lowest.
    """
    found = [maps for maps in layers if maps is not None]
    if not found:
        return np.zeros((0, 0, 0, 0, 0), np.uint8)
    shape = np.max([tuple(maps.shape) for maps in found], axis=0)
    shades = np.zeros((len(layers), *shape), np.uint8)
    for index, maps in enumerate(layers):
        if maps is not None:
            examples, channels, height, width = maps.shape
            shades[index, :examples, :channels, :height, :width] = _shades(maps)
    return shades


def _shades(maps: Tensor) -> np.ndarray:
    finite = maps.isfinite()
    if not finite.any():
        return np.zeros(maps.shape, np.uint8)
    low, high = maps[finite].min(), maps[finite].max()
    shares = torch.where(finite, (maps - low) / (high - low).clamp(min=1e-12), 0.0)
    return (255 * shares).round().numpy().astype(np.uint8)

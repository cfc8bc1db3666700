"""Batch norm in front of the first layer: of the inputs themselves."""

from torch import Tensor

from bn_core.config import Config
from bn_core.normalization import BatchNorm


class InputNorm(BatchNorm):
    """Batch norm of each input, or of each channel of images, x (K, N, D) and y the same.

    Inputs (K, N, D) are seen as images (K, N, C, H, W) where the data are images and the net takes
    them as such; else each of the D numbers is a unit.
    """

    def __init__(self, replicas: int, example_shape: tuple[int, ...]) -> None:
        super().__init__(replicas, example_shape[0])
        self.example_shape = example_shape

    def forward(self, x: Tensor) -> Tensor:
        """Return the normalized inputs, (K, N, D)."""
        return super().forward(x.reshape(*x.shape[:2], *self.example_shape)).reshape(x.shape)


def input_norm(config: Config, input_shape: tuple[int, ...]) -> InputNorm | None:
    """Return the norm of a config's inputs; None where it has none."""
    if not config.normalizes_inputs:
        return None
    count = 1
    for size in input_shape:
        count *= size
    return InputNorm(config.replicas, input_shape if config.needs_images else (count,))

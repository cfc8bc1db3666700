"""Small pictures of the data sets, from the data themselves: they are what chooses a data set."""

import numpy as np

from bn_core.config import IMAGE_DATA, PLANE_DATA, Config
from bn_core.data import load
from bn_core.service.protocol import Picture

_POINTS = 90
_IMAGES = 9


def draw_pictures() -> dict[str, Picture]:
    """Return a picture of every data set, by name."""
    return {name: _picture(Config(data=name, batch_size=20)) for name in IMAGE_DATA | PLANE_DATA}


def _picture(config: Config) -> Picture:
    data = load(config)
    inputs, labels = data.train_inputs.numpy(), data.train_labels.numpy()
    if config.plane:
        points = inputs[:_POINTS] / np.abs(inputs[:_POINTS]).max()
        return Picture(points, labels[:_POINTS], np.zeros((0, 0, 0), np.uint8))
    side = round(inputs.shape[1] ** 0.5)
    first = [int(np.flatnonzero(labels == label)[0]) for label in range(_IMAGES)]
    images = inputs[first].reshape(-1, side, side)
    shade = 255 * (images - images.min()) / (images.max() - images.min())
    return Picture(np.zeros((0, 2)), labels[first], shade.astype(np.uint8))

"""The 1,797 handwritten digits that come with scikit-learn, 8 x 8 pixels."""

import functools
import importlib.util
from pathlib import Path

import numpy as np

from bn_core.datasets.sampling import fair_order
from bn_core.datasets.spec import Array, Sampling, Split
from bn_core.streams import random_state

VALIDATION_DIGITS = 500


def split_digits(sampling: Sampling) -> Split:
    """Return the digits, pixels from 0 to 1, split with equal shares of each class.

    Any beginning of either part has nearly equal shares too.
    """
    images, labels = _digit_files()
    state = random_state(sampling.seed, "data")
    order = state.permutation(len(labels))
    # Every class in turn gives the same share of its shuffled examples to the held-out part.
    held_out = fair_order(labels, order)[:VALIDATION_DIGITS]
    # What was held out comes first in the order, so the rest is shuffled once more.
    train = state.permutation(order[~np.isin(order, held_out)])
    return Split(images[train], labels[train], images[held_out], labels[held_out])


@functools.cache
def _digit_files() -> tuple[Array, Array]:
    """Return images (1797, 64) and labels (1797,) from scikit-learn's package.

    Read without importing scikit-learn: that takes a second, and the first chart waits for it.
    """
    package = importlib.util.find_spec("sklearn")
    assert package is not None and package.submodule_search_locations, "among the requirements"
    path = Path(package.submodule_search_locations[0]) / "datasets/data/digits.csv.gz"
    table = np.loadtxt(path, delimiter=",")
    return table[:, :-1] / 16, table[:, -1].astype(np.int64)

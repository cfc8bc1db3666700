"""Fair shares of the classes."""

import numpy as np

from bn_core.datasets.spec import Array


def fair_order(labels: Array, order: Array) -> Array:
    """Return the rows of a random order, rearranged so that every beginning has fair shares.

    The share of a class among the first n rows is that among all, to within one row.
    """
    rank = np.empty(len(labels))
    for label in np.unique(labels):
        of_class = order[labels[order] == label]
        rank[of_class] = (np.arange(len(of_class)) + 0.5) / len(of_class)
    return order[np.argsort(rank[order], kind="stable")]

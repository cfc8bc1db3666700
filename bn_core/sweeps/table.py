"""A map as a table: a row for each net that was trained, the same wherever it was."""

import csv
import io
from collections.abc import Iterator
from typing import Any

import numpy as np

from bn_core.sweeps.link import map_link
from bn_core.sweeps.stability_map import FATE_WORDS, FIELDS, UNKNOWN, StabilityMap

COLUMNS = (
    "fate",
    "steps to learn",
    "diverged at step",
    "final training loss",
    "validation accuracy",
    "first sick layer",
)


def table_of(found: StabilityMap) -> Iterator[list[Any]]:
    """Return a row of names, then a row for each arm, seed and measured cell.

    An empty cell means that there is no such number: never learned, never diverged, no sick layer.
    """
    sweep = found.sweep
    yield ["net", "seed", sweep.x.name, sweep.y.name, *COLUMNS]
    for place in np.argwhere(found.fate != UNKNOWN):
        arm, seed, y, x = place.tolist()
        at = tuple(place)
        yield [
            sweep.arms[arm].label,
            sweep.seeds[seed],
            sweep.x_values[x],
            sweep.y_values[y],
            FATE_WORDS[found.fate[at]],
            _finite(found.learned_at[at]),
            _finite(found.diverged_at[at]),
            _finite(found.loss[at], whole=False),
            _finite(found.accuracy[at], whole=False),
            int(found.sick_layer[at]) or "",
        ]


def _finite(value: Any, *, whole: bool = True) -> Any:
    if not np.isfinite(value):
        return ""
    return int(value) if whole else float(value)


def map_to_csv(found: StabilityMap) -> bytes:
    """Return the table as CSV in UTF-8."""
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows(table_of(found))
    return file.getvalue().encode()


def map_to_npz(found: StabilityMap) -> bytes:
    """Return the arrays (arms, S, Y, X) with axes, names and link, for ``numpy.load``."""
    sweep, file = found.sweep, io.BytesIO()
    arrays = {name: getattr(found, name) for name in FIELDS}
    np.savez_compressed(
        file,
        **arrays,
        x=np.array(sweep.x_values),
        y=np.array(sweep.y_values),
        x_name=np.array(sweep.x.name),
        y_name=np.array(sweep.y.name),
        nets=np.array([arm.name for arm in sweep.arms]),
        seeds=np.array(sweep.seeds),
        fates=np.array(FATE_WORDS),
        link=np.array(map_link(sweep)),
    )
    return file.getvalue()

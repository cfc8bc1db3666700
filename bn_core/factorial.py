"""Nets with and without a norm, each at two learning rates: what each of the two choices does.

From net A to net D, which differs in both, lead two steps that differ in one thing each:
A to B in the rate alone, B to D in the norm alone. For every seed

    acc(D) - acc(A) = (acc(B) - acc(A)) + (acc(D) - acc(B)).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bn_core.arms import ARM_FIELDS
from bn_core.config import SETTINGS, Config
from bn_core.records import Record

Array = np.ndarray

_VARIED = frozenset({"normalization", "placement", "learning_rate"})
HIDDEN = 0.5
"""A difference below this share of both its parts hides them."""


@dataclass(frozen=True)
class Factorial:
    """The first of four nets, the one with another rate, and the one with another norm too.

    The accuracies are one number for each seed, (K,), paired: equal seeds have the same initial
    weights and batches.
    """

    first: Config
    both: Config
    difference: Array  # (K,) acc(both) - acc(first)
    of_rate: Array  # (K,) of the rate alone, with the first net's normalization
    of_norm: Array  # (K,) of the normalization alone, at the second rate


def factorial(record: Record, accuracies: Sequence[Array]) -> Factorial | None:
    """Return what the rate and the norm do, from each arm's accuracies; None for other arms."""
    if record.comparison.base.rate_changes:
        return None
    return factorial_of(record.configs, accuracies)


def factorial_of(configs: Sequence[Config], accuracies: Sequence[Array]) -> Factorial | None:
    """Return what the rate and the norm do in nets of these configs; None for any others."""
    if not _is_factorial(configs):
        return None
    rates, norms = ([_of(config)[part] for config in configs] for part in (0, 1))
    other_rate = next(i for i in range(4) if rates[i] != rates[0] and norms[i] == norms[0])
    both = next(i for i in range(4) if rates[i] != rates[0] and norms[i] != norms[0])
    start, middle, end = (accuracies[i] for i in (0, other_rate, both))
    return Factorial(configs[0], configs[both], end - start, middle - start, end - middle)


def factorial_words(found: Factorial) -> str:
    """Return the sentence that says which part of a difference is the rate's, which the norm's."""
    total, rate, norm = map(_points, (found.difference, found.of_rate, found.of_norm))
    ends = " to ".join(_named(config) for config in (found.first, found.both))
    return (
        f"From {ends} the accuracy changes by {total} points: the rate alone makes {rate} of it "
        f"and {_norm_of(found)} alone {norm}, {_meaning(found)}."
    )


def _is_factorial(configs: Sequence[Config]) -> bool:
    """Return whether these are none and one norm at two rates, and alike in all else."""
    placed = {config.placement for config in configs if config.normalization != "none"}
    fields = [name for name in ARM_FIELDS if name not in _VARIED]
    alike = all(len({getattr(config, name) for config in configs}) == 1 for name in fields)
    norms = {config.normalization for config in configs}
    cells = set(map(_of, configs))
    sizes = len(configs), len(cells), len({rate for rate, _ in cells}), len(norms)
    return alike and sizes == (4, 4, 2, 2) and "none" in norms and len(placed) == 1


def _of(config: Config) -> tuple[float, str]:
    return config.learning_rate, config.normalization


def _meaning(found: Factorial) -> str:
    """Return what the two parts are to each other, as far as the seeds agree."""
    for part, name in ((found.of_rate, "the rate"), (found.of_norm, _norm_of(found))):
        if len(set(np.sign(part))) > 1 or not part.all():
            return f"though the effect of {name} has not one sign over the seeds"
    rate, norm = float(np.median(found.of_rate)), float(np.median(found.of_norm))
    if rate * norm > 0:
        share = round(100 * float(np.median(found.of_rate / found.difference)))
        return f"{share} % of it the rate's and {100 - share} % the norm's"
    small = abs(float(np.median(found.difference))) < HIDDEN * min(abs(rate), abs(norm))
    return f"so that the one {'hides' if small else 'takes away from'} what the other does"


def _norm_of(found: Factorial) -> str:
    kinds = {found.first.normalization, found.both.normalization} - {"none"}
    title = SETTINGS["normalization"].options[kinds.pop()]
    return title[0].lower() + title[1:]


def _named(config: Config) -> str:
    title = SETTINGS["normalization"].options[config.normalization]
    kind = "no norm" if config.normalization == "none" else title[0].lower() + title[1:]
    return f"{kind} at rate {config.learning_rate:g}"


def _points(shares: Array) -> str:
    """Return the median in percentage points, with the range over the seeds if there are some."""
    low, mid, high = (f"{100 * f(shares):+.1f}" for f in (np.min, np.median, np.max))
    return mid if len(shares) == 1 else f"{mid} ({low} to {high})"

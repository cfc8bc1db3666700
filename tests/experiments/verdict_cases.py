"""Invented numbers for the effects and controls that an experiment declares."""

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from bn_core.experiments.base import Experiment
from bn_core.experiments.effects import Control, Effect
from bn_core.experiments.verdicts import decide
from bn_core.results import Result, Verdict

Array = np.ndarray
DISTANCES = {"claimed": 1.5, "absent": 0.0, "reversed": -1.5}
"""How far the invented seeds lie from no effect, in units of the size that matters."""
WITHIN = {"claimed": 0.0, "absent": 5.0, "reversed": -5.0}


def seed_values(effect: Effect, state: str, seeds: int) -> Array:
    """Return values (R,) that show an effect as claimed, absent, reversed, or lost everywhere."""
    if state == "lost":
        return np.full(seeds, np.nan)
    if effect.scale == "share":
        return np.full(seeds, _share(effect, state))
    distance = (WITHIN if effect.direction == "within" else DISTANCES)[state]
    jitter = 0.1 * np.linspace(-1, 1, seeds) if seeds > 1 else np.zeros(1)
    return np.array([effect.value(effect.goal * (distance + one)) for one in jitter])


def _share(effect: Effect, state: str) -> float:
    end = 0.0 if effect.direction == "below" else 1.0
    if effect.direction == "within":
        return effect.reference if state == "claimed" else float(effect.reference < 0.5)
    shares = {"claimed": (effect.matters_from + end) / 2, "absent": effect.reference}
    return shares.get(state, 1 - end)


def control_values(control: Control, seeds: int, *, passed: bool) -> Array:
    """Return values (R,) of which all pass a control, or none."""
    if not passed:
        return np.full(seeds, math.nan)
    bound = control.at_least if math.isfinite(control.at_least) else control.at_most
    return np.full(seeds, bound)


def verdict_of(
    experiment: Experiment,
    states: dict[str, str] | str,
    *,
    seeds: int = 10,
    failed: str = "",
    quick: bool = False,
    lost: int = 0,
) -> Verdict:
    """Return what an experiment decides if its effects are in these states, all in one or by key.

    ``failed`` names a control that no seed passes; the last ``lost`` seeds have no values.
    """
    values = {}
    for effect in experiment.effects:
        state = states if isinstance(states, str) else states[effect.key]
        values[effect.key] = seed_values(effect, state, seeds)
        if lost:
            values[effect.key][-lost:] = np.nan
    for control in experiment.controls:
        values[control.key] = control_values(control, seeds, passed=control.key != failed)
    return decide(experiment.effects, experiment.controls, values, quick=quick)


def decided(experiment: Experiment, result: Result, values: Mapping[str, ArrayLike]) -> Verdict:
    """Return the verdict on a result of which some metrics have other values, by key."""
    changed = (
        replace(one, values=np.asarray(values.get(one.key, one.values))) for one in result.metrics
    )
    return experiment.decide(replace(result, metrics=tuple(changed)))

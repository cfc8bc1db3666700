"""The computations that pages may ask for: a name, and the generator function a worker runs."""

from collections.abc import Mapping

COMPUTATIONS: Mapping[str, str] = {
    "catalogue": "bn_core.experiments:catalogue",
    "experiment part": "bn_core.experiments:shard_of",
    "experiment finding": "bn_core.experiments:summarized",
    "following": "bn_core.demos.following:following",
    "forgot eval": "bn_core.demos.evaluation_modes:forgot_eval",
    "adapting": "bn_core.demos.adapting:adapting",
    "folding": "bn_core.demos.folding:folding",
    "why": "bn_core.demos.why:why",
    "forward": "bn_core.demos.forward:forward",
    "noise": "bn_core.demos.forward:noise",
    "backward": "bn_core.demos.backward:backward",
    "scale invariance": "bn_core.demos.backward:scale_invariance",
    "data shift": "bn_core.demos.shifting:of_data",
    "inner shift": "bn_core.demos.shifting:inside",
    "trained link": "bn_core.demos.trained_link:trained_link",
    "relatives": "bn_core.demos.relatives:relatives",
    "channels": "bn_core.demos.channels:channels",
    "folding of channels": "bn_core.demos.channels:folding_of_channels",
    "from lab": "bn_core.demos.from_lab:from_lab",
    "sweep line": "bn_core.sweeps.lines:line_task",
}
"""Names of modules, not the modules: this is read in the page's process, which has no torch."""

LONG = frozenset({"experiment part", "experiment shard", "trained link", "sweep line"})
"""Computations of many seconds that may wait while short, interactive ones go first."""

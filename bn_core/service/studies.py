"""The studies that pages may ask for: a name, and the generator function that a worker runs."""

from collections.abc import Mapping

STUDIES: Mapping[str, str] = {
    "catalogue": "bn_core.experiments:catalogue",
    "experiment part": "bn_core.experiments:part_of",
    "experiment finding": "bn_core.experiments:concluded",
    "following": "bn_core.lessons.following:following",
    "forgot eval": "bn_core.lessons.asking:forgot_eval",
    "adapting": "bn_core.lessons.adapting:adapting",
    "folding": "bn_core.lessons.folding:folding",
    "why": "bn_core.lessons.why:why",
    "forward": "bn_core.lessons.forward:forward",
    "noise": "bn_core.lessons.forward:noise",
    "backward": "bn_core.lessons.backward:backward",
    "scale invariance": "bn_core.lessons.backward:scale_invariance",
    "data shift": "bn_core.lessons.shifting:of_data",
    "inner shift": "bn_core.lessons.shifting:inside",
    "relatives": "bn_core.lessons.relatives:relatives",
    "from lab": "bn_core.lessons.from_lab:from_lab",
}
"""Names of modules, not the modules: this is read in the page's process, which has no torch."""

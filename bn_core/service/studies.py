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
}
"""Names of modules, not the modules: this is read in the page's process, which has no torch."""

"""What can be set for one net and its training: each setting declared once, in groups."""

from bn_core.config.config import (
    LAYER_FIELDS,
    SETTINGS,
    Config,
    measured_time_steps,
)
from bn_core.config.training_settings import MOST_STEPS

__all__ = [
    "LAYER_FIELDS",
    "MOST_STEPS",
    "SETTINGS",
    "Config",
    "measured_time_steps",
]

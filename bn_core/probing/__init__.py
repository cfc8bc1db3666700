"""Measuring nets without changing them: capture, statistics, and the probe of a run."""

from bn_core.probing.capture import capture, captured_each, captured_inputs, captured_outputs
from bn_core.probing.measure import measure_net
from bn_core.probing.probe import Probe

__all__ = [
    "Probe",
    "capture",
    "captured_each",
    "captured_inputs",
    "captured_outputs",
    "measure_net",
]

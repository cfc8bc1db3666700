"""The old name of the computation."""

from bn_core.service.tasks import ComputationTask as Task

__all__ = ["Task"]

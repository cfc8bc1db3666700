"""The old name of the training run."""

from bn_core.service.tasks import TrainingRun as Run

__all__ = ["Run"]

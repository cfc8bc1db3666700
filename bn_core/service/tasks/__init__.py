"""Tasks as the pages hold them: a training run and a computation are both a ``Task``."""

from bn_core.service.tasks.computation import ComputationTask
from bn_core.service.tasks.task import MOST_DEATHS, State, Task, TaskOwner
from bn_core.service.tasks.training_run import TrainingRun

__all__ = ["MOST_DEATHS", "ComputationTask", "State", "Task", "TaskOwner", "TrainingRun"]

"""Training: one trainer for the Lab and the experiments, and the loop of a comparison."""

from bn_core.training.arm import ArmTrainer
from bn_core.training.batches import Batch, Batches
from bn_core.training.divergence import first_bad_layer
from bn_core.training.loop import (
    Request,
    Setup,
    Start,
    Training,
    TrainingByArms,
    build,
    prepare_process,
    run,
    train,
    train_by_arms,
)
from bn_core.training.optimizers import make_optimizer
from bn_core.training.trainer import Trainer

__all__ = [
    "ArmTrainer",
    "Batch",
    "Batches",
    "Request",
    "Setup",
    "Start",
    "Trainer",
    "Training",
    "TrainingByArms",
    "build",
    "first_bad_layer",
    "make_optimizer",
    "prepare_process",
    "run",
    "train",
    "train_by_arms",
]

"""Questions that a class answers on its own devices: each alone, then again after a discussion."""

from bn_core.classroom.classes import Classes, ClassesFull
from bn_core.classroom.classroom import ClassError, Classroom, Phase
from bn_core.classroom.questions import Axes, ClassQuestion, QuestionError

__all__ = [
    "Axes",
    "ClassError",
    "ClassQuestion",
    "Classes",
    "ClassesFull",
    "Classroom",
    "Phase",
    "QuestionError",
]

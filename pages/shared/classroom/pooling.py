"""Which class trains what together, and the server's turns at it."""

from bn_core.classroom import Classroom
from pages.shared.classroom.pooled_work import PooledWork

_pooled: dict[str, PooledWork] = {}


def start_pooling(work: PooledWork) -> None:
    """Have a class train something together from now on, instead of what it trained."""
    _pooled[work.classroom.code] = work
    work.go_on()


def pooled(classroom: Classroom) -> PooledWork | None:
    """Return what a class trains together, if it does."""
    return _pooled.get(classroom.code)


def stop_pooling(classroom: Classroom) -> None:
    """Train nothing more for a class."""
    _pooled.pop(classroom.code, None)
    classroom.announce(pool=None)


def train_on() -> None:
    """Go on with what all classes train; forget classes that have ended."""
    for code, work in list(_pooled.items()):
        if work.classroom.ended:
            _pooled.pop(code, None)
        else:
            work.go_on()

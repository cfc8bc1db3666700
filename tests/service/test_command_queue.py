"""Commands on their way to a worker: bounded, in order, and superseded ones dropped."""

import threading

import pytest

from bn_core.service.command_queue import CommandQueue
from bn_core.service.protocol import (
    Close,
    Command,
    Compute,
    Exit,
    Open,
    Pause,
    Play,
    SetRate,
    StepOnce,
)
from tests.service.waiting import comparison


def opened(task: int) -> Open:
    return Open(task, "visitor", comparison())


def left(*commands: Command) -> list[Command]:
    """Return what is handed out after some commands were put in."""
    queue = CommandQueue()
    for command in commands:
        queue.put(command)
    found = []
    while (command := queue.take(0)) is not None:
        found.append(command)
    return found


@pytest.mark.parametrize("begins", [opened(1), Compute(1, "visitor", "why", {})])
def test_what_is_closed_before_it_was_sent_is_never_sent(begins):
    commands = [begins, Play(1, 0.0), StepOnce(1), SetRate(1, 0.1), Close(1)]
    assert left(*commands) == []
    assert left(Play(2, 0.0), *commands, Pause(3)) == [Play(2, 0.0), Pause(3)]


def test_what_was_sent_is_closed_and_its_other_commands_are_dropped():
    assert left(Play(1, 0.0), StepOnce(1), Close(1)) == [Close(1)]


def test_a_task_that_is_closed_and_opened_again_is_both():
    again = [Close(1), opened(1), Play(1, 0.0)]
    assert left(Pause(1), *again) == again
    assert left(*again, Close(1)) == [Close(1)]


def test_the_newest_of_play_and_pause_is_sent():
    assert left(Play(1, 0.0), Pause(1), Play(2, 5.0), Play(1, 9.0)) == [Play(2, 5.0), Play(1, 9.0)]


def test_the_newest_rate_is_sent_but_none_is_taken_from_a_step():
    assert left(SetRate(1, 0.1), SetRate(1, 0.2)) == [SetRate(1, 0.2)]
    kept = [SetRate(1, 0.1), StepOnce(1), SetRate(1, 0.2)]
    assert left(*kept) == kept


def test_single_steps_are_counted_not_lost():
    assert left(*[StepOnce(1)] * 500) == [StepOnce(1, 500)]
    assert left(StepOnce(1), SetRate(1, 0.1), StepOnce(1), StepOnce(1)) == [
        StepOnce(1),
        SetRate(1, 0.1),
        StepOnce(1, 2),
    ]


def test_ten_thousand_new_seeds_leave_one_run_to_build():
    commands = [command for task in range(10_000) for command in (opened(task), Close(task))]
    assert left(*commands, opened(10_000)) == [opened(10_000)]


def test_far_too_many_commands_are_an_error_and_do_not_block():
    queue = CommandQueue()
    with pytest.raises(OverflowError):
        for task in range(100_000):
            queue.put(Play(task, 0.0))


def test_a_closed_queue_hands_out_its_last_command_and_wakes_who_waits():
    queue = CommandQueue()
    queue.put(opened(1))
    queue.close(last=Exit())
    queue.put(opened(2))
    assert queue.take(None) == Exit() and queue.take(None) is None
    waiting, found = CommandQueue(), []
    thread = threading.Thread(target=lambda: found.append(waiting.take(None)))
    thread.start()
    waiting.close()
    thread.join(10)
    assert found == [None]

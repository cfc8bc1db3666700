"""A visitor's own data with a real worker: theirs alone, sent once, repeated after a kill."""

import os
import signal
from collections.abc import Iterator

import numpy as np
import pytest

from bn_core.comparison import Comparison
from bn_core.datasets import own
from bn_core.datasets.own import OwnData
from bn_core.service.executor import PoolFull
from bn_core.service.own_data import DataLimits, DataNotHere, OwnDataStore
from bn_core.service.pool import Pool
from bn_core.training import run as train_here
from tests.service.waiting import comparison, finish, lent, process_of, started, wait_for


def made(seed: int = 0, examples: int = 200) -> OwnData:
    """Return two clouds of points in five dimensions."""
    draw = np.random.default_rng(seed)
    labels = np.arange(examples) % 2
    inputs = draw.normal(size=(examples, 5)) + 3 * labels[:, None]
    return OwnData(inputs.astype(np.float32), labels, ("left", "right"), (5,))


@pytest.fixture(scope="module")
def one_worker() -> Iterator[Pool]:
    with started() as pool:
        yield pool


@pytest.fixture
def pool(one_worker: Pool) -> Iterator[Pool]:
    with lent(one_worker) as lent_pool:
        yield lent_pool


def asked_of(name: str, **changes) -> Comparison:
    return comparison(data=name, **changes)


@pytest.mark.slow
def test_a_run_on_own_data_is_that_of_this_process_and_survives_its_worker(pool: Pool):
    name = pool.keep_data("anna", made())
    asked = asked_of(name, steps=400)
    run = pool.open(asked, "anna")
    run.play(200)
    wait_for(lambda: run.step_reached > 20, run)
    killed = process_of(pool, run)
    os.kill(killed, signal.SIGKILL)
    wait_for(lambda: pool.process_of(run) not in (None, killed), run)
    run.play(0)
    finish(run)
    assert run.record is not None and run.ending is not None and run.ending.kind == "finished"
    assert run.record.fingerprint() == train_here(asked).fingerprint()
    final = run.record.snapshots[-1].arms[0]
    assert final is not None and final.validation_accuracy.min() > 0.95
    assert run.record.summary.classes == ("left", "right")


def test_another_visitor_with_the_link_is_told_which_file_it_takes(pool: Pool):
    name = pool.keep_data("anna", made(1))
    for visitor in ("ben", ""):
        with pytest.raises(DataNotHere, match="Open the same file again"):
            pool.open(asked_of(name), visitor)
    task = pool.submit("inner shift", "ben", comparison=asked_of(name))
    assert "Open the same file again" in task.failure
    assert pool.data_problem("ben", {name}) and not pool.data_problem("anna", {name})
    assert pool.data_of("ben") == []
    assert pool.keep_data("ben", made(1)) == name  # who has the file has the data
    finish(pool.open(asked_of(name, steps=1), "ben"))


def test_a_computation_on_own_data_gets_them_too(pool: Pool):
    name = pool.keep_data("cleo", made(2))
    task = pool.submit("inner shift", "cleo", comparison=asked_of(name, steps=20))
    wait_for(lambda: task.done, task)
    assert task.failure == ""


def test_data_whose_lease_has_ended_are_forgotten_but_not_while_a_task_needs_them():
    store = OwnDataStore(DataLimits(lease=-1.0))
    name = store.keep("anna", made(3))
    store.expire(in_use={name})
    assert store.names() == {name} and own.held(name) is not None
    store.expire(in_use=())
    assert store.names() == set() and own.held(name) is None
    assert "Open the same file again" in own.spec_of(name).missing


def test_a_visitor_has_a_few_sets_and_the_server_a_bounded_number_of_bytes():
    size = len(made().body)
    store = OwnDataStore(DataLimits(sets_per_visitor=2, bytes=4 * size, evict=0.0))
    names = [store.keep("anna", made(seed)) for seed in (10, 11, 12)]
    assert [data.name for data in store.of_visitor("anna")] == names[1:]
    for number in range(20):
        store.keep(f"visitor {number}", made(20 + number))
        assert store.bytes() <= 4 * size
    busy = store.names()
    with pytest.raises(PoolFull, match="as much data"):
        store.keep("late", made(99), in_use=busy)
    assert store.names() == busy
    for name in busy:
        own.let_go(name)


def test_two_visitors_with_one_file_share_its_memory_and_each_has_it_alone():
    store = OwnDataStore(DataLimits(sets_per_visitor=1))
    name = store.keep("anna", made(4))
    assert store.keep("ben", made(4)) == name and store.bytes() == len(made(4).body)
    store.keep("anna", made(5))
    assert store.problem("anna", [name]) and not store.problem("ben", [name])
    for kept in store.names():
        own.let_go(kept)


def test_who_proves_to_have_opened_data_gets_them_again_within_the_limits():
    store = OwnDataStore(DataLimits(sets_per_visitor=1))
    name = store.keep("anna", made(6))
    proof = store.proof(name)
    assert store.admit("anna after a reload", name, proof)
    assert store.problem("anna after a reload", [name]) == ""
    for wrong in ("", "0" * 64, "é", OwnDataStore().proof(name)):
        assert not store.admit("a stranger", name, wrong)
    assert store.problem("a stranger", [name])
    other = made(7).name
    assert not store.admit("anna", other, store.proof(other)), "it is not here"
    store.keep("ben", made(7))
    assert not store.admit("anna", other, store.proof(other)), "she has as many as a visitor may"
    assert store.admit("anna", name, proof), "she has it already"
    for kept in store.names():
        own.let_go(kept)

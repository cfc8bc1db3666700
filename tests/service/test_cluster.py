"""The same map on a Dask cluster, bit for bit, also where a worker is killed in the middle."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

SCRIPT = """
import os
import signal
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from distributed import LocalCluster

from bn_core.config import Config
from bn_core.service.cluster import cluster_executor
from bn_core.sweeps.axis import Axis
from bn_core.sweeps.driver import run_sweep
from bn_core.sweeps.stability_map import FIELDS
from bn_core.sweeps.sweep import Sweep


def main():
    base = Config(data="circles", points=60, depth=2, width=8, batch_size=8, steps=20, replicas=1)
    sweep = Sweep(base, y=Axis("depth", 1, 6), size=8)
    with ThreadPoolExecutor(1) as executor:
        here = list(run_sweep(sweep, executor, 1))[-1].map
    settings = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with LocalCluster(host="127.0.0.1", **settings) as cluster:
        with cluster_executor(cluster.scheduler_address) as (executor, threads):
            assert threads == 2, threads
            killed = False
            for news in run_sweep(sweep, executor, 4):
                if not killed and news.done < news.total:
                    killed = True
                    os.kill(cluster.workers[0].pid, signal.SIGKILL)
            assert killed and news.done == news.total
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(here, name), getattr(news.map, name), name)
    print("the same map")


if __name__ == "__main__":
    main()
"""


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(
    importlib.util.find_spec("distributed") is None, reason="needs the package distributed"
)
def test_a_cluster_that_loses_a_worker_finds_the_same_map(tmp_path):
    script = tmp_path / "cluster.py"
    script.write_text(SCRIPT)
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, str(script)],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=560,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "the same map" in done.stdout

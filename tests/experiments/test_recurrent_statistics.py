"""Running statistics of each time step against one pair for all, measured and decided."""

import numpy as np
import pytest

from bn_core.experiments import run
from bn_core.results import Panel


@pytest.mark.slow
def test_the_same_weights_do_worse_with_one_average_for_all_time_steps():
    result, verdict = run("recurrent", seeds=3, quick=True)
    found = {metric.key: metric.values for metric in result.metrics}
    for name in ("small", "one"):
        assert (found[f"{name}_weights"] == 0).all(), "only the running averages differ"
        assert (found[f"{name}_apart"] > 0.85).all()
        assert np.median(found[f"{name}_ratio"]) > 1.05
    assert verdict.kind != "fails"
    variances = next(panel for panel in result.panels if panel.id == "variances")
    assert isinstance(variances, Panel)
    apart, shared = variances.curves[0].y, variances.curves[1].y
    assert (apart[:, 0] < 0.01).all(), "the first hidden state is 0 for every example"
    assert (apart[:, 1] < 0.7 * apart[:, 3]).all(), "the second step has not settled yet"
    assert np.ptp(shared, axis=1).max() == 0

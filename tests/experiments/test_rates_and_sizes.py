"""Other norms at large rates, and batches of two with convolutions: what is read off, and runs."""

import numpy as np
import pytest

from bn_core.config import Config
from bn_core.experiments import EXPERIMENTS, accuracy_grid, convolution, relatives, run
from bn_core.results import Panel

LEARNT = np.array([0.95, 0.96, 0.97])


def ended(x: list[float], *accuracies: np.ndarray) -> dict:
    """Return an ended shard of three seeds with these accuracies, one for each x."""
    return {"x": np.array(x), "accuracy": np.column_stack(accuracies), "complete": True}


def norms(at_large: dict[str, np.ndarray]) -> dict:
    return {
        name: ended([0.1, 1.0], LEARNT, at_large.get(name, np.full(3, 0.1)))
        for name in relatives.SPEC.shards
    }


def test_norms_that_fail_at_rate_1_are_told_from_one_that_learns():
    decide = EXPERIMENTS["relatives"].decide
    alone = decide(relatives.summarize(norms({"before": LEARNT})))
    assert (alone.kind, alone.settled) == ("holds", True)
    rms_too = decide(relatives.summarize(norms({"before": LEARNT, "rms": LEARNT})))
    assert (rms_too.kind, rms_too.settled) == ("depends", True)
    assert "Does not hold for RMS norm" in rms_too.words or "not for RMS norm" in rms_too.words
    everyone = dict.fromkeys(relatives.SPEC.shards, LEARNT)
    assert decide(relatives.summarize(norms(everyone))).kind == "fails"
    assert decide(relatives.summarize(norms({}))).kind == "untested", "batch norm must learn"


def test_the_lead_is_taken_at_rate_1_whatever_other_rates_there_are():
    partials = norms({"before": LEARNT})
    for name in partials:
        column = np.zeros(3) if name == "before" else LEARNT
        found = partials[name]
        partials[name] = ended([0.1, 0.3, 1.0], LEARNT, column, found["accuracy"][:, 1])
    np.testing.assert_allclose(
        relatives.summarize(partials)["rms_lead"].values, LEARNT - 0.1, atol=1e-12
    )


def nets(**falls: float) -> dict:
    """Return ended shards of the nets; those named lose so much from batches of 32 to 2."""
    return {
        name: ended([2.0, 32.0], LEARNT - falls.get(name, 0.0), LEARNT)
        if name in ("conv", "dense", "mlp")
        else ended([2.0], LEARNT - falls.get(name, 0.0))
        for name in convolution.SPEC.shards
    }


@pytest.mark.parametrize(
    ("falls", "kind"),
    [
        ({"dense": 0.6, "mlp": 0.7}, "holds"),
        ({"dense": 0.6, "mlp": 0.7, "conv": 0.6}, "depends"),
        ({"conv": 0.6}, "fails"),
        ({"dense": 0.6, "mlp": 0.7, "dense_plain": 0.6}, "depends"),
    ],
)
def test_what_batches_of_two_cost_each_net_decides(falls: dict[str, float], kind: str):
    verdict = EXPERIMENTS["convolution"].decide(convolution.summarize(nets(**falls)))
    assert (verdict.kind, verdict.settled) == (kind, True)


def test_a_net_that_cannot_learn_from_two_examples_tells_nothing_of_its_norm():
    partials = nets(dense=0.6, mlp=0.7, dense_plain=0.6, mlp_plain=0.6)
    verdict = EXPERIMENTS["convolution"].decide(convolution.summarize(partials))
    kinds = {part.name: part.kind for part in verdict.parts}
    assert kinds["five dense layers"] == "untested" and kinds["convolutions"] == "holds"


def test_a_setting_is_trained_for_its_own_steps_and_a_diverged_net_has_accuracy_0():
    config = Config(depth=1, width=4, replicas=2, learning_rate=1e-4)
    large = {"gain": 100.0, "learning_rate": 30.0, "depth": 12, "activation": "leaky_relu"}
    broken = config.changed(large)
    settings = [
        accuracy_grid.Setting(2.0, config, 2, "slow"),
        accuracy_grid.Setting(4.0, broken, 20, "broken"),
    ]
    progress, task = [], accuracy_grid.train_each(settings)
    while True:
        try:
            progress.append(next(task))
        except StopIteration as stop:
            found = stop.value
            break
    assert found["complete"] and found["x"].tolist() == [2.0, 4.0]
    assert found["accuracy"].shape == (2, 2) and (found["accuracy"][:, 1] == 0).all()
    assert progress[0].words == "slow, step 1" and progress[0].share == pytest.approx(1 / 22)


def test_curves_stand_in_the_order_of_the_labels_and_only_once_they_have_points():
    partials = {"b": ended([2.0], LEARNT), "a": ended([2.0], LEARNT), "c": {}}
    curves = accuracy_grid.accuracy_curves(partials, {"a": "A", "b": "B", "c": "C"})
    assert [curve.label for curve in curves] == ["A", "B"]


@pytest.mark.slow
def test_only_batch_norm_learns_at_rate_1():
    result, verdict = run("relatives", seeds=2, quick=True)
    assert (result["before_large"].values > 0.9).all()
    for name in ("layer", "rms", "weightnorm", "weightstd", "groupstd"):
        assert (result[f"{name}_large"].values < 0.5).all()
        assert np.median(result[f"{name}_small"].values) > 0.8
    assert verdict.kind != "fails"
    (panel,) = result.panels
    assert isinstance(panel, Panel) and len(panel.curves) == 7


@pytest.mark.slow
def test_batches_of_two_ruin_dense_layers_with_batch_norm_and_not_convolutions():
    result, verdict = run("convolution", seeds=2, quick=True)
    assert (result["conv_2"].values > 0.8).all()
    assert (result["dense_2"].values < 0.7).all() and (result["mlp_2"].values < 0.6).all()
    assert (result["dense_plain_2"].values > 0.8).all()
    assert verdict.kind != "fails"

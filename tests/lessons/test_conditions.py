"""Conditions hold, fail, or cannot be told yet, from records, results and pages alone."""

import dataclasses

import numpy as np
import pytest

from bn_core.comparison import Comparison, derived_arm
from bn_core.lessons.condition_text import ConditionError, read_condition
from bn_core.lessons.evidence import Evidence
from bn_core.records import Divergence, Record
from bn_core.results import Metric, Result, Verdict
from bn_core.training import run
from tests.runs import small


@pytest.fixture(scope="module")
def record() -> Record:
    """Return a run in which batch norm learns and a plain net may not."""
    return run(small(depth=3, steps=60, learning_rate=0.3, initialization="he"))


def holds(text: str, evidence: Evidence) -> bool | None:
    return read_condition(text).evaluate(evidence).holds


def with_accuracy(record: Record, arm: int, values: list[float]) -> Record:
    """Return the record with other accuracies at its last snapshot."""
    last = record.snapshots[-1]
    measured = last.arms[arm]
    assert measured is not None
    found = dataclasses.replace(measured, validation_accuracy=np.array(values, np.float32))
    arms = tuple(found if i == arm else one for i, one in enumerate(last.arms))
    last = dataclasses.replace(last, arms=arms)
    return dataclasses.replace(record, snapshots=(*record.snapshots[:-1], last))


def test_before_anything_is_measured_nothing_is_decided():
    nothing = Evidence()
    for text, words in (
        (
            "accuracy(before) >= 0",
            "accuracy of BN before: not measured yet (asked for: at least 0.0 %)",
        ),
        ("trained steps >= 300", "no step is trained yet (asked for: at least 300)"),
        ("verdict(rate) != untested", "the experiment has no verdict yet"),
        ("page = lab", "page: not measured yet (asked for: The Lab)"),
    ):
        outcome = read_condition(text).evaluate(nothing)
        assert outcome.holds is None and outcome.words == words


def test_accuracies_are_medians_over_seeds(record):
    evidence = Evidence(with_accuracy(record, 1, [0.5, 0.8]))
    assert holds("accuracy(before) = 0.65", evidence) is not None
    assert holds("accuracy(before) > 0.64 and accuracy(before) < 0.66", evidence) is True
    assert holds("lowest accuracy(before) > 0.49 and highest accuracy(before) < 0.81", evidence)
    assert holds("accuracy(before) >= 0.66", evidence) is False


def test_a_seed_that_diverged_counts_as_the_worst(record):
    lost = Divergence(arm=1, replica=0, step=5, layer=1, what="gradient")
    broken = Evidence(dataclasses.replace(record, divergences=(lost,)))
    assert holds("lowest accuracy(before) = 0", broken) is True
    assert holds("diverged(before) = 1", broken) is True
    assert holds("diverged(none) = 0", broken) is True
    assert holds("validation loss(before) < 1000000", broken) is False


def test_the_words_name_seeds_that_diverged_instead_of_a_number(record):
    lost = [Divergence(1, replica, 5, 1, "gradient") for replica in (0, 1)]
    measured = with_accuracy(record, 1, [0.9, 0.8])
    one, both = (dataclasses.replace(measured, divergences=tuple(lost[:n])) for n in (1, 2))
    for text, condition, said in (
        ("accuracy of BN before", "accuracy(before) >= 0.9", "80.0 %"),
        ("validation loss of BN before in nats", "validation loss(before) < 0.1", ""),
    ):
        numbers = read_condition(condition).evaluate(Evidence(one)).numbers
        assert len(numbers) == 1
        assert numbers[0].startswith(f"{text}: 1 of 2 seeds diverged, the other: {said}")
        numbers = read_condition(condition).evaluate(Evidence(both)).numbers
        assert numbers == (f"{text}: diverged",)


def test_a_sum_says_that_a_seed_diverged(record):
    lost = Divergence(arm=1, replica=0, step=5, layer=1, what="gradient")
    both = with_accuracy(with_accuracy(record, 0, [0.9, 0.9]), 1, [0.8, 0.8])
    evidence = Evidence(dataclasses.replace(both, divergences=(lost,)))
    for text, ending in (
        ("accuracy(none) - accuracy(before) > 0", ": 50.0 % (a seed that diverged counts as the"),
        ("validation loss(before) - validation loss(none) > 0", ": no number, since seeds div"),
    ):
        (number,) = read_condition(text).evaluate(evidence).numbers
        assert ending in number


def test_a_number_of_single_precision_equals_the_number_that_was_written(record):
    evidence = Evidence(with_accuracy(record, 1, [324 / 360] * 2))
    for sign in (">=", "<=", "="):
        assert holds(f"accuracy(before) {sign} 0.9", evidence) is True
    for sign in ("<", ">", "!="):
        assert holds(f"accuracy(before) {sign} 0.9", evidence) is False
    more = Evidence(with_accuracy(record, 1, [325 / 360] * 2))
    assert holds("accuracy(before) > 0.9", more) is True


def test_nets_can_be_compared_in_one_condition(record):
    evidence = Evidence(with_accuracy(with_accuracy(record, 0, [0.2, 0.2]), 1, [0.9, 0.9]))
    assert holds("accuracy(before) - accuracy(none) >= 0.6", evidence) is True
    assert holds("accuracy(none) - accuracy(before) >= 0.6", evidence) is False
    assert holds("accuracy(before) > 2 * accuracy(none) + 0.1", evidence) is True
    assert holds("accuracy(none) - 0.1 * 2 - 0.1 <= -0.05", evidence) is True
    assert holds("accuracy(best) > 0.8 and accuracy(worst) < 0.3", evidence) is True
    assert holds("accuracy(none) / 0 > 1", evidence) is None


def test_steps_to_a_level_are_the_first_snapshots(record):
    measured = [one.arms[1] for one in record.snapshots]
    medians = [np.median(one.validation_accuracy) for one in measured if one is not None]
    level = float(medians[len(medians) // 2])
    first = next(
        one.step for one, median in zip(record.snapshots, medians, strict=True) if median >= level
    )
    evidence = Evidence(record)
    assert holds(f"steps to(before, {level:.6f}) <= {first}", evidence) is True
    assert holds(f"steps to(before, {level - 1e-5:.6f}) > {first}", evidence) is False
    assert holds("steps to(before, 1) < 1000000", evidence) is False, "it never gets there"


def test_gradients_and_losses_are_those_of_the_record(record):
    measured = record.snapshots[0].arms[1]
    assert measured is not None
    first = measured.gradient_norm
    ratio = float(np.median(first[:, 0]) / np.median(first[:, -2]))
    evidence = Evidence(record)
    assert holds(f"first gradient ratio(before) > {ratio * 0.999:.8f}", evidence) is True
    assert holds(f"first gradient ratio(before) > {ratio * 1.001:.8f}", evidence) is False
    loss = float(np.median(record.train_loss[-6:, 1].mean(axis=0)))
    assert holds(f"training loss(before) < {loss * 1.01:.6f}", evidence) is True
    assert holds(f"training loss(before) < {loss * 0.99:.6f}", evidence) is False
    assert holds("first spread(before, 1) > 0.9 and first spread(before, 1) < 1.1", evidence)
    assert holds("first spread(before, 20) > 0", evidence) is None, "there is no such layer"


def test_settings_are_those_of_all_nets(record):
    evidence = Evidence(record)
    assert holds("setting depth = 3", evidence) is True
    assert holds("setting depth >= 4", evidence) is False
    assert holds("setting normalization = batch", evidence) is False, "the nets differ in it"
    assert holds("setting(normalization, before) = batch", evidence) is True
    assert holds("setting initialization != torch", evidence) is True


def test_layers_with_a_norm_are_counted(record):
    assert holds("normalized layers(before) = 3", Evidence(record)) is True
    assert holds("normalized layers(none) = 0", Evidence(record)) is True
    assert holds("normalized layers(none) = 0", Evidence()) is None


def test_what_the_lab_is_set_to_counts_until_it_is_trained(record):
    other = Comparison(record.comparison.base.changed({"depth": 5}), record.comparison.arms)
    untrained = Record(other, record.summary)
    assert holds("setting depth = 5", Evidence(comparison=other)) is True
    assert holds("setting depth = 5", Evidence(untrained)) is True
    assert holds("setting depth = 5", Evidence(untrained, comparison=record.comparison)) is False
    assert holds("setting depth = 3", Evidence(record, comparison=other)) is True


def test_a_net_that_is_not_in_the_run_is_not_measured(record):
    assert holds("accuracy(layer) >= 0", Evidence(record)) is None
    assert holds("accuracy(before;batch:4) >= 0", Evidence(record)) is None


def test_a_derived_net_is_meant_by_its_kind_if_it_is_alone():
    compared = small(arms=("none",), steps=4)
    arm = derived_arm(compared.arms[0], {"learning_rate": 0.5}, compared.base)
    record = run(Comparison(compared.base, (*compared.arms, arm)))
    assert holds("accuracy(none;lr:0.5) >= 0", Evidence(record)) is True
    assert holds("accuracy(none) >= 0", Evidence(record)) is True, "the very name comes first"
    alone = run(Comparison(compared.base, (arm,)))
    assert holds("accuracy(none) >= 0", Evidence(alone)) is True


def test_experiments_and_pages_are_evidence_too():
    result = Result(metrics=(Metric("ratio, all", "Ratio", np.array([1.0, 3.0, np.inf])),))
    evidence = Evidence(
        page="experiment",
        choices={"why_rate": "0.5", "order": "sorted", "beta": "-1.5"},
        results={"rate": result},
        verdicts={"rate": Verdict("holds", "It holds.")},
    )
    assert holds("metric(rate, ratio, all) = 3", evidence) is True
    assert holds("metric(rate, other) > 0", evidence) is None
    assert holds("verdict(rate) = holds", evidence) is True
    assert holds("verdict(rate) != untested and page = experiment", evidence) is True
    assert holds("verdict(rate) = fails", evidence) is False
    assert holds("choice(why_rate) = 0.5 and choice(beta) = -1.5", evidence) is True
    assert holds("choice(order) = shuffled or choice(order) = sorted", evidence) is True
    assert holds("choice(gamma) = 1", evidence) is None


def test_alternatives_and_parts_follow_logic_with_unknowns(record):
    evidence = Evidence(record)
    yes, no, unknown = "trained steps = 60", "trained steps = 61", "verdict(rate) = holds"
    assert holds(f"{yes} and {unknown}", evidence) is None
    assert holds(f"{no} and {unknown}", evidence) is False
    assert holds(f"{no} or {unknown}", evidence) is None
    assert holds(f"{yes} or {unknown}", evidence) is True
    assert holds(f"{no} or {no}", evidence) is False
    assert holds(f"{no} and {yes} or {yes}", evidence) is True


def test_the_words_hold_the_number_and_what_was_asked_for(record):
    outcome = read_condition("accuracy(before) >= 0.9").evaluate(
        Evidence(with_accuracy(record, 1, [0.8, 0.9]))
    )
    assert outcome.words == "accuracy of BN before: 85.0 % (asked for: at least 90.0 %)"
    assert outcome.numbers == ("accuracy of BN before: 85.0 %",)


def test_steps_and_verdicts_are_said_in_plain_words(record):
    evidence = Evidence(record, verdicts={"rate": Verdict("untested", "It was not.")})
    for text, words in (
        ("trained steps >= 3000", "60 of at least 3,000 steps are trained"),
        ("trained steps >= 60", "steps trained: 60 (asked for: at least 60)"),
        ("verdict(rate) != untested", "verdict of the experiment: Could not be tested here"),
        (
            "verdict(rate) = holds",
            "verdict of the experiment: Could not be tested here (asked for: Holds here)",
        ),
    ):
        assert read_condition(text).evaluate(evidence).words == words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("metric(a, raw_ratio) < 2", "“Steps, raw”: 1,990 (asked for: less than 2)"),
        ("metric(a, other) < 2000", "“other”: not measured yet (asked for: less than 2,000)"),
        ("metric(b, raw_ratio) < 2", "“raw ratio”: not measured yet (asked for: less than 2)"),
        ("metric(a, share) > 0.9", "“Share”: 97 % (asked for: more than 90 %)"),
        (
            "metric(a, raw_ratio) > 1000 * metric(a, share)",
            "“Steps, raw”: 1,990 (asked for: more than 1,000 times “Share”)",
        ),
        ("metric(a, large) > 1e6", "“Large”: 494,000,000 (asked for: more than 1,000,000)"),
    ],
)
def test_metrics_go_by_their_labels_and_large_numbers_are_written_out(text, words):
    metrics = (
        Metric("raw_ratio", "Steps, raw", np.array([1987.6]), ",.3g"),
        Metric("share", "Share", np.array([0.97]), ".0%"),
        Metric("large", "Large", np.array([4.936e8])),
    )
    assert (
        read_condition(text).evaluate(Evidence(results={"a": Result(metrics=metrics)})).words
        == words
    )


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("", "missing"),
        ("accuracy(before)", "comparison"),
        ("accuracy(before) >=", "missing"),
        ("accuracy >= 0.5", "takes in parentheses: net"),
        ("accuracy(before, none) >= 0.5", "no net"),
        ("accuracy(nobody) >= 0.5", "no net"),
        ("steps to(before, 9) > 1", "0 to 1"),
        ("setting colour = red", "no setting"),
        ("setting depth = 99", "goes from 1 to 20"),
        ("setting activation = green", "one of"),
        ("setting activation >= relu", "no order"),
        ("verdict(rate) = perhaps", "holds, fails"),
        ("state(none) = ill", "dead"),
        ("setting depth + 1 = 3", "no number"),
        ("accuracy(before) >= 0.5 accuracy(none) >= 0.5", "and"),
        ("accuracy(before) >= 0.5 and", "missing"),
        ("__import__('os') > 0", "cannot be measured"),
        ("accuracy.__class__ > 0", "cannot be read"),
        ("trained steps > 0; exit", "cannot be read"),
        ("lambda > 0", "cannot be measured"),
        ("(" * 100, "cannot be read"),
        ("trained steps > " + "1 + " * 90 + "1", "at most"),
        ("trained steps > " + "1" * 500, "at most"),
        ("- accuracy(before) > 0", "minus"),
    ],
)
def test_a_condition_that_cannot_be_read_says_what_could_stand_there(text, remedy):
    with pytest.raises(ConditionError, match="(?s).*" + remedy.replace("(", r"\(")):
        read_condition(text)

"""Every experiment's verdict can come out every way: nothing but the numbers decides."""

import pytest

from bn_core.experiments import EXPERIMENTS
from bn_core.experiments.base import Experiment
from tests.experiments.verdict_cases import verdict_of

DECLARED = {slug: one for slug, one in EXPERIMENTS.items() if isinstance(one, Experiment)}
everyone = pytest.mark.parametrize("experiment", DECLARED.values(), ids=DECLARED)


@everyone
@pytest.mark.parametrize("quick", [False, True])
def test_an_effect_as_claimed_holds(experiment: Experiment, quick: bool):
    verdict = verdict_of(experiment, "claimed", quick=quick)
    assert (verdict.kind, verdict.settled) == ("holds", True)
    assert "95 % interval" in verdict.words


@everyone
@pytest.mark.parametrize("state", ["absent", "reversed", "lost"])
def test_an_effect_that_is_absent_reversed_or_lost_fails(experiment: Experiment, state: str):
    verdict = verdict_of(experiment, state)
    assert (verdict.kind, verdict.settled) == ("fails", True)
    if state == "lost":
        assert "10 of 10" in verdict.words


@everyone
def test_no_seed_without_a_value_is_left_out(experiment: Experiment):
    verdict = verdict_of(experiment, "claimed", lost=1)
    if all(effect.scale != "share" for effect in experiment.effects):
        assert verdict.kind != "holds"
    assert "1 of 10" in verdict.words


@everyone
def test_a_failed_control_is_no_verdict_on_the_claim(experiment: Experiment):
    for control in experiment.controls:
        for state in ("claimed", "absent"):
            verdict = verdict_of(experiment, state, failed=control.key)
            touched = [part for part in verdict.parts if control.part in ("", part.name)]
            assert touched and all(part.kind == "untested" for part in touched)
            assert "could not be tested here" in verdict.words.lower()
            assert verdict.kind == ("untested" if touched == [*verdict.parts] else "depends")


@everyone
@pytest.mark.parametrize("state", ["claimed", "absent", "reversed", "lost"])
def test_one_seed_settles_nothing(experiment: Experiment, state: str):
    verdict = verdict_of(experiment, state, seeds=1)
    assert (verdict.kind, verdict.settled) == ("depends", False)
    assert "one seed settles nothing" in verdict.words


@everyone
@pytest.mark.parametrize("state", ["absent", "reversed", "lost"])
def test_a_quick_run_never_says_that_a_claim_fails(experiment: Experiment, state: str):
    verdict = verdict_of(experiment, state, quick=True)
    assert (verdict.kind, verdict.settled) == ("depends", False)
    assert verdict.headline == "Not settled by a quick run"


@everyone
def test_a_claim_whose_effects_disagree_depends(experiment: Experiment):
    for odd in experiment.effects if len(experiment.effects) > 1 else ():
        states = {effect.key: "claimed" for effect in experiment.effects} | {odd.key: "absent"}
        verdict = verdict_of(experiment, states)
        assert (verdict.kind, verdict.settled) == ("depends", True)
        if len(verdict.parts) > 1:
            named = next(part for part in verdict.parts if part.name == odd.part)
            assert named.kind in ("fails", "depends") and odd.part in verdict.words


@everyone
def test_effects_and_controls_say_where_their_sizes_come_from(experiment: Experiment):
    keys = [one.key for one in (*experiment.effects, *experiment.controls)]
    assert experiment.effects and len(set(keys)) == len(keys)
    assert all(effect.why.endswith(".") for effect in experiment.effects)

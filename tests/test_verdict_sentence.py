"""A verdict in one sentence, and what it says of a claim."""

import numpy as np
import pytest

from bn_core.claims import BEARINGS, CLAIMS, bearing_words
from bn_core.experiments import EXPERIMENTS, spec_of
from bn_core.experiments.effects import Effect
from bn_core.experiments.verdicts import decide
from bn_core.results import Verdict
from bn_core.verdict_sentence import verdict_sentence

CLEAR = np.array([2.0, 2.1, 2.2])
ABSENT = np.array([0.0, 0.01, -0.01])
WIDE = np.array([0.1, 1.1, 2.5])


def effect(key: str, part: str = "") -> Effect:
    return Effect(
        key=key,
        label=f"Effect {key}",
        scale="difference",
        direction="above",
        reference=0.0,
        matters_from=1.0,
        why="",
        part=part,
    )


def decided(parts: dict[str, np.ndarray], *, quick: bool = False) -> Verdict:
    effects = [effect(f"e{place}", part) for place, part in enumerate(parts)]
    values = {one.key: array for one, array in zip(effects, parts.values(), strict=True)}
    return decide(effects, [], values, quick=quick)


def test_a_claim_that_holds_is_said_with_its_number():
    said = verdict_sentence(decided({"": CLEAR}))
    assert said == "So: in these runs the claim holds. Effect e0: 2.1."


def test_a_claim_that_fails_is_said_with_its_number():
    said = verdict_sentence(decided({"": ABSENT}))
    assert said.startswith("So: in these runs the claim does not hold. Effect e0: ")


def test_parts_that_disagree_are_both_named():
    said = verdict_sentence(decided({"tanh": CLEAR, "ReLU": ABSENT}))
    assert said == "So: it depends. Holds for tanh; not for ReLU."


@pytest.mark.parametrize(("quick", "what"), [(True, "A full run"), (False, "More seeds")])
def test_what_is_not_settled_says_what_may_settle_it(quick, what):
    said = verdict_sentence(decided({"": WIDE}, quick=quick))
    assert said.startswith("So: these runs do not decide it.") and what in said


def test_what_could_not_be_tested_says_so():
    assert "could not test" in verdict_sentence(Verdict("untested", "No."))


def test_a_verdict_speaks_for_a_claim_or_against_it():
    holds, fails = Verdict("holds", "."), Verdict("fails", ".")
    assert bearing_words("rate", 4, holds) == "speaks for it"
    assert bearing_words("rate", 4, fails) == "speaks against it"
    # Small batches that spoil batch norm are a setting to which training is sensitive.
    assert bearing_words("small", 7, holds) == "speaks against it"
    assert bearing_words("small", 7, fails) == "speaks for it"
    assert "neither" in bearing_words("lag", 13, holds)
    assert "does not decide" in bearing_words("rate", 4, Verdict("depends", ".", settled=False))
    assert "in part" in bearing_words("rate", 4, Verdict("depends", "."))
    assert "could not be tested" in bearing_words("rate", 4, Verdict("untested", "."))


def test_what_is_declared_of_an_experiment_and_a_claim_is_of_one_that_tests_it():
    tested = {(slug, number) for slug in EXPERIMENTS for number in spec_of(slug).claims}
    assert BEARINGS.keys() <= tested
    assert {number for _, number in tested - BEARINGS.keys()} >= {one.number for one in CLAIMS} - {
        8
    }

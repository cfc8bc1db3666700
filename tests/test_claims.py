"""The sixteen claims: complete, short, each with its source and with what is contested of it."""

import dataclasses
import re

import pytest

from bn_core.claims import CLAIMS
from bn_core.experiments import EXPERIMENTS

PAPER = re.compile(r"\b\d{4}\.\d{5}\b")
BY_NUMBER = {claim.number: claim for claim in CLAIMS}


def sentences(text: str) -> int:
    return len(re.findall(r"[.!?](?=\s|$)", text.replace("et al.", "et al")))


def test_there_are_sixteen_each_once():
    assert len(CLAIMS) == 16
    assert sorted(BY_NUMBER) == list(range(1, 17))
    for key in ("title", "words", "note"):
        assert len({getattr(claim, key) for claim in CLAIMS}) == 16


def test_what_others_build_on_comes_first():
    place = [claim.number for claim in CLAIMS].index
    assert place(15) == 0, "inputs before layers"
    assert place(10) < place(2) < place(3), "activations before their gradients"
    assert place(11) < place(4) < place(5), "scale, then rates, then steps"
    assert place(13) < place(8) < place(9), "the noise of batches before what it is good for"
    assert place(16) == 15


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: str(claim.number))
def test_a_claim_is_short_and_says_who_makes_it(claim):
    assert sentences(claim.words) in {1, 2} and claim.words.endswith(".")
    assert 1 <= sentences(claim.note) <= 2 and claim.note.endswith(".")
    assert len(claim.title) <= 60 and not claim.title.endswith(".")
    assert re.search(r"\b(19|20)\d\d\b", claim.who)
    assert re.search(r"\bsections? \d", claim.who)


@pytest.mark.parametrize(
    "claim", [one for one in CLAIMS if one.contested], ids=lambda claim: str(claim.number)
)
def test_a_contested_claim_names_another_paper_that_contests_it(claim):
    assert set(PAPER.findall(claim.note)) - set(PAPER.findall(claim.who))


def test_what_later_papers_dispute_is_marked_as_contested():
    contested = {claim.number for claim in CLAIMS if claim.contested}
    assert {1, 3, 8, 9, 12, 16} <= contested
    assert contested < set(BY_NUMBER), "not everything is in doubt"


@pytest.mark.parametrize("slug", list(EXPERIMENTS))
def test_experiments_test_claims_that_there_are(slug):
    assert set(EXPERIMENTS[slug].spec.claims) <= set(BY_NUMBER)


@pytest.mark.parametrize("claim", [one for one in CLAIMS if one.measured_by])
def test_what_measures_a_claim_as_it_is_stated_tests_it(claim):
    assert claim.number in EXPERIMENTS[claim.measured_by].spec.claims


def test_a_claim_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        CLAIMS[0].contested = True  # pyright: ignore[reportAttributeAccessIssue]

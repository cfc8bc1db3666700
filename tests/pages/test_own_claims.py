"""What browsers send as proof of own data: believed only if it is the server's own."""

import pytest

from pages.shared.own_data import claims
from pages.shared.session import Session

NAME, PROOF = "own-" + "a" * 32, "b" * 64


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Have each proof of the right form be right, and note what was asked."""
    found = []

    def admit(session: Session, name: str, proof: str) -> bool:
        found.append((name, proof))
        return True

    monkeypatch.setattr(claims, "admit_to_data", admit)
    return found


def test_a_proof_brings_the_data_with_a_title_of_bounded_length(asked):
    session = Session()
    claims.accept(session, {"name": NAME, "title": "t" * 5000, "proof": PROOF})
    assert asked == [(NAME, PROOF)]
    assert session.own_titles == {NAME: "t" * 80}


@pytest.mark.parametrize(
    "message",
    [
        None,
        "text",
        [NAME, PROOF],
        {},
        {"name": NAME},
        {"name": "digits", "proof": PROOF},
        {"name": NAME, "proof": PROOF + "b"},
        {"name": NAME, "proof": [PROOF]},
        {"name": {"a": 1}, "proof": PROOF},
    ],
)
def test_what_is_no_proof_is_not_even_looked_up(asked, message):
    session = Session()
    claims.accept(session, message)
    assert asked == [] and session.own_titles == {}

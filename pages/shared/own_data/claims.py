"""A reader's own data after a reload: the browser keeps a proof that the reader has opened them."""

import re
from collections.abc import Mapping
from typing import Any, TypedDict

import streamlit as st

from bn_core.datasets.own import is_name
from pages.shared.lab.runs import admit_to_data, data_proof
from pages.shared.live.component import component
from pages.shared.own_data.inbox import LONGEST_NAME
from pages.shared.session import Session

_KEY = "own.claims"
_PROOF = r"[0-9a-f]{64}"


class Claim(TypedDict):
    """Data by name, what their reader calls them, and the proof that the reader opened them."""

    name: str
    title: str
    proof: str


class ClaimData(TypedDict):
    """What the script hands to the browser's code."""

    token: str
    """Tells the browser's code that another session asks."""
    held: list[Claim]
    """What the browser is to keep."""
    ask: str
    """The name of the data whose proof is asked for, or nothing."""


def own_claims(session: Session) -> None:
    """Have the browser keep proofs of the Lab's own data, or ask it for one; else do nothing."""
    name = session.lab.comparison.base.data
    if not is_name(name):
        return
    component("own_claims", "<div hidden></div>")(
        key=_KEY,
        data=ClaimData(
            token=session.inbox.token,
            held=[
                Claim(name=held, title=title, proof=data_proof(held))
                for held, title in session.own_titles.items()
            ],
            ask="" if name in session.own_titles else name,
        ),
        on_claimed_change=lambda: accept(session, st.session_state[_KEY].get("claimed")),
    )


def accept(session: Session, message: Any) -> None:
    """Give the visitor the data that a browser's message proves to be theirs; else do nothing."""
    if not isinstance(message, Mapping):
        return
    name, title, proof = (str(message.get(key, "")) for key in ("name", "title", "proof"))
    if not is_name(name) or re.fullmatch(_PROOF, proof) is None:
        return
    if admit_to_data(session, name, proof):
        session.own_titles[name] = title[:LONGEST_NAME]

"""The open challenge: what it asks, how the run is checked, and the link that proves it."""

import html

import streamlit as st

from bn_core.comparison import Comparison
from bn_core.config import SETTINGS
from bn_core.lessons.challenges import ARMS, DATA_FIELDS, Challenge, Check, attempt, checks
from bn_core.records import Record
from pages.shared.lessons.panel_parts import SECONDS_BETWEEN_LOOKS, page_file, set_up_and_hint
from pages.shared.plain_text import plain_text
from pages.shared.session import Session, this_session
from pages.shared.widgets.terms import plain_prose

_SIGNS = {True: "✔", False: "✘", None: "…"}
_SAID = {True: "holds", False: "does not hold", None: "not known yet"}


def locked_words(challenge: Challenge) -> str:
    """Return in words what must stay as it is: what may change, where that is shorter."""
    names = (*SETTINGS, ARMS)
    free = [_label(name) for name in names if name not in challenge.locked]
    of_data = set(DATA_FIELDS) <= set(challenge.locked)
    named = [name for name in challenge.locked if not (of_data and name in DATA_FIELDS)]
    locked = ["The data", *map(_label, named)] if of_data else list(map(_label, named))
    if len(free) < len(locked):
        return f"Must stay as it is: everything but {', '.join(free)}."
    return f"Must stay as it is: {', '.join(locked)}." if locked else "Everything may change."


def _label(name: str) -> str:
    return "the nets compared" if name == ARMS else SETTINGS[name].label


def challenge_panel(session: Session, challenge: Challenge) -> None:
    """Show what is asked, how the nets of the link fulfil it, and once they do, why."""
    st.markdown(f"**Asked.** {plain_text(challenge.task)}")
    st.caption(locked_words(challenge))
    is_reached = challenge.id in session.learning.progress.proofs
    record = _present(session)[1]
    if is_reached and record is not None and record.ending is not None:
        _show_checks(session, challenge)
    else:
        _watch(challenge.id)
    set_up_and_hint(session, f"challenge.{challenge.id}", challenge.start, challenge.hint)
    if is_reached:
        _proof(session, challenge)
    st.page_link(page_file("challenges"), label="All challenges")


@st.fragment(run_every=SECONDS_BETWEEN_LOOKS)
def _watch(id: str) -> None:
    """Show how far the Lab's run is; once it proves the challenge, show the page anew."""
    session = this_session()
    challenge = session.learning.open_challenge()
    if challenge is None or challenge.id != id:
        return
    _, record = _present(session)
    made = attempt(challenge, record) if record is not None else None
    held = session.learning.progress
    if made is not None and made.proof is not None and held.proofs.get(id) != made.proof:
        session.learning.progress = held.with_proof(id, made.proof)
        st.rerun()
    _show_checks(session, challenge)


def _present(session: Session) -> tuple[Comparison, Record | None]:
    """Return the nets that the Lab has set up, and what has been trained of them."""
    record = session.run.record if session.run is not None else None
    if record is None or not record.step:
        return session.lab.comparison, None
    return record.comparison, record


def _show_checks(session: Session, challenge: Challenge) -> None:
    comparison, record = _present(session)
    found = checks(challenge, comparison, record)
    items = "".join(map(_item, found))
    state = "Nothing is trained yet: press Train." if record is None else ""
    if all(check.holds for check in found):
        state = "All checks hold: this run reaches the challenge."
    st.html(
        "<div class='bn-checks' role='status'><strong>Checked on the run in the Lab.</strong> "
        f"{html.escape(state)}<ul>{items}</ul></div>"
    )


def _item(check: Check) -> str:
    sign, said = _SIGNS[check.holds], _SAID[check.holds]
    words = html.escape(check.words)
    return f"<li><span role='img' aria-label='{said}:'>{sign}</span> <span>{words}</span></li>"


def _proof(session: Session, challenge: Challenge) -> None:
    learning = session.learning
    comparison, record = _present(session)
    is_shown = all(check.holds for check in checks(challenge, comparison, record))
    if is_shown:
        st.success(
            "Reached. This link proves it: “Copy link” takes it along. Whoever opens it sees what "
            "was asked; Train repeats the run from its seeds, and every check is made anew."
        )
    else:
        st.success("You have reached this challenge, with another run than the one shown.")
        show, key = learning.show_proof, f"challenge.{challenge.id}.proof"
        st.button("Show the proof", key=key, type="tertiary", on_click=show, args=(challenge.id,))
    plain_prose(challenge.explanation)

"""The teacher's Lab: a class remembers its nets, so that a reload of its page brings them back."""

from contextlib import suppress
from urllib.parse import parse_qsl, urlencode

from bn_core.classroom import Classroom
from bn_core.service.own_names import names_in
from bn_core.service.pool import PoolFull
from pages.shared.lab.runs import current_run, dispatch
from pages.shared.lab.url_state import lab_query, link_opened
from pages.shared.session import Session


def remember_lab(session: Session, classroom: Classroom) -> None:
    """Note what the teacher's Lab trains; data of their own go with the visit, and their nets."""
    if session.run is None or names_in({"comparison": session.run.comparison}):
        return
    comparison = session.run.as_run()
    query = lab_query(comparison, session.lab.view)
    query |= session.learning.arranged.address_values(comparison)
    classroom.lab = urlencode(query)


def bring_lab_back(session: Session, classroom: Classroom) -> None:
    """Set the Lab up as the class's teacher had it last, in a visit that has not opened it yet."""
    if session.run is not None or session.pending_actions or not classroom.lab:
        return
    query, _ = session.learning.arrive(dict(parse_qsl(classroom.lab)), by_link_of_lab=True)
    dispatch(session, link_opened(query))
    with suppress(PoolFull):  # the Lab itself says so, and tries again
        current_run(session)

"""The Lab: the same nets with and without batch normalization, trained in front of the reader."""

import streamlit as st

from bn_core.datasets.own import is_name
from bn_core.service.pool import PoolFull
from pages.shared.classroom.submitting import (
    CLASS,
    follow_class,
    say_who_watches,
    submit_to_class,
)
from pages.shared.copy_link import is_embedded
from pages.shared.lab.bar import top_bar
from pages.shared.lab.feed import live_view
from pages.shared.lab.introduction import introduction
from pages.shared.lab.notices import notices
from pages.shared.lab.runs import current_run, dispatch, perform_pending, problem_of
from pages.shared.lab.toolbar import toolbar, wait_for_place
from pages.shared.lab.url_state import address_values, arrival_event
from pages.shared.lessons.draw_button import draw_button
from pages.shared.lessons.next_page import next_page
from pages.shared.own_data.claims import own_claims
from pages.shared.runs.menu import runs_line
from pages.shared.session import this_session, write_link

session = this_session()
follow_class(session)
arrival = arrival_event(session)
if arrival is not None:
    dispatch(session, arrival)

if not is_embedded():
    introduction(session)
own_claims(session)
top_bar(session)
problem = problem_of(session, session.lab.comparison)
if problem:
    st.error(problem)
    if is_name(session.lab.comparison.base.data):
        st.page_link("pages/your_data.py", label="Open a file of your own")
    st.stop()
try:
    run = current_run(session)
except PoolFull:
    wait_for_place(session)
    st.stop()
following = {CLASS: session.follows} if session.follows else {}
write_link(session, address_values(session, run) | following)
row = toolbar(session, run)
notices(session, session.lab.comparison)
perform_pending(session)
with row:
    draw_button(session)
    runs_line(session)
submit_to_class(session, run)
say_who_watches(session)
write_link(session, address_values(session, run) | following)
live_view()
next_page(session)

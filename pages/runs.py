"""The runs that the visitor keeps: compared, named, annotated, taken along."""

import streamlit as st

from pages.shared.runs.keeping import keep_present
from pages.shared.runs.menu import said_later
from pages.shared.session import this_session

st.html(
    "<h1 class='bn-title'>Runs</h1><p class='bn-lead'>What you have trained in the Lab, kept in "
    "this browser alone.</p>"
)
session = this_session()
keep_present(session)
said_later(session)
if not session.kept_runs.runs:
    st.info("No run is kept yet. Train one in the Lab: every run is kept by itself.")
    st.page_link("pages/lab.py", label="Go to the Lab")
    st.stop()

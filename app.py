"""The map of the house: its rooms, and the server that starts them."""

import streamlit as st

from pages.shared import server

if st.runtime.exists():
    st.set_page_config("Batch Norm Lab", layout="wide", initial_sidebar_state="auto")
    st.navigation([st.Page("pages/lab.py", title="The Lab", default=True)], position="top").run()
else:
    app = st.App(
        __file__,
        lifespan=server.lifespan,
        routes=server.routes(),
        on_script_error=server.say_what_failed,
    )

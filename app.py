"""The map of the house: its rooms, and the server that starts them."""

import streamlit as st
from streamlit import runtime

from pages.shared import feed, furniture, security, server

if runtime.exists():
    furniture.lay_out()
    rooms = [
        st.Page("pages/lab.py", title="The Lab", default=True),
        st.Page("pages/inside_the_layer.py", title="Inside the layer"),
        st.Page("pages/training_and_inference.py", title="Training and inference"),
        st.Page("pages/covariate_shift.py", title="Internal covariate shift"),
        st.Page("pages/claims.py", title="Claims"),
        st.Page("pages/experiment.py", title="Experiment"),
    ]
    furniture.enter(st.navigation(rooms, position="top"))
else:
    security.prepare()
    app = st.App(
        __file__,
        lifespan=server.lifespan,
        routes=[feed.route(), *server.routes()],
        middleware=security.middleware(),
        on_script_error=server.say_what_failed,
    )

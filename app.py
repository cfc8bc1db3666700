"""The app: its pages, and the server that shows them."""

import streamlit as st
from starlette.middleware import Middleware
from streamlit import runtime

from pages.shared import page_layout, script_errors, security, server
from pages.shared.classroom import routes as class_routes
from pages.shared.first_text import FirstText
from pages.shared.framework_files import FrameworkFiles
from pages.shared.live import feed
from pages.shared.own_data import inbox
from pages.shared.runs import storage

if runtime.exists():
    page_layout.set_up()
    pages = {
        "": [
            st.Page("pages/lab.py", title="The Lab", default=True),
            st.Page("pages/inside_the_layer.py", title="Inside the layer"),
            st.Page("pages/training_and_inference.py", title="Training and inference"),
            st.Page("pages/covariate_shift.py", title="Internal covariate shift"),
            st.Page("pages/claims.py", title="Claims"),
            st.Page("pages/experiment.py", title="Experiment"),
            st.Page("pages/stability_map.py", title="Stability map"),
            st.Page("pages/runs.py", title="Runs"),
            st.Page("pages/your_data.py", title="Your own data", visibility="hidden"),
        ],
        "Learn": [
            st.Page("pages/start.py", title="Start"),
            st.Page("pages/lessons.py", title="Lessons"),
            st.Page("pages/quiz.py", title="Quiz"),
            st.Page("pages/challenges.py", title="Challenges"),
            st.Page("pages/when_it_hurts.py", title="When batch norm hurts"),
            st.Page("pages/glossary.py", title="Glossary"),
            st.Page("pages/classroom.py", title="The class"),
        ],
    }
    page_layout.run_page(st.navigation(pages, position="top"))
else:
    security.prepare()
    script_errors.install()
    app = st.App(
        __file__,
        lifespan=server.lifespan,
        routes=[
            *feed.routes(),
            *inbox.routes(),
            *storage.routes(),
            *class_routes.routes(),
            *server.routes(),
        ],
        middleware=[*security.middleware(), Middleware(FrameworkFiles), Middleware(FirstText)],
        on_script_error=script_errors.say_what_failed,
    )

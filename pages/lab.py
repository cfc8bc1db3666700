"""The Lab: the same nets with and without batch normalization, trained in front of the reader."""

import streamlit as st

from bn_core.service.pool import PoolFull
from pages.shared.controls import presets, sidebar
from pages.shared.link import asked_by_link, write_link
from pages.shared.live import live_view
from pages.shared.remarks import remarks
from pages.shared.runs import run_for, toolbar, wait_for_place
from pages.shared.visit import this_visit

st.html(
    "<h1 class='bn-title'>The Lab</h1><p class='bn-lead'>Nets that differ only in batch "
    "normalization learn the same data. Press <b>Train</b> and compare.</p>"
)

visit = this_visit()
asked = asked_by_link()
if asked is not None:
    visit.show(asked.comparison)
    visit.view, visit.complaints = asked.view, asked.complaints

comparison = sidebar()
problem = comparison.problem()
if problem:
    st.error(problem)
    st.stop()
try:
    run = run_for(comparison)
except PoolFull:
    wait_for_place(comparison)
    st.stop()
toolbar(run)
presets()
remarks(comparison)
write_link(run.as_run(), visit.view)
live_view()

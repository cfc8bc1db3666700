"""Figures: a record in, a plotly figure (a plain dict) out. No torch, no Streamlit."""

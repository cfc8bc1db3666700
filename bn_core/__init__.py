"""The core of Batch Norm Lab: settings, nets, training, records, figures and workers.

Nothing here knows of Streamlit. Import the package you need, for example
``from bn_core.training import train``; importing this package alone loads nothing heavy.
"""

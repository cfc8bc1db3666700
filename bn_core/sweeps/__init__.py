"""Sweeps: grids of nets over two settings, computed line by line on any executor.

``sweep`` says what a grid is, ``link`` how a link writes it, ``stability_map`` holds what was
measured, ``reading`` what it shows, ``driver`` runs it on an executor. Those reach no torch;
``lines``, ``replicas`` and ``two_layers`` train and run in workers.
"""

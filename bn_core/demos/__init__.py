"""Demos: what pages compute while the reader watches, with the project's own layers."""

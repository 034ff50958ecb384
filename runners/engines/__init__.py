"""Engines: the places where builds run."""

"""Contrasts: one file per kind of comparison."""

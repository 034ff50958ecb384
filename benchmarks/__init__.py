"""Benchmarks: what the suite promises, measured."""

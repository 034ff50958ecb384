"""Runs one after the other."""

import pytest

from ledger.run import read_run


@pytest.fixture
def run(tmp_path, write_run):
    """``run(judged, ...)``: the next run, in a folder of its own."""
    made = []

    def new(*judged, **header):
        made.append(write_run(tmp_path, f"2026-11-{len(made) + 1:02d}T120000Z-aaaaaa", judged, **header))
        return read_run(made[-1])

    return new

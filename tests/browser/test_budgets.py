"""Size: what a report may weigh, how much of it is drawn, and that it is the same bytes every time.

Seconds are measured by benchmarks/report_page.py: a loaded machine would fail a test of them.
"""

import gzip
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import ledgers
import pytest
from opened import opened

from ledger.report import page as page_module
from ledger.report.page import render
from ledger.run import read_run

ROOT = Path(__file__).resolve().parents[2]
MB = 1_000_000


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """``large(rows)`` is the report of a run with ``rows`` rows and 200 scores of its own for each."""
    made = {}

    def write(rows):
        if rows not in made:
            folder = tmp_path_factory.mktemp("large")
            run = read_run(ledgers.write_run(folder, ledgers.many(rows)))
            made[rows] = folder / "report.html"
            made[rows].write_bytes(render(run))
        return made[rows]

    return write


def test_two_thousand_rows_stay_under_three_megabytes(large):
    whole = large(2_000).read_bytes()
    assert len(whole) <= 3 * MB
    assert len(gzip.compress(whole, 6)) <= 0.8 * MB


@pytest.mark.slow
def test_ten_thousand_rows_stay_under_ten_megabytes(large):
    assert large(10_000).stat().st_size <= 10 * MB


def test_only_a_chunk_of_the_rows_is_drawn(browser, large):
    with opened(browser, large(2_000)) as found:
        count = "() => [document.querySelectorAll('*').length, document.querySelectorAll('#rows tr.row').length]"
        nodes, rows = found.page.evaluate(count)
        assert rows == 100
        assert nodes <= 6_000
        found.page.locator("#search").fill("number 37")
        nodes, rows = found.page.evaluate(count)
        assert 0 < rows <= 20
        assert "of" in found.page.locator("[role=status]").inner_text()
        assert found.complaints() == []


def test_printing_draws_every_row(browser, large):
    with opened(browser, large(2_000)) as found:
        found.page.evaluate("() => window.dispatchEvent(new Event('beforeprint'))")
        shown = found.page.locator("#rows tr.row").count()
        assert shown == sum(j.row["subject"] == "organism" for j in ledgers.many(2_000, units=10))


def test_scripts_and_styles_stay_small():
    assert len((page_module._script() + page_module._style()).encode()) <= 100_000


def test_the_same_ledger_makes_the_same_bytes(tmp_path):
    path = ledgers.write_run(tmp_path / "runs", ledgers.every_state())
    code = "import sys; from pathlib import Path; from ledger.run import read_run; from ledger.report.page import render; sys.stdout.buffer.write(render(read_run(Path(sys.argv[1]))))"
    made = []
    for seed, zone, place in (("1", "UTC", ROOT), ("2", "Asia/Tokyo", tmp_path)):
        env = {**os.environ, "PYTHONHASHSEED": seed, "TZ": zone, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, "-c", code, str(path)], cwd=place, env=env, capture_output=True, check=True
        )
        made.append(hashlib.sha256(done.stdout).hexdigest())
    assert made[0] == made[1]


def test_the_report_names_the_ledger_by_digest_and_no_folder(tmp_path):
    path = ledgers.write_run(tmp_path / "runs", ledgers.every_state())
    text = render(read_run(path)).decode()
    assert hashlib.sha256(path.read_bytes()).hexdigest() in text
    assert str(tmp_path) not in text

"""What a report weighs, how long it takes to render, and how soon it can be used, over runs of 2,000 and 10,000 rows.

python -m benchmarks.report_page [ROWS ...]

Each row has 200 scores of its own. Wanted on two cores: rendering 2,000 rows within 3 s, usable within 1 s at any size, a
filter within 100 ms (150 ms at 10,000 rows), a claim within 100 ms, a step of the playground's slider within 16 ms.
Without a browser the last four are left out.
"""

import gzip
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from ledger.assess import assess
from ledger.claim import Claim
from ledger.report.page import render
from ledger.row import undecided_row
from ledger.run import RunWriter, read_run, scores_path
from ledger.scores import ScoresWriter
from ledger.verdict import Bound
from mi.claimable import Sample

HEADER = {"schema": 1, "time": "2026-01-01T00:00:00Z", "git": {"commit": "0" * 40, "dirty": False}}
UNITS = [f"prompt-{k:03d}" for k in range(200)]
TRIES = 5
# From one moment in the page to the next frame after it.
FRAME = "new Promise((done) => requestAnimationFrame(() => setTimeout(() => done(performance.now() - begun), 0)))"


def main(*sizes: int) -> None:
    browser = shutil.which(os.environ.get("MI_ASSAY_CHROMIUM", "chromium"))
    print(
        f"{'report':<16}{'MB':>7}{'gzip':>7}{'render s':>10}{'open ms':>9}{'filter ms':>11}{'claim ms':>10}{'slider ms':>11}"
    )
    for rows in sizes or (2_000, 10_000):
        with tempfile.TemporaryDirectory() as name:
            run = read_run(write_run(Path(name), rows))
            begun = time.perf_counter()
            page = render(run)
            taken = time.perf_counter() - begun
            path = Path(name, "report.html")
            path.write_bytes(page)
            weight = f"{len(page) / 1e6:>7.2f}{len(gzip.compress(page, 6)) / 1e6:>7.2f}{taken:>10.2f}"
            seen = (
                "".join(f"{ms:>{w}.3g}" for ms, w in zip(opened(browser, path), (9, 11, 10, 11), strict=True))
                if browser
                else ""
            )
            print(f"{f'{rows:,} rows':<16}{weight}{seen}", flush=True)
    if not browser:
        print("no browser was found: `make browser` installs one")


def opened(browser: str, path: Path) -> list[float]:
    """Milliseconds, median of some tries: to open, to filter by one more letter, to show a claim, to move the bound."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        taken = [_once(started, path) for _ in range(TRIES)]
        started.close()
    return [median(column) for column in zip(*taken, strict=True)]


def _once(browser: Any, path: Path) -> list[float]:
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto(path.as_uri())
    measure: Callable[[str], float] = page.evaluate
    load = measure("() => performance.getEntriesByType('navigation')[0].loadEventEnd")
    key = "const s = document.getElementById('search'); s.value = 'number 3'; s.dispatchEvent(new Event('input'))"
    filtered = measure(f"() => {{ const begun = performance.now(); {key}; return {FRAME}; }}")
    link = "location.hash = document.querySelector('#rows tr.row th a').hash"
    claim = measure(f"() => {{ const begun = performance.now(); {link}; return {FRAME}; }}")
    page.get_by_text("Playground: what if").click()
    page.wait_for_selector("[type=range]")
    moved = "const s = document.querySelector('[type=range]'); s.value = (Number(s.min) + Number(s.max)) / 2; s.dispatchEvent(new Event('input')); document.body.offsetHeight"
    slid = measure(f"() => {{ const begun = performance.now(); {moved}; return performance.now() - begun; }}")
    page.close()
    return [load, filtered, claim, slid]


def write_run(folder: Path, rows: int) -> Path:
    """A run of ``rows`` judged rows of three subjects and four quantities."""
    path = folder / f"2026-01-01T000000Z-{rows}.jsonl"
    writer, scores = RunWriter(path, {"run": path.stem, **HEADER}), ScoresWriter(scores_path(path))
    rng = np.random.default_rng(0)
    for k in range(rows):
        theirs = rng.normal(0.5, 0.1, len(UNITS)).round(4)
        ours = (theirs + rng.normal((k % 11 - 3) / 40, 0.1, len(UNITS))).round(4)
        promised = _claim(k, rows)
        found = assess(
            promised, Sample(ours, UNITS, params={"arm": "ours"}) - Sample(theirs, UNITS, params={"arm": "theirs"})
        )
        row = undecided_row(promised, f"claims/test_speed.py::test_c{k}", k)
        row |= {**found.fields, "status": "decided", "run": path.stem, "time": HEADER["time"]}
        scores.add(row["data"], found.stored)
        writer.append(row)
    writer.seal({"exitstatus": 0, "seconds": 0.0})
    writer.close()
    return path


def _claim(k: int, rows: int) -> Claim:
    return Claim(
        id=f"speed.claim-{k // 20}",
        report="speed",
        section=f"section {k // 200}",
        statement=f"Statement number {k // 20}: ours is more accurate than theirs on the same prompts.",
        quantity=("accuracy", "loss", "recovery", "cosine")[k % 4],
        unit="prompt",
        design="paired",
        bound=Bound("above", 0.0),
        subject=("organism", "gpt2", "pythia-70m")[k % 3],
        params={"k": k % 20, "layer": k % 7},
        family="speed",
        family_size=rows,
        where="speed.yaml:7",
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))

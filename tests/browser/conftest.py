"""A real browser, if the machine has one: found, never downloaded."""

import os
import shutil

import ledgers
import pytest
from claim_page import ROWS, artifact
from ledgers import claim, gap, judge, unjudged, write_run
from opened import opened

from ledger.report.page import render
from ledger.run import read_run

NAMES = ("chromium", "chromium-browser", "google-chrome")


def find_chromium() -> str | None:
    """$MI_ASSAY_CHROMIUM, or the first of the usual names on PATH."""
    return next(filter(None, map(shutil.which, (os.environ.get("MI_ASSAY_CHROMIUM", ""), *NAMES))), None)


# Not longer than a module: Playwright's event loop would be in the way of tests that start their own.
@pytest.fixture(scope="module")
def browser():
    """Headless Chromium. Without one, tests are skipped, or fail where MI_ASSAY_BROWSER=required."""
    path = find_chromium()
    if path is None:
        why = f"no browser: none of {', '.join(NAMES)} on PATH and MI_ASSAY_CHROMIUM is not set. `make browser` installs one"
        if os.environ.get("MI_ASSAY_BROWSER") == "required":
            pytest.fail(why)
        pytest.skip(why)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # In containers, where this runs as root, Chromium's sandbox does not start. The pages are files of this test.
        started = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield started
        started.close()


@pytest.fixture(scope="session")
def page_of(tmp_path_factory):
    """``page_of(judged)`` renders a run of these rows, with their scores, into a file of its own."""

    def write(judged, **header):
        folder = tmp_path_factory.mktemp("page")
        run = read_run(ledgers.write_run(folder / "runs", judged, header={**ledgers.HEADER, **header}))
        path = folder / "report.html"
        path.write_bytes(render(run))
        return path

    return write


@pytest.fixture(scope="session")
def every_page(page_of):
    """A report with a row of every state."""
    return page_of(ledgers.every_state())


@pytest.fixture(scope="session")
def static_page(every_page, tmp_path_factory):
    """The same report without its script, so that what is there before it can be measured by scripts of a test."""
    head, _, tail = every_page.read_text("utf-8").rpartition("<script>")
    path = tmp_path_factory.mktemp("static") / "report.html"
    path.write_text(head + tail.partition("</script>")[2], "utf-8")
    return path


@pytest.fixture(scope="module")
def routes(browser, every_page):
    """The address of every page that links lead to, one claim for each kind of verdict mark and badge."""
    with opened(browser, every_page) as found:
        links = found.page.evaluate(
            """() => {
            const one = new Map();
            for (const row of document.querySelectorAll('#rows tr.row')) {
              const mark = [...row.querySelectorAll('.badge, .verdict')].map((e) => e.textContent).join();
              if (!one.has(mark)) one.set(mark, row.querySelector('th a').getAttribute('href'));
            }
            const pages = [...document.querySelectorAll('header a[href^="#/"], #rows nav a')].map((a) => a.getAttribute('href'));
            return [...new Set([...pages, ...one.values()])];
            }"""
        )
    assert len(links) >= 8
    return links


@pytest.fixture(scope="session")
def claim_run(tmp_path_factory):
    """A row of every state, with two earlier runs and known artifacts; its report is beside it."""
    folder = tmp_path_factory.mktemp("claims")
    found = read_run(write_run(folder, ROWS))
    found.seal["artifacts"] = {"ab" * 32: artifact("scores", "cd" * 32), "cd" * 32: artifact("coder", "ef" * 32)}
    first = [judge(claim("above-pass", expected="pass"), gap(0.03, seed=91)), judge(claim("drifts"), gap(0.1, seed=31))]
    second = [judge(claim("above-pass", above=0.02), gap(0.1, seed=1)), unjudged(claim("drifts"), "error", "a", "b")]
    earlier = [
        read_run(write_run(folder, rows, run_id=f"2026-11-1{k}T120000Z-bbbbbb"))
        for k, rows in enumerate((first, second))
    ]
    (folder / "report.html").write_bytes(render(found, earlier))
    return found


@pytest.fixture(scope="module")
def claim_pages(claim_run, browser):
    """The report of that run, opened."""
    with opened(browser, claim_run.path.with_name("report.html")) as found:
        yield found
        assert found.complaints() == []

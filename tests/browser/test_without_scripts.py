"""Scripts off, as in viewers of CI artifacts: the verdicts are still there."""

import pytest
from ledgers import every_state
from opened import opened

from ledger.ruling import headline, rulings


@pytest.fixture(scope="module")
def page(browser, every_page):
    with opened(browser, every_page, java_script_enabled=False) as found:
        yield found.page


@pytest.fixture(scope="module")
def found():
    return rulings([j.row for j in every_state()])


def test_each_subject_has_its_headline(page, found):
    text = page.locator("body").inner_text()
    for subject in {r.row["subject"] for r in found}:
        mine = [r for r in found if r.row["subject"] == subject]
        if any(r.row["status"] != "not_run" for r in mine):
            assert headline(mine) in text


def test_what_is_unexpected_is_listed_first(page, found):
    wanted = [r for r in found if r.attention and r.row["status"] != "not_run"]
    rows = page.locator("#summary tr.attention")
    assert rows.count() == len(wanted) > 5
    for row, ruling in zip(rows.all(), wanted, strict=True):
        assert ruling.row["claim"] in row.inner_text()
        assert ruling.word in row.inner_text()


def test_every_judged_row_is_in_the_table_with_its_numbers(page, found):
    text = page.locator("#static-rows").inner_text()
    for r in found:
        if r.row["status"] != "not_run":
            assert f"{r.row['claim']}" in text
    assert text.count("[") >= sum(r.row["estimate"] is not None for r in found)


def test_what_was_not_run_is_counted(page, found):
    assert "1 claim was not run" in page.locator("#summary").inner_text()


def test_no_control_is_shown_that_needs_a_script(page):
    shown = [e for e in page.locator("button, select, input").all() if e.is_visible()]
    assert shown == []

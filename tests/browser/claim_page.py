"""Claim pages: their rows, their addresses, and what they say."""

from urllib.parse import quote

from ledgers import every_state
from opened import visit

from ledger.text import label

ROWS = every_state()
CELLS = {(label(row), row["subject"]): row for row, _ in ROWS}


def artifact(label, *inputs):
    return {
        "label": label,
        "builder": "build:make",
        "inputs": [d[:12] for d in inputs],
        "bytes": 1_500_000,
        "seconds": 2.5,
    }


def address(cell, subject="organism"):
    return f"#/claim/{quote(cell, safe='')}/{quote(subject, safe='')}"


def claim_page(opened, cell, subject="organism"):
    """Go to the page of a claim of :data:`CELLS`; returns the browser's page."""
    name = cell if cell.partition("[")[0].count(".") else f"paper.{cell}"
    visit(opened.page, address(name, subject))
    assert name in opened.page.locator(".claim h1").inner_text()
    return opened.page


def text_of(page, block):
    return page.locator(f".claim section:has(> h2:text-is('{block}'))").inner_text()


def boxes(page, selector):
    return page.locator(selector).evaluate_all("found => found.map((e) => e.getBoundingClientRect().toJSON())")


def words_of(page, block):
    return " ".join(text_of(page, block).split())

"""Ledgers at the edges: drawn whole, or refused with the row's name."""

import json

import pytest
from ledgers import HEADER, RUN, changed, claim, every_state, gap, judge, unjudged, write_run
from opened import opened, visit

from ledger.errors import LedgerError
from ledger.report.page import render
from ledger.run import line_of, read_run


def draw(browser, path):
    """The headline, the number of rows drawn for all subjects, and complaints."""
    with opened(browser, path) as found:
        page, rows = found.page, 0
        for link in page.eval_on_selector_all("#rows nav a", "all => all.map((a) => a.getAttribute('href'))"):
            visit(page, link)
            rows += page.locator("#rows tr.row").count()
        return page.locator("h1").inner_text(), rows, found.complaints()


def judged(name="one", **about):
    return judge(claim(name, **about), gap(0.1))


def test_no_rows(browser, page_of):
    assert draw(browser, page_of([])) == ("No claim was judged.", 0, [])


def test_one_row(browser, page_of):
    assert draw(browser, page_of([judged()])) == ("None of 1 claim came out unexpectedly.", 1, [])


def test_all_errors(browser, page_of):
    rows = [unjudged(claim(f"c{k}"), "error", f"it broke {k}", "Mend it.") for k in range(150)]
    headline, _, complaints = draw(browser, page_of(rows))
    assert headline == "150 claims of 150 came out unexpectedly."
    assert complaints == []


def test_nothing_was_run(browser, page_of):
    rows = [unjudged(claim(f"c{k}"), "not_run", "the model is not here", "Fetch it.") for k in range(20)]
    headline, drawn, complaints = draw(browser, page_of(rows))
    assert (headline, drawn, complaints) == ("No claim was judged.", 20, [])


def test_two_rows_of_one_name(browser, page_of):
    twin = changed(judged(), lambda row: row.update(statement="Said again.", nodeid="t::again"))
    assert draw(browser, page_of([judged(), twin]))[1:] == (2, [])


def test_names_of_four_hundred_characters(browser, page_of):
    long = "a" * 400
    rows = [
        judged(
            long,
            subject="s" * 400,
            family="f" * 400,
            quantity="q" * 400,
            unit="u" * 400,
            section="t" * 400,
            statement="w" * 400,
        )
    ]
    path = page_of([*rows, judged("b", params={long: long})])
    assert draw(browser, path)[1:] == (2, [])
    for width in (320, 1280):
        with opened(browser, path, viewport={"width": width, "height": 800}) as found:
            for route in found.page.eval_on_selector_all(
                "#rows nav a, #rows tr.row th a", "all => all.map((a) => a.hash)"
            ):
                visit(found.page, route)
                assert found.page.evaluate("() => document.documentElement.scrollWidth - innerWidth") <= 0, (
                    width,
                    route[:20],
                )


def test_no_family_no_section_no_tier(browser, page_of):
    assert draw(browser, page_of([judged(family="", section=None, tier=None)]))[1:] == (1, [])


def test_a_chain_of_superseded_claims(browser, page_of):
    chain = [judged("c0"), *(judged(f"c{k}", supersedes=f"paper.c{k - 1}") for k in range(1, 6))]
    circle = [judged("x", supersedes="paper.y"), judged("y", supersedes="paper.x")]
    assert draw(browser, page_of(chain + circle))[1:] == (8, [])


def test_huge_and_tiny_numbers(browser, page_of):
    rows = []
    for k, size in enumerate((1e-300, 1e-9, 1e9, 1e149)):

        def scale(row, size=size):
            for key in ("estimate", "lo", "hi", "bound"):
                row[key] *= size
            row["limits"] = {level: [x * size for x in pair] for level, pair in row["limits"].items()}

        rows.append(changed(judged(f"c{k}", quantity=f"q{k}"), scale))
    assert draw(browser, page_of(rows))[1:] == (4, [])


def test_an_interval_without_width(browser, page_of):
    def flat(row):
        row.update(lo=0.1, hi=0.1, estimate=0.1, limits={level: [0.1, 0.1] for level in row["limits"]})

    assert draw(browser, page_of([changed(judged(), flat)]))[1:] == (1, [])


def drawn_or_refused(path):
    """The page beside the run and no words, or no page and the words of the refusal."""
    page = path.with_name("report.html")
    try:
        page.write_bytes(render(read_run(path)))
    except LedgerError as refusal:
        return None, str(refusal)
    return page, ""


def torn(path, edit):
    """The file with one record edited, as somebody else's program might have written it."""
    head, row, seal = path.read_bytes().splitlines()
    record = {**json.loads(row)}
    edit(record)
    path.write_bytes(b"\n".join([head, json.dumps(record).encode(), seal]) + b"\n")
    return path


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("key", ["estimate", "lo", "bound", "p_pass"])
def test_numbers_that_are_none_are_refused(tmp_path, key, value):
    path = torn(write_run(tmp_path, [judged()]), lambda row: row.update({key: value}))
    with pytest.raises(LedgerError, match=f"{RUN}.jsonl:2"):
        render(read_run(path))


def test_a_newer_schema_is_refused(tmp_path):
    path = torn(write_run(tmp_path, [judged()]), lambda row: row.update(schema=2))
    with pytest.raises(LedgerError, match="schema 2; this version reads schema 1"):
        render(read_run(path))


@pytest.mark.parametrize(
    "broken",
    [
        {"limits": {"80": [0.3, 0.1]}},
        {"limits": {"80": "wide"}},
        {"limits": [1, 2]},
        {"lo": 0.9, "hi": 0.1},
        {"adjusted": {"lo": 0.4, "hi": 0.2, "method": "bonferroni", "m": 2}},
        {"counts": [1]},
        {"source": {"url": 7}},
        {"artifacts": [{}]},
        {"registered": {"bound": []}},
        {"measured": {"k": {"deep": [[[]]]}}},
        {"estimate": 1e308, "lo": -1e308, "hi": 1e308},
        {"flags": [7]},
        {"controls": [{"id": "c", "required": "yes"}]},
        {"reported": {"value": 1, "lo": "low"}},
        {"tier": {}},
        {"section": ["a"]},
        {"alpha": -1},
        {"n": -5},
        {"data": ["x"]},
    ],
    ids=lambda broken: next(iter(broken)),
)
def test_an_odd_row_is_drawn_whole_or_refused_by_name(browser, tmp_path, broken):
    """A page that leaves a row out, or opens blank, would look complete."""
    path = write_run(tmp_path, [*every_state(), changed(judged("odd"), lambda row: row.update(broken))])
    page, refusal = drawn_or_refused(path)
    if page is None:
        assert "paper.odd" in refusal or ".jsonl:" in refusal
    else:
        assert draw(browser, page)[1:] == (len(every_state()) + 1, [])


def test_a_run_that_was_killed_says_so(browser, tmp_path, page_of):
    path = write_run(tmp_path, [judged()])
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    page = tmp_path / "report.html"
    page.write_bytes(render(read_run(path)))
    with opened(browser, page) as found:
        assert "not sealed" in found.page.locator("#summary").inner_text()


@pytest.mark.parametrize(
    "header", [{"git": {}}, {"git": {"commit": 7}}, {"time": None}, {"lock": []}, {"command": "x"}, {"hardware": 3}]
)
def test_an_odd_run_record_is_drawn_or_refused(browser, tmp_path, header):
    path = tmp_path / f"{RUN}.jsonl"
    path.write_bytes(line_of({"record": "run", "run": RUN, **HEADER, **header}, ""))
    page, refusal = drawn_or_refused(path)
    if page is None:
        assert RUN in refusal
        return
    with opened(browser, page) as found:
        visit(found.page, "#/run")
        assert found.page.locator("h1, h2").count()
        assert found.complaints() == []

"""Figures in the report: a page of their own where one is drawn, none where none is."""

import pytest
from figure_samples import circuit_files

from ledger.report.page import render
from ledger.run import read_run

TITLE = "Circuit sizes: by mi.circuits.probing:probing, organism"


@pytest.mark.parametrize("here", [True, False])
def test_there_is_a_page_of_figures_only_where_one_is_drawn(shelf, naming, write_run, tmp_path, here):
    digest = shelf.put("mi.circuits.probing:probing", circuit_files())
    run = read_run(write_run(tmp_path / "runs", "2026-11-20T120000Z-aaaaaa", [(naming(digest), None)]))
    page = render(run, store=shelf.root if here else tmp_path / "nowhere").decode()
    assert ('<section id="figures"' in page) is here
    assert ("<h2>Not drawn</h2>" in page) is here
    assert page.count('<article class="figure"') == here

"""The index of registered claims."""

import pytest

from ledger.errors import LedgerError, RegistrationError
from ledger.index import index_json, index_markdown, index_text, load_reports

PAPER = """\
report: paper
title: The <b>paper</b>
source: {title: Some | title, url: "https://example.org/x"}
claims:
  gap:
    statement: Ours beats @theirs.
    quantity: accuracy
    unit: prompt
    design: paired
    above: 0.02
    section: '3.1'
    subjects:
      organism: {cells: [{params: {k: 1}}, {params: {k: 2}}]}
      gpt2:
"""


def test_one_table_per_report_and_one_line_per_claim(tmp_path):
    (tmp_path / "paper.yaml").write_text(PAPER)
    (tmp_path / "book.yaml").write_text(PAPER.replace("report: paper", "report: book").replace("gap:", "other:"))
    text = index_markdown(load_reports(tmp_path))
    assert text.count("\n## ") == 2
    assert text.index("`book.other`") < text.index("`paper.gap`")
    (line,) = (line for line in text.splitlines() if "paper.gap" in line)
    assert [cell.strip() for cell in line.split("|")[1:-1]] == [
        "`paper.gap`",
        "3.1",
        "Ours beats &#64;&#8203;theirs.",
        "accuracy &#62; 0.02",
        "prompt",
        "`organism`, `gpt2`",
        "3",
    ]
    assert "<b>" not in text
    assert "Source: Some &#124; title, <https://example.org/x>." in text


def test_the_index_as_text_and_as_json(tmp_path):
    (tmp_path / "paper.yaml").write_text(PAPER)
    reports = load_reports(tmp_path)
    assert index_text(reports).splitlines() == [
        "The <b>paper</b>",
        "  paper.gap  accuracy > 0.02 per prompt, 3 cells",
        "    Ours beats @theirs.",
    ]
    (claim,) = index_json(reports)
    assert (claim["claim"], claim["where"], len(claim["cells"])) == ("paper.gap", "paper.yaml:13", 3)
    assert claim["cells"][0]["bound"] == 0.02


def test_only_an_address_is_a_link(tmp_path):
    (tmp_path / "paper.yaml").write_text(PAPER.replace("https://example.org/x", "https://x> <img src=//y>"))
    assert "<img" not in index_markdown(load_reports(tmp_path))


def test_a_folder_without_claims(tmp_path):
    with pytest.raises(LedgerError, match="name the folder of your claims with --claims DIR"):
        load_reports(tmp_path)


def test_a_broken_file_stops_the_index(tmp_path):
    (tmp_path / "paper.yaml").write_text(PAPER.replace("    above: 0.02\n", ""))
    with pytest.raises(RegistrationError, match=r"paper\.yaml:5: claims\.gap"):
        load_reports(tmp_path)

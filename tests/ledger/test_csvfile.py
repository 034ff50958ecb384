"""CSV cells: what a spreadsheet would run, and what must stay as it is."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.csvfile import csv_cell, csv_text


@pytest.mark.parametrize("formula", ["=1+1", "+cmd|'/c calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "  =1", "\r\n=1", "-"])
def test_a_formula_becomes_text(formula):
    assert csv_cell(formula).startswith("'")


@pytest.mark.parametrize("harmless", ["sae", "a=b", "1 - 2", "", "'quoted'", "-1.5", "+0.25", "-3e-05"])
def test_other_text_and_numbers_stay(harmless):
    assert csv_cell(harmless) == harmless


@pytest.mark.parametrize(("value", "cell"), [(-0.1, "-0.1"), (1, "1"), (None, ""), (0.1 + 0.2, "0.30000000000000004")])
def test_numbers_keep_their_digits(value, cell):
    assert csv_cell(value) == cell


@given(st.lists(st.lists(st.text(), min_size=2, max_size=2), max_size=5))
def test_no_cell_opens_a_formula_and_the_shape_stays(rows):
    read = list(csv.reader(io.StringIO(csv_text(["a", "b"], rows))))
    assert [len(r) for r in read] == [2] * (len(rows) + 1)
    for cell in (cell for row in read for cell in row):
        number = cell.lstrip("+-").replace(".", "", 1).replace("e", "", 1).isascii() and _is_number(cell)
        assert number or not cell.lstrip().startswith(("=", "+", "-", "@"))
        assert cell == " ".join(cell.split())


def _is_number(cell):
    try:
        float(cell)
    except ValueError:
        return False
    return True

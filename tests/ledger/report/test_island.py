"""The island: JSON that no browser takes for markup, in columns that lose nothing."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import LedgerError
from ledger.report.island import encode, pack

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def unpack(packed):
    """As island.js does it."""
    rows = [{} for _ in range(packed["length"])]
    for key, (kind, *data) in packed["columns"].items():
        for i, row in enumerate(rows):
            row[key] = data[0] if kind == "same" else data[0][i] if kind == "each" else data[0][data[1][i]]
    return rows


@given(VALUES)
def test_it_reads_back_and_holds_nothing_that_could_end_it(value):
    text = encode(value)
    assert json.loads(text) == value
    assert not set(text) & set("<>&\u2028\u2029")
    assert text.isascii()


@given(st.lists(st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3), max_size=6))
def test_columns_are_the_records(records):
    keys = {key for record in records for key in record}
    assert unpack(json.loads(encode(pack(records)))) == [{k: record.get(k) for k in keys} for record in records]


def test_values_that_recur_are_kept_once():
    recurring = pack([{"a": "a long sentence of a claim", "b": i} for i in range(100)])
    assert recurring["columns"]["a"] == ["same", "a long sentence of a claim"]
    assert recurring["columns"]["b"][0] == "each"
    two = pack([{"a": f"a long sentence of claim {i % 2}"} for i in range(100)])
    assert two["columns"]["a"][0] == "of"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}, object()])
def test_what_is_not_json_is_refused(value):
    with pytest.raises(LedgerError, match="the report cannot hold this"):
        encode({"row": value})


def test_true_is_not_one():
    assert unpack(pack([{"a": True}, {"a": 1}, {"a": 1.0}])) == [{"a": True}, {"a": 1}, {"a": 1.0}]
    assert [type(r["a"]) for r in unpack(pack([{"a": True}, {"a": 1}, {"a": 1.0}]))] == [bool, int, float]

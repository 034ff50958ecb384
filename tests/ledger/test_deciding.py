"""What a row says of its verdict must be true of the numbers that it says it with."""

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ledger.deciding import because
from ledger.verdict import RULES, Bound

NUMBER = re.compile(r"(?<=bound )\S+|(?<=±)\S+|[+-]\d+(?:\.\d+)?")
finite = st.floats(-1e6, 1e6, allow_nan=False)


def row(rule, bound, lo, hi):
    return {"rule": rule, "bound": bound, "lo": lo, "hi": hi, "verdict": str(Bound(rule, bound).decide(lo, hi))}


@pytest.mark.parametrize(
    ("rule", "bound", "lo", "hi", "said"),
    [
        ("above", 0.0, 0.033, 0.1, "passes because the lower limit +0.033 is above the bound 0"),
        ("above", 0.05, -0.1, 0.04, "fails because the upper limit +0.040 is below the bound 0.05"),
        ("below", 0.0, -0.2, -0.1, "passes because the upper limit -0.100 is below the bound 0"),
        ("below", 0.0, 0.1, 0.2, "fails because the lower limit +0.100 is above the bound 0"),
        ("above", 0.0, -0.1, 0.1, "is inconclusive because the interval, -0.100 to +0.100, contains the bound 0"),
        ("within", 0.1, -0.05, 0.06, "passes because both limits, -0.050 and +0.060, lie within ±0.1"),
        ("within", 0.1, 0.2, 0.3, "fails because the whole interval, +0.200 to +0.300, lies outside ±0.1"),
        ("within", 0.1, 0.05, 0.3, "is inconclusive because the interval, +0.050 to +0.300, contains an end of ±0.1"),
    ],
)
def test_the_words_of_every_rule_and_verdict(rule, bound, lo, hi, said):
    assert because(row(rule, bound, lo, hi)) == said


def test_a_limit_just_beyond_the_bound_is_written_until_it_shows():
    assert "limit +0.0201 is above the bound 0.02" in because(row("above", 0.02, 0.0201, 0.2))
    assert "limits, -0.09999 and +0.050, lie" in because(row("within", 0.1, -0.099992, 0.05))


def test_without_a_verdict_it_says_so():
    assert because({**row("above", 0.0, 0.1, 0.2), "verdict": None}) == "has no verdict"


@given(st.sampled_from(RULES), finite, finite, finite)
def test_the_numbers_in_the_sentence_give_the_verdict(rule, bound, one, other):
    lo, hi = sorted((one, other))
    bound = float(f"{bound:g}")  # a bound of more digits than a sentence shows is rounded there
    assume(lo < hi and (rule != "within" or bound > 0))
    assume(all(abs(x - b) > 1e-9 for x in (lo, hi) for b in (bound, -bound)))
    found = row(rule, bound, lo, hi)
    numbers = [float(text) for text in NUMBER.findall(because(found))]
    if rule == "within" or found["verdict"] == "inconclusive":
        low, high, said = numbers
        assume(low < high)  # limits that are the same to twelve decimals
    else:
        limit, said = numbers
        low = high = limit
    assert said == bound
    decided = Bound(rule, bound)
    assert str(decided.decide(low, high if high > low else low + 1e-13 * max(1, abs(low)))) == found["verdict"]

"""The second look at a table of scores: what the index and the explanations say has to be what the table says."""

from math import nan

import pytest

from mi.autointerp.registered import digest
from mi.autointerp.second_look import _require_covered, _require_others
from mi.refusal import Refusal

DRAWN = [3, 5, 8, 9]
INDEX = {
    "drawn": DRAWN,
    "digest": digest(DRAWN),
    "rates": {"3": 0.1, "5": 0.0, "8": 0.2, "9": 0.001},
    "scored": [3, 8],
    "dead": [5],
    "lost": {"9": "too few"},
}
COLUMNS = {
    "rate": [0.1, 0.0, 0.2, 0.001],
    "dead": [0.0, 1.0, 0.0, 0.0],
    "scored": [1.0, 0.0, 1.0, 0.0],
    "detection": [0.9, nan, 0.8, nan],
}
FACTS = {"digest": digest(DRAWN), "registered": 4, "dead": 1, "scored": 2, "coverage": 0.5}


def test_a_table_of_all_that_was_registered_passes():
    _require_covered(INDEX, COLUMNS, FACTS)


@pytest.mark.parametrize(
    ("index", "columns", "facts"),
    [
        ({"drawn": DRAWN[:3]}, {name: values[:3] for name, values in COLUMNS.items()}, {"registered": 3}),
        ({"digest": digest([1])}, {}, {"digest": digest([1])}),
        ({"dead": [5, 9]}, {"dead": [0.0, 1.0, 0.0, 1.0]}, {"dead": 2}),
        ({"dead": []}, {"dead": [0.0] * 4}, {"dead": 0}),
        ({}, {}, {"coverage": 2 / 3}),
        ({}, {"detection": [0.9, 0.5, 0.8, nan]}, {}),
        ({}, {"detection": [0.9, 0.8]}, {}),
        ({}, {"rate": [0.1, 0.0, 0.3, 0.001]}, {}),
        ({}, {}, {"digest": "0" * 12}),
    ],
    ids=["dropped", "unregistered", "lost as dead", "dead as lost", "coverage", "ghost", "short", "rate", "digest"],
)
def test_a_table_that_its_index_contradicts_is_refused(index, columns, facts):
    with pytest.raises(Refusal):
        _require_covered({**INDEX, **index}, {**COLUMNS, **columns}, {**FACTS, **facts})


def explained(own, given):
    return [{"true": a, "shuffled": b} for a, b in zip(own, given, strict=True)]


def test_explanations_of_others_pass_and_so_do_two_that_say_the_same():
    _require_others(explained("abc", "bca"))
    _require_others(explained("aab", "aba"))
    _require_others([{"true": "a"}])  # alone, a latent has no other


@pytest.mark.parametrize("given", ["acb", "bcc", "bbb"], ids=["own", "twice", "one for all"])
def test_a_shuffled_control_that_is_none_is_refused(given):
    with pytest.raises(Refusal, match="another one's"):
        _require_others(explained("abc", given))

"""Marks: arms can be told apart without colour, and never look like a verdict."""

from itertools import combinations

import pytest

from ledger.figures.marks import HUES, arm, mark, verdict_mark
from ledger.figures.standalone import light_style
from ledger.report.palette import tokens


def test_no_two_arms_share_shape_and_dash():
    looks = [arm(i) for i in range(HUES**2)]
    assert len({(look.shape, look.dash) for look in looks}) == len(looks)
    assert all(a.shape != b.shape and a.dash != b.dash for a, b in combinations(looks[:HUES], 2))


def test_shapes_differ_and_none_is_a_verdicts():
    outlines = {mark(arm(i), 0, 0).get("points") for i in range(HUES)} | {verdict_mark("fail", 0, 0).get("points")}
    assert len(outlines) == HUES + 1
    assert {mark(arm(i), 0, 0).tag for i in range(HUES)} == {"polygon"}


@pytest.mark.parametrize(
    ("state", "tag", "kind"),
    [
        ("pass", "circle", "pass"),
        ("fail", "polygon", "fail"),
        ("inconclusive", "circle", "inconclusive"),
        ("refused", "circle", "inconclusive"),
    ],
)
def test_verdict_marks(state, tag, kind):
    made = verdict_mark(state, 0, 0)
    assert (made.tag, made.get("class")) == (tag, f"verdict-mark {kind}")


def test_dashes_and_hues_of_the_style_sheet_differ():
    light = tokens()
    for token in ("arm", "dash"):
        assert len({light[f"{token}-{i}"] for i in range(1, HUES + 1)}) == HUES
    for i in range(1, HUES + 1):
        assert f".dash-{i} {{ stroke-dasharray: {light[f'dash-{i}']}; }}" in light_style()

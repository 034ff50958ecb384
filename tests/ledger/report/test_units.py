"""Per-unit scores as the page keeps them: what one dot is, where it lies, and who stands out."""

import gzip
import json
from base64 import b64decode

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import LedgerError
from ledger.report.island import encode, pack
from ledger.report.lanes import lanes
from ledger.report.units import LEVELS, packed, unit_lanes
from ledger.run import read_run
from mi import claimable

RNG = np.random.default_rng(5)
UNITS = [f"prompt-{i:03d}" for i in range(40)]
A, B = RNG.normal(0.6, 0.2, 40), RNG.normal(0.4, 0.2, 40)
SIZES = RNG.integers(1, 9, 40).astype(float)
RIGHT = (RNG.random(40) < 0.8).astype(float)


def sample(values, units=UNITS, **about):
    return claimable.Sample(values, units, **about)


def unpacked(lo, hi, bits, n):
    """The inverse of ``packed``, written from its description."""
    found, level = [], 0
    for bit in "".join(f"{byte:08b}" for byte in b64decode(bits)):
        if len(found) == n:
            break
        if bit == "1":
            found.append(lo + (hi - lo) * level / (LEVELS - 1))
        else:
            level += 1
    return found


def contrasts():
    topics, blocks = [i % 2 for i in range(12)], list(range(12))
    matrix = RNG.random((12, 12))
    yield "mean", claimable.mean(sample(A)), 1
    yield "median", claimable.median(claimable.Sample(RNG.normal(size=60), range(60))), 1
    yield "paired", claimable.paired(sample(A), sample(B)), 1
    yield "outcomes", claimable.paired(sample(RIGHT), sample(1 - RIGHT)), 1
    yield "one-set", claimable.against_one_set(A, B, UNITS, between_set_sd=0.1, between_set_df=3), 1
    yield "runs", claimable.over_runs({k: A[k::5] for k in range(5)}), 1
    yield "runs-paired", claimable.over_runs({k: A[k::5] for k in range(5)}, {k: B[k::5] for k in range(5)}), 1
    yield "ratio", claimable.ratio_of_sums(A + 2, SIZES, UNITS), 1
    yield "clustered", claimable.clustered_mean(A, UNITS), 1
    yield "ratio-difference", claimable.ratio_difference(A, SIZES, B, SIZES[::-1], UNITS), 1
    yield "random-sets", claimable.against_random_sets(A, RNG.normal(0.4, 0.1, (25, 40)), UNITS), 2
    yield "unpaired", claimable.unpaired(sample(A), sample(B[:30], [f"other-{i}" for i in range(30)])), 2
    yield "faithfulness", claimable.faithfulness(A + 4, B + 5, UNITS, chance=0.5), 2
    yield "similarity", claimable.similarity((matrix + matrix.T) / 2, topics, blocks), 2
    yield "summary", claimable.unpaired_summary(0.5, 0.1, 60, 0.4, 0.1, 58), 1


CONTRASTS = {name: (contrast, n) for name, contrast, n in contrasts()}


def drawn(name):
    return list(lanes(json.loads(json.dumps(CONTRASTS[name][0].stored())), "prompt"))


@given(st.lists(st.floats(-1e9, 1e9, allow_nan=False), min_size=1, max_size=300))
def test_every_score_comes_back_within_half_a_step(values):
    lo, hi, bits = packed(values)
    found = unpacked(lo, hi, bits, len(values))
    half = (hi - lo) / (LEVELS - 1) / 2
    rounding = 4 * np.spacing(max(abs(lo), abs(hi)))
    assert len(found) == len(values)
    assert all(abs(a - b) <= half * (1 + 1e-9) + rounding for a, b in zip(found, sorted(values), strict=True))
    assert found[0] == min(values)
    assert abs(found[-1] - max(values)) <= rounding


@pytest.mark.parametrize("name", CONTRASTS)
def test_every_design_has_its_lanes_and_says_what_one_dot_is(name):
    contrast, n = CONTRASTS[name]
    found = drawn(name)
    assert len(found) == n
    assert all(lane.dot and len(lane.values) == len(lane.ids) for lane in found)
    assert len({lane.name for lane in found}) == n
    if name in ("similarity", "summary", "unpaired", "faithfulness"):
        assert not any(lane.judged and lane.values for lane in found)
    else:
        for lane in found:
            assert lane.judged
            assert lane.centre[1] == pytest.approx(contrast.estimate)


def test_two_arms_add_up_to_the_estimate():
    first, second = drawn("unpaired")
    assert first.centre[1] - second.centre[1] == pytest.approx(CONTRASTS["unpaired"][0].estimate)
    assert second.ids[0].startswith("other")
    circuit, ceiling = drawn("faithfulness")
    assert "(mean - 0.5)" in circuit.dot
    assert (circuit.centre[1] - 0.5) / (ceiling.centre[1] - 0.5) == pytest.approx(CONTRASTS["faithfulness"][0].estimate)
    within, across = drawn("similarity")
    assert within.centre[1] - across.centre[1] == pytest.approx(CONTRASTS["similarity"][0].estimate)


def test_a_unit_that_weighs_nothing_has_no_ratio():
    sizes = np.where(np.arange(40) == 7, 0.0, SIZES)
    (lane,) = lanes(claimable.ratio_of_sums(A + 2, sizes, UNITS).stored(), "document")
    assert len(lane.values) == 39
    assert "prompt-007" not in lane.ids


def test_a_design_of_a_later_version_is_named_and_not_drawn():
    (lane,) = lanes({"design": "crossed", "arms": [], "units": [], "options": {}}, "prompt")
    assert "crossed" in lane.dot
    assert not lane.values


@pytest.fixture
def judged_run(tmp_path, claim, judged, write_run):
    def write(contrast, **about):
        name = {"design": contrast.design, **about}
        return read_run(write_run(tmp_path, "2026-11-20T120000Z-aaaaaa", [judged(claim("one", **name), contrast)]))

    return write


def test_wins_and_ties_are_counted_before_rounding(judged_run):
    theirs = np.zeros(40)
    ours = np.array([1e-9] * 10 + [0.0] * 5 + [-1e-9] * 3 + [1.0] * 22)
    (lane,) = unit_lanes(judged_run(claimable.paired(sample(ours), sample(theirs))))
    assert lane["wins"] == [32, 5, 3]
    assert lane["against"] == "zero"


def test_units_that_stand_out_are_named_from_the_end_inwards(judged_run):
    values = np.linspace(0, 1, 40)
    (lane,) = unit_lanes(judged_run(claimable.mean(sample(values))))
    assert lane["low"] == ["prompt-000", "prompt-001", "prompt-002"]
    assert lane["high"] == ["prompt-039", "prompt-038", "prompt-037"]


def test_of_units_with_one_score_none_is_picked_out(judged_run):
    values = np.array([0.0] + [0.5] * 30 + [1.0] * 9)
    (lane,) = unit_lanes(judged_run(claimable.mean(sample(values))))
    assert lane["low"] == ["prompt-000"]
    assert "high" not in lane


def test_units_without_ids_get_none(judged_run):
    contrast = claimable.two_proportions(18, 20, 4, 22)
    first, second = unit_lanes(judged_run(contrast))
    assert (first["n"], second["n"]) == (20, 22)
    assert not {"low", "high"} & {*first, *second}


def test_of_a_handful_of_runs_all_are_named(judged_run):
    (lane,) = unit_lanes(judged_run(CONTRASTS["runs"][0], scope="method", unit="run"))
    assert sorted(lane["low"] + lane["high"]) == ["0", "1", "2", "3", "4"]


def test_two_hundred_units_take_less_than_three_hundred_bytes(judged_run):
    units = [f"prompt-{i:03d}" for i in range(200)]
    pairs = [sample(RNG.normal(size=200), units) for _ in range(2)]
    (lane,) = unit_lanes(judged_run(claimable.paired(*pairs)))
    one, many = (len(encode(pack([{**lane, "data": f"{k:016x}"} for k in range(n)]))) for n in (1, 101))
    assert (many - one) / 100 < 300
    assert len(lane["bits"]) < 100


def test_a_run_without_its_scores_file_has_no_lanes(judged_run):
    run = judged_run(CONTRASTS["paired"][0])
    assert unit_lanes(run)
    run.scores_path.unlink()
    assert unit_lanes(run) == []


def test_scores_that_are_not_those_that_were_judged_are_refused(judged_run):
    run = judged_run(CONTRASTS["mean"][0])
    stored = json.loads(gzip.decompress(run.scores_path.read_bytes()))
    stored["arms"][0]["values"][0] += 0.5
    run.scores_path.write_bytes(gzip.compress(json.dumps(stored).encode()))
    with pytest.raises(LedgerError, match=r"do not match this digest.*verify 2026-11-20T120000Z-aaaaaa"):
        unit_lanes(run)


def test_a_key_in_a_unit_id_stops_the_report(judged_run):
    units = ["sk-" + "a1B2c3D4e5F6g7H8i9J0", *UNITS[1:]]
    with pytest.raises(LedgerError, match="access key"):
        unit_lanes(judged_run(claimable.mean(sample(np.linspace(0, 1, 40), units))))


def test_a_long_unit_id_keeps_both_ends_and_no_home_folder(judged_run):
    units = ["/home/somebody/" + "x" * 90 + "-end", *UNITS[1:]]
    (lane,) = unit_lanes(judged_run(claimable.mean(sample(np.linspace(0, 1, 40), units))))
    assert lane["low"][0].startswith("~/xx")
    assert lane["low"][0].endswith("-end")
    assert len(lane["low"][0]) <= 60

"""Decoder neighbours beside a card: of the same trained coder, with their null, or none."""

import pytest
from kept_cards import kept, made_with, row, shelf

from ledger.artifact_files import ArtifactFiles
from ledger.report.latents import latents
from ledger.report.neighbours import Neighbours

RUN = "2026-11-20T120000Z-aaaaaa"
OURS = ("c" * 64, "sae")
FOUND = {
    "n": 2,
    "null": {"mean": 0.26, "median": 0.2549, "quantiles": {"0.05": 0.21, "0.5": 0.2549, "0.95": 0.32}},
    "dead": [9],
    "rows": {"7": [[8, 0.91234], [9, -0.25]], "8": [[7, 0.91234], [9, 0.1]]},
}


def with_neighbours(store, found=FOUND, build="mi.coders.neighbours:neighbours"):
    return kept(store, {"neighbours.json": found}, made_with(*OURS, build=build))


def of(store, digest):
    return Neighbours([ArtifactFiles(store / "v1" / "artifacts" / digest[:2] / digest)])


def test_neighbours_are_of_the_same_trained_coder(tmp_path):
    ours, theirs = (shelf(tmp_path, 7, 8, recipe=made_with(c * 64)) for c in "cd")
    found = latents([row(with_neighbours(tmp_path), ours, theirs)], RUN, tmp_path)
    near = [card.get("near") for card in found["cards"]]
    assert near[0]["of"] == [[8, 0.912, 0], [9, -0.25, 1]]
    assert near[1]["of"] == [[7, 0.912, 0], [9, 0.1, 1]]
    assert near[0]["null"] == 0.255
    assert "median cosine of 0.255, and 90 % lie from 0.210 to 0.320" in near[0]["told"]
    assert near[2:] == [None, None]


def test_what_is_unknown_has_no_neighbours(tmp_path):
    known = of(tmp_path, with_neighbours(tmp_path))
    assert known.near(OURS, 7)
    assert known.near(OURS, 3) is None
    assert known.near(("c" * 64, "transcoder"), 7) is None
    assert of(tmp_path, with_neighbours(tmp_path, build="mi.other:neighbours")).near(OURS, 7) is None


@pytest.mark.parametrize(
    "change",
    [
        {"rows": {"7": [[8, 1.5]]}},
        {"rows": {"7": [[8, True]]}},
        {"rows": {"7": [[-8, 0.5]]}},
        {"rows": {"7": [["<b>", 0.5]]}},
        {"rows": {"7": [[8]]}},
        {"rows": []},
        {"null": {"median": "0.2", "quantiles": FOUND["null"]["quantiles"]}},
        {"null": {"median": 0.2, "quantiles": {}}},
        {"dead": [[9]]},
    ],
)
def test_damaged_ones_are_left_out(tmp_path, change):
    assert of(tmp_path, with_neighbours(tmp_path, {**FOUND, **change})).near(OURS, 7) is None


def test_altered_ones_are_left_out(tmp_path):
    digest = with_neighbours(tmp_path)
    path = tmp_path / "v1" / "artifacts" / digest[:2] / digest / "files" / "neighbours.json"
    path.write_text(path.read_text().replace("0.91234", "0.11234"))
    assert of(tmp_path, digest).near(OURS, 7) is None

"""Selectivity beside a card: of the same trained coder, or none."""

from kept_cards import kept, made_with, row, shelf

from ledger.report.latents import latents

RUN = "2026-11-20T120000Z-aaaaaa"


def test_selectivity_is_of_the_same_trained_coder(tmp_path):
    classes = {f"is_{k}": [float(k == "a")] for k in ("a", "b", "shared", "undecided", "dead")}
    table = {
        "units": ["7"],
        "columns": {"mean_a": [0.5], "mean_b": [0.125], "p_adjusted": [0.001], **classes},
        "facts": {"names": {"a": "prose", "b": "code"}},
    }
    build = "mi.metrics.selectivity:selectivity"
    tables = kept(tmp_path, {"latents/units.json": table}, made_with("c" * 64, build=build))
    ours, theirs = (shelf(tmp_path, 7, 8, recipe=made_with(c * 64)) for c in "cd")
    found = latents([row(tables, ours, theirs)], RUN, tmp_path)
    told = [dict(c["own"]).get("mean activation") for c in found["cards"]]
    text = "prose 0.5, code 0.125, difference +0.375; specific to prose, adjusted p 0.001; no interval is recorded"
    assert told == [text, None, None, None]

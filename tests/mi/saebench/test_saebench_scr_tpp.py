"""SCR and TPP run on texts with two labels, say that they are advisory, and refuse what cannot be drawn."""

import itertools
import json

import numpy as np
import pytest
from saebench_samples import ANIMALS, DEEDS, PLACES, PLANTS

from mi.progress import SILENT
from mi.refusal import Refusal
from mi.saebench.scr_tpp import scr, tpp
from mi.texts import write_documents
from mi.unit_table import UnitTable

ABOUT = {"group": "kind", "groups": ["animal", "plant"], "attribute": "time", "attributes": ["day", "night"]}


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """Texts about a kind of thing, by day or by night."""
    folders = []
    for split, places in (("train", PLACES[:6]), ("test", PLACES[6:])):
        out = tmp_path_factory.mktemp(split)
        made = itertools.product(ANIMALS + PLANTS, DEEDS, places, ("day", "night"))
        lines = (
            {
                **{"id": f"{split}-{i}", "text": f"by {time} the {noun} {deed} {place}", "domain": "d"},
                "labels": {"kind": "plant" if noun in PLANTS else "animal", "time": time},
            }
            for i, (noun, deed, place, time) in enumerate(made)
        )
        write_documents(out, lines, SILENT, "texts")
        folders.append(out)
    return folders


@pytest.fixture(scope="module")
def settings(spec, bundle, people):
    about = {"subject": spec, "coders": bundle, "coder": "sae", "train": people[0], "test": people[1]}
    return {**about, **ABOUT, "progress": SILENT, "max_length": 32, "ns": [2, 10]}


def test_tpp_has_a_line_per_group(tmp_path, settings):
    facts = tpp(tmp_path, **settings)
    table, result = UnitTable.read(tmp_path), json.loads((tmp_path / "saebench.json").read_text())
    assert table.unit == "group"
    assert set(table.units) == {"texts/animal", "texts/plant"}
    for n in (2, 10):
        name = f"tpp_threshold_{n}_total_metric"
        assert np.mean(table.column(name)) == pytest.approx(result["eval_result_metrics"]["tpp_metrics"][name])
    assert "2605.18229" in facts["advisory"]
    assert facts["latents_firing_on_padding"] > 0


def test_scr_scores_both_directions(tmp_path, settings):
    facts = scr(tmp_path, **settings)
    table = UnitTable.read(tmp_path)
    assert len(table.units) == 1
    assert {f"scr_dir{d}_threshold_{n}" for d in (1, 2) for n in (2, 10)} <= set(table.columns)
    assert "2605.18229" in facts["advisory"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"groups": ["animal", "stone"]}, "texts per combination"),
        ({"attribute": "weather"}, "without labels"),
        ({"groups": ["animal"]}, "two of each"),
    ],
)
def test_what_cannot_be_drawn_is_refused(tmp_path, settings, change, why):
    with pytest.raises(Refusal, match=why):
        scr(tmp_path, **{**settings, **change})


def test_a_text_in_both_splits_is_refused(tmp_path, settings):
    with pytest.raises(Refusal, match="both splits"):
        tpp(tmp_path, **{**settings, "test": settings["train"]})

"""Latent cards in the page: which of them, from where, and what is said of those that are not there."""

import json
import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kept_cards import card, kept, made_with, row, shelf, window

from ledger.report.latents import MOST, latents, quotas, spread

RUN = "2026-11-20T120000Z-aaaaaa"


@given(st.lists(st.integers(0, 300), max_size=40), st.integers(0, 250))
def test_quotas_use_what_there_is_and_favour_nobody(sizes, most):
    given_ = quotas(sizes, most)
    assert sum(given_) == min(most, sum(sizes))
    assert all(0 <= g <= size for g, size in zip(given_, sizes, strict=True))
    cut = [g for g, size in zip(given_, sizes, strict=True) if g < size]
    assert not cut or max(given_) - min(cut) <= 1  # whoever is cut gives as many as anybody, to one


@given(st.integers(1, 300), st.data())
def test_latents_are_evenly_spaced(n, data):
    size = data.draw(st.integers(0, n))
    found = spread(range(n), size)
    assert len(set(found)) == size
    assert found == sorted(found)
    steps = {b - a for a, b in pairwise(found)}
    assert not steps or max(steps) - min(steps) <= 1
    assert not size or (found[0] == 0 and n - found[-1] <= n / size + 1)


def test_too_many_cards_are_chosen_by_place_and_the_page_says_how(tmp_path):
    many, few = shelf(tmp_path, *range(300)), shelf(tmp_path, 1, 2, coder="other")
    found = latents([row(many), row(few, many)], RUN, tmp_path)
    assert len(found["cards"]) == MOST
    assert [c["latent"] for c in found["cards"] if c["shelf"] == 1] == [1, 2]
    first = [c["latent"] for c in found["cards"] if c["shelf"] == 0]
    assert first == spread(range(300), MOST - 2)
    assert "200 of 302 latent cards" in found["notes"][0]
    assert "whatever is on them" in found["notes"][0]
    assert found["shelves"][0]["rows"] == [0, 1]
    assert found["shelves"][0]["cards"] == 300
    missing = found["shelves"][0]["more"].rpartition(" ")[2]
    assert int(missing) not in first
    assert found["shelves"][0]["more"] == f"python -m ledger show paper.latents {RUN} --unit {missing}"
    assert found["shelves"][1]["more"] is None


def test_an_artifact_that_two_rows_name_has_its_cards_once(tmp_path):
    digest = shelf(tmp_path, 7)
    found = latents([row(digest), row(digest)], RUN, tmp_path)
    assert [c["latent"] for c in found["cards"]] == [7]
    assert found["shelves"][0] == {
        "artifact": digest,
        "label": "lexical on sae",
        "rows": [0, 1],
        "cards": 1,
        "more": None,
    }
    assert found["notes"] == ["1 of 1 latent cards are in this page."]


def test_the_rows_of_every_artifact_with_the_same_latent_are_its_claims(tmp_path):
    same = made_with("c" * 64)
    one, two = shelf(tmp_path, 7, 8, recipe=same), shelf(tmp_path, 7, recipe=same, scorer="other")
    randomised = shelf(tmp_path, 7, recipe=made_with("d" * 64))
    found = latents([row(one), row(two), row(randomised)], RUN, tmp_path)
    assert [c.get("rows") for c in found["cards"]] == [[0, 1], None, [0, 1], None]


def test_without_artifacts_there_is_nothing_to_say(tmp_path):
    assert latents([{"claim": "c", "artifacts": []}], RUN, tmp_path) is None
    assert latents([row(kept(tmp_path, {"units.json": {}}))], RUN, tmp_path) is None


@pytest.mark.parametrize("store", [None, "elsewhere"])
def test_cards_that_are_not_on_this_machine_are_said_to_be_missing(tmp_path, store):
    found = latents([row(shelf(tmp_path, 7))], RUN, store and tmp_path / store)
    assert found["cards"] == []
    assert found["notes"][0].startswith("1 of the 1 artifacts that rows name are not on")


@pytest.mark.parametrize("name", ["files/cards/7.json", "manifest.json"])
def test_what_was_altered_is_named_without_a_folder_of_this_machine(tmp_path, name):
    digest = shelf(tmp_path, 7, 8)
    path = tmp_path / "v1" / "artifacts" / digest[:2] / digest / name
    path.write_text(path.read_text() + " }")
    found = latents([row(digest)], RUN, tmp_path)
    assert [c["latent"] for c in found["cards"]] == ([8] if "cards" in name else [])
    (said,) = found["damaged"]
    assert said.startswith(f"{name.removeprefix('files/')} of artifact {digest[:12]}: it: ")
    assert str(tmp_path) not in json.dumps(found)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"schema": 2}, "schema 2, this version reads 1"),
        ({"rate": 1.5}, "1.5 where a share from 0 to 1 was expected"),
        ({"rate": None}, "no firing rate"),
        ({"rate": True}, "a share"),
        ({"latent": 9}, "the card of latent 9"),
        ({"latent": 7.0}, "a whole number"),
        ({"chosen": ["best"]}, "is not text"),
        ({"scores": {"detection": {"score": 2, "parse_rate": 1, "n": 1}}}, "2 where a share"),
        ({"scores": {"d": {"score": 1, "parse_rate": 1, "n": 1, "interval": [0.1]}}}, "is not .lower, upper."),
        ({"contexts": 3}, "not a card .TypeError."),
        ({"contexts": [{"name": "x", "windows": [window("a", activations=[-1.0])]}]}, "an activation that is not"),
        ({"contexts": [{"name": "x", "windows": [window("a", activations=[1e400])]}]}, "not JSON"),
        ({"contexts": [{"name": "x", "windows": [window("a", activations=[1.0, 2.0])]}]}, "as many activations"),
        ({"contexts": [{"name": "x", "windows": [window(activations=[])]}]}, "needs tokens"),
        ({"contexts": [{"name": "x", "windows": [{"tokens": [1], "activations": [1]}]}]}, "not text"),
        ({"explanation": "hf_" + "a" * 30}, "access key"),
        ({"contexts": [{"name": "x", "windows": [window("hf_", "a" * 15, "b" * 15)]}]}, "access key"),
    ],
)
def test_a_card_that_cannot_be_drawn_is_named(tmp_path, changes, words):
    digest = kept(tmp_path, {"cards/7.json": {**card(), **changes}, "cards/8.json": card(latent=8)})
    found = latents([row(digest)], RUN, tmp_path)
    assert [c["latent"] for c in found["cards"]] == [8]

    assert re.search(f"cards/7.json of artifact {digest[:12]}: .*{words}", found["damaged"][0]), found["damaged"]

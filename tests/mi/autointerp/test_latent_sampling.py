"""examples: which contexts of a latent are shown and scored, on planted latents."""

import json
import shutil
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from mi.autointerp import sampler
from mi.autointerp.cache import cache
from mi.autointerp.cached import Cached
from mi.autointerp.examples import examples
from mi.autointerp.last_look import last_look
from mi.autointerp.latent_examples import read_index, read_latents
from mi.autointerp.registered import digest
from mi.progress import SILENT
from mi.refusal import Refusal

TOKEN, PAIR, DEAD, ALWAYS, RARE, OTHER = range(6)  # see conftest.py
DRAWN = [TOKEN, PAIR, DEAD, ALWAYS, RARE, 7, 9]
SIZES = {"n_explain": 20, "n_test": 20, "n_silent": 25, "min_examples": 30}


@pytest.fixture
def sample(planted, tmp_path):
    """``sample(**params)``: the latents by number, the index and the facts."""

    def run(drawn=DRAWN, **params):
        out = tmp_path / f"out{len(list(tmp_path.iterdir()))}"
        out.mkdir()
        given = {
            **{"train": planted.train, "test": planted.test, "subject": planted.subject},
            **{"drawn": list(drawn), "digest": digest(drawn), **SIZES, **params},
        }
        facts = examples(out, progress=SILENT, **given)
        run.folder = out
        return {x.latent: x for x in read_latents(out)}, read_index(out), facts

    return run


def shown(latent):
    return (*latent.explain, *latent.silent, *latent.test)


def of(planted, example):
    """The document and the position of a window's first token, by its id."""
    name, _, start = example.id.rpartition(":")
    side = "train" if name.startswith("train") else "test"
    return side, planted.documents[side][int(name.removeprefix(side))], int(start) - 1


def test_labels_are_the_planted_ones(planted, sample):
    latents, _, _ = sample()
    for latent, fires in (
        (TOKEN, lambda ids, i: ids[i] == 15),
        (PAIR, lambda ids, i: i > 0 and ids[i - 1 : i + 1] == [15, 16]),
    ):
        for example in shown(latents[latent]):
            _, ids, start = of(planted, example)
            truth = [fires(ids, start + k) for k in range(len(example.tokens))]
            assert [a > 0 for a in example.activations] == truth
            assert example.activating == any(truth)
            if example.activating:
                assert set(example.marks) <= {k for k, t in enumerate(truth) if t}


def test_every_registered_latent_goes_one_way(sample):
    _, index, facts = sample()
    assert index["scored"] == [TOKEN, PAIR, 7, 9]
    assert index["dead"] == [DEAD]
    assert index["lost"] == {
        str(ALWAYS): "0 of 25 silent training windows; 0 of 25 silent test windows",
        str(RARE): "3 of 30 activating training windows; 3 of 20 activating test windows",
    }
    assert (facts["drawn"], facts["scored"], facts["dead"], facts["lost"]) == (7, 4, 1, 2)
    assert index["drawn"] == sorted(DRAWN)
    assert index["digest"] == digest(DRAWN)


def test_rates_are_of_the_training_texts_alone(planted, sample):
    latents, index, _ = sample()
    tokens = [t for d in planted.documents["train"] for t in d]
    assert index["rates"][str(TOKEN)] == latents[TOKEN].rate == tokens.count(15) / len(tokens)
    assert index["rates"][str(ALWAYS)] == 1.0
    assert index["rates"][str(DEAD)] == 0.0


def test_exactly_as_many_as_asked_for(planted, sample):
    latents, index, _ = sample()
    for x in latents.values():
        assert Counter(e.activating for e in x.test) == {True: 20, False: 25}
        assert (len(x.explain), len(x.silent)) == (20, 25)
        assert all(e.activating for e in x.explain)
        assert not any(e.activating for e in x.silent)
        assert all(len({e.id for e in part}) == len(part) for part in (x.explain, x.silent, x.test))
        assert {of(planted, e)[0] for e in (*x.explain, *x.silent)} == {"train"}
        assert {of(planted, e)[0] for e in x.test} == {"test"}
        assert Counter(e.decile for e in x.explain) == dict.fromkeys(range(10), 2)
        assert Counter(e.decile for e in x.test if e.activating) == dict.fromkeys(range(10), 2)
        assert [e.decile for e in x.explain] == sorted(e.decile for e in x.explain)
        assert {e.decile for e in x.test if not e.activating} == {None}
    assert set(index["length_auc"]) == {str(x) for x in latents}


def test_deciles_are_in_the_order_of_strength(sample):
    latents, _, _ = sample()
    for x in latents.values():
        for part in (x.explain, [e for e in x.test if e.activating]):
            peaks = {d: [max(e.activations) for e in part if e.decile == d] for d in range(10)}
            assert all(max(peaks[d + 1]) <= min(peaks[d]) for d in range(9))


def test_the_kinds_are_mixed(sample):
    latents, _, _ = sample()
    for x in latents.values():
        kinds = [e.activating for e in x.test]
        assert 10 < sum(a != b for a, b in pairwise(kinds)) < 35


def test_marks_are_as_many_on_both_kinds(sample):
    latents, _, _ = sample()
    x = latents[TOKEN]
    counts = {kind: {len(e.marks) for e in x.test if e.activating is kind} for kind in (True, False)}
    assert counts[False] <= counts[True]
    for e in x.test:
        assert len(set(e.marks)) == len(e.marks) > 0
        assert set(e.marks) <= set(range(len(e.tokens)))


def test_no_padding_and_no_bos_is_shown(sample, planted):
    latents, _, _ = sample()
    short = 0
    for example in (e for x in latents.values() for e in shown(x)):
        _, ids, start = of(planted, example)
        assert len(example.tokens) == len(example.activations) == min(32, len(ids) - start)
        assert "<bos>" not in example.text
        assert "<pad>" not in example.text
        short += len(example.tokens) < 32
    assert short > 20


def test_the_same_seed_the_same_bytes(sample):
    sample()
    first = (sample.folder / "latents.jsonl").read_bytes()
    np.random.seed(1)
    sample()
    assert (sample.folder / "latents.jsonl").read_bytes() == first
    sample(drawn=[9, TOKEN])  # a latent's draw does not depend on which others are drawn
    assert (sample.folder / "latents.jsonl").read_text().splitlines()[0] == first.decode().splitlines()[0]
    sample(seed=1)
    assert (sample.folder / "latents.jsonl").read_bytes() != first


def test_a_repeat_has_other_test_windows(sample):
    small = {"n_test": 10, "n_silent": 10}
    runs = [sample(repeat=r, **small)[0] for r in range(3)]
    for latent in runs[0]:
        same = [run[latent] for run in runs]
        assert same[0].explain == same[1].explain == same[2].explain
        assert same[0].silent == same[1].silent
        ids = [{e.id for e in x.test} for x in same]
        assert not ids[0] & ids[1]
        assert not ids[2] & (ids[0] | ids[1])


def test_a_repeat_without_windows_left_is_lost(sample):
    _, index, _ = sample(repeat=4)
    have = sample(drawn=[PAIR, TOKEN], repeat=0)[1]["scored"]
    assert have == [TOKEN, PAIR]
    assert index["scored"] == [TOKEN, 7, 9]
    assert index["lost"][str(PAIR)].endswith("of 100 activating test windows")


@pytest.mark.parametrize(
    "wrong",
    [{"n_explain": 25}, {"n_test": 15}, {"n_silent": 0}, {"deciles": 0.5}, {"repeat": -1}, {"deciles": 7}],
)
def test_numbers_that_delphi_would_change(sample, wrong):
    with pytest.raises(Refusal, match="multiples of the deciles"):
        sample(**wrong)


@pytest.mark.parametrize(
    ("drawn", "registered"),
    [
        (range(7), DRAWN),  # delphi's max_latents: the first ones
        (DRAWN[:-1], DRAWN),
        ([*DRAWN, DRAWN[0]], DRAWN),
        ([], []),
    ],
)
def test_other_latents_than_the_registered_ones(sample, drawn, registered):
    with pytest.raises(Refusal, match="the registered ones"):
        sample(drawn, digest=digest(registered))


def recached(planted, folder, side="test", coder="planted", coders=None, harvest=None, **params):
    folder.mkdir()
    given = {"activations": harvest or planted.folder / side, "coders": coders or planted.coders, "coder": coder}
    cache(folder, progress=SILENT, **given, **params)
    return folder


def test_a_cache_of_fewer_latents(planted, sample, tmp_path):
    with pytest.raises(Refusal, match=r"without 1 of the registered latents \(\[9\]\)"):
        sample(test=recached(planted, tmp_path / "c", latents=DRAWN[:-1]))


def test_a_cache_of_other_windows(planted, sample, tmp_path):
    with pytest.raises(Refusal, match="length 32 on training texts and 16"):
        sample(test=recached(planted, tmp_path / "c", length=16))


def test_another_coder_of_the_same_name(planted, sample, tmp_path, write_coder):
    import torch

    coders = write_coder(tmp_path / "coders", "planted", torch.ones(12, 80), torch.ones(12))
    with pytest.raises(Refusal, match="one on both sides"):
        sample(test=recached(planted, tmp_path / "c", coders=coders))


def test_another_subject(planted, sample):
    with pytest.raises(Refusal, match="of another subject"):
        sample(subject={**planted.subject, "weights": "reinit"})


def test_the_training_texts_as_test_texts(planted, sample):
    with pytest.raises(Refusal, match="300 documents among the training and the test texts"):
        sample(test=planted.train)


def test_bos_that_was_not_fed(planted, sample, tmp_path, write_harvest):
    """What delphi's filter_bos leaves: documents whose first scored token is the first that was fed."""
    documents = planted.documents["test"]
    harvest = write_harvest(tmp_path / "test", documents, subject=planted.subject, first_position=0)
    with pytest.raises(Refusal, match="300 of 300 documents that began without BOS"):
        sample(test=recached(planted, tmp_path / "c", harvest=harvest))


def test_special_tokens_among_the_windows(planted, sample, tmp_path):
    from safetensors.numpy import load_file, save_file

    folder = tmp_path / "c"
    shutil.copytree(planted.test, folder)
    path = next((folder / "latents").glob("*/*.safetensors"))
    tensors = load_file(path)
    tensors["tokens"][5, 0] = 0
    save_file(tensors, path)
    with pytest.raises(Refusal, match="1 special tokens in windows"):
        sample(test=folder)


def test_windows_drawn_with_replacement_are_found(sample, monkeypatch):
    """delphi's random non-activating windows."""

    def with_replacement(pool, size, like, n, rng):
        return rng.choice(pool, n)

    monkeypatch.setattr(sampler, "silent_windows", with_replacement)
    with pytest.raises(Refusal, match="different examples"):
        sample()


def test_windows_of_the_wrong_kind_are_found(sample, monkeypatch):
    """Windows in which the latent fires, shown as if it were silent there."""
    silent = sampler.Sampler._silent

    def fires(self, side, like, pool, rng):
        windows = np.unique(side.firings(TOKEN).window)
        return silent(self, side, like, np.setdiff1d(windows, [d.window for d in like]), rng)

    monkeypatch.setattr(sampler.Sampler, "_silent", fires)
    with pytest.raises(Refusal, match=r"not activating\. Expected the activations of its window, at most [1-9]"):
        sample(drawn=[TOKEN])


@pytest.mark.parametrize(
    "spoil", [lambda i: i["lost"].pop("4"), lambda i: i["dead"].append(4), lambda i: i["scored"].pop()]
)
def test_a_latent_that_went_nowhere_or_two_ways_is_found(sample, planted, spoil):
    """Survivor bias: delphi leaves rare latents out and says nothing."""
    latents, index, _ = sample()
    sides = Cached(planted.train), Cached(planted.test)
    last_look(index, list(latents.values()), *sides)
    spoil(index)
    with pytest.raises(Refusal, match="accounted for"):
        last_look(index, list(latents.values()), *sides)


def test_other_activations_than_the_caches_are_found(sample, planted):
    latents, index, _ = sample()
    found = list(latents.values())
    one = found[0].test[3]
    altered = replace(one, activations=tuple(a * 1.01 + 0.01 for a in one.activations))
    found[0] = replace(found[0], test=tuple(altered if e is one else e for e in found[0].test))
    with pytest.raises(Refusal, match="the activations of its window"):
        last_look(index, found, Cached(planted.train), Cached(planted.test))


def test_no_latent_to_score(sample):
    with pytest.raises(Refusal, match="1 dead and 2 rare latents"):
        sample(drawn=[DEAD, ALWAYS, RARE])


def test_the_index_is_json_and_says_what_was_done(sample, planted):
    _, index, facts = sample()
    json.dumps(facts)
    assert index["settings"] == {**SIZES, "deciles": 10, "seed": 0, "repeat": 0, "length": 32}
    assert index["coder"]["name"] == "planted"
    assert index["coder"]["n_latents"] == index["n_latents"] == 12
    assert index["texts"]["train"] != index["texts"]["test"]
    assert index["subject"] == planted.subject

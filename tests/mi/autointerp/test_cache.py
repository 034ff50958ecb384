import json
import shutil

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from mi.activations.read import Activations
from mi.autointerp.cache import cache
from mi.autointerp.cached import COUNTS, FOLDER, Cached
from mi.autointerp.delphi_engine import load
from mi.autointerp.spot_check import spot_check
from mi.coders.linear_coder import Gate
from mi.coders.load import load_coder
from mi.progress import SILENT
from mi.refusal import Refusal

X = "blocks.1.mlp.hook_in"
A, B = 15, 16  # see conftest.py
TOKEN, PAIR, DEAD, ALWAYS = range(4)


def build(out, harvest, coders, coder="planted", **params):
    out.mkdir()
    facts = cache(out, progress=SILENT, activations=harvest, coders=coders, coder=coder, **params)
    return Cached(out), facts


def dense(stored, latent):
    found = stored.firings(latent)
    values = np.zeros(stored.windows.tokens.shape, dtype=np.float32)
    values[found.window, found.offset] = found.activation
    return values


def test_planted_latents_are_where_they_were_planted(planted):
    stored = Cached(planted.train)
    windows = stored.windows
    inside = np.arange(windows.length)[None, :] < windows.size[:, None]
    tokens = np.where(inside, windows.tokens, -1)
    assert ((dense(stored, TOKEN) > 0) == (tokens == A)).all()
    # What stands in front of a window counts as well: the model saw it.
    document = {(d, p): t for d, ids in enumerate(planted.documents["train"]) for p, t in enumerate(ids, 1)}
    before = np.full(tokens.shape, -1)
    for w, (d, start) in enumerate(zip(windows.document.tolist(), windows.start.tolist(), strict=True)):
        for k in range(windows.size[w]):
            before[w, k] = document.get((d, start + k - 1), -1)
    assert ((dense(stored, PAIR) > 0) == ((tokens == B) & (before == A))).all()
    assert ((dense(stored, ALWAYS) > 0) == inside).all()
    assert not dense(stored, DEAD).any()


def test_the_tokens_are_those_of_the_documents(planted):
    stored = Cached(planted.train)
    shown = {}
    for w in range(len(stored.windows)):
        shown.setdefault(int(stored.windows.document[w]), []).extend(stored.windows.ids(w))
    for k, ids in enumerate(planted.documents["train"]):
        tail = len(ids) % 32 if len(ids) % 32 < stored.index["shortest"] else 0
        assert shown[k] == ids[: len(ids) - tail]


def test_counts_are_of_all_latents_and_all_scored_tokens(planted, tmp_path):
    some, facts = build(tmp_path / "some", planted.folder / "train", planted.coders, latents=[PAIR, ALWAYS])
    coder, rows = load_coder(planted.coders / "planted"), Activations(planted.folder / "train")
    z = torch.cat([coder.encode(batch[X]) for batch in rows.ordered(X, 500)])
    assert some.counts["tokens"].tolist() == (z != 0).sum(0).tolist()
    assert facts["n_tokens"] == len(z) == sum(map(len, planted.documents["train"]))
    assert facts["dead"] == 1
    assert facts["dropped_tokens"] > 0
    every = Cached(planted.train)
    for name in ("windowed", "windows"):
        assert some.counts[name].tolist() == every.counts[name].tolist()
    for latent in range(every.n_latents):
        fires = dense(every, latent) > 0
        assert (fires.sum(), fires.any(1).sum()) == (every.counts["windowed"][latent], every.counts["windows"][latent])
    assert (dense(some, PAIR) == dense(every, PAIR)).all()
    assert some.rate(ALWAYS) == 1.0
    with pytest.raises(Refusal, match="latent 0 of a cache that keeps 2"):
        some.firings(TOKEN)


def test_nothing_is_rounded_away(tmp_path, write_harvest, write_coder):
    """In float16 the largest is infinite and the smallest 0; delphi leaves out what is below 1e-5."""
    values = torch.tensor([1e-7, 3e-6, 0.0, 1.0, 7e4, 1e6]).repeat(20)
    rows = values[:, None].clone()
    harvest = write_harvest(tmp_path / "h", [[10 + k % 6 for k in range(12)]] * 10, rows=rows)
    coders = write_coder(tmp_path / "c", "one", torch.ones(1, 1), torch.zeros(1), sae=True)
    stored, _ = build(tmp_path / "out", harvest, coders, "one")
    assert stored.firings(0).activation.tolist() == values[values > 0].tolist()
    half = values.half()
    assert int((half > 0).sum()) < int((values > 0).sum()) or not bool(half.isfinite().all())


def test_a_transcoder_is_read_where_it_reads(planted, tmp_path):
    stored, _ = build(tmp_path / "out", planted.folder / "train", planted.coders)
    assert stored.index["coder"]["site_in"] == X != stored.hookpoint
    harvest = tmp_path / "less"
    shutil.copytree(planted.folder / "train", harvest)
    index = json.loads((harvest / "index.json").read_text("utf-8"))
    del index["sites"][X]
    (harvest / "index.json").write_text(json.dumps(index), "utf-8")
    with pytest.raises(Refusal, match="Harvest these sites"):
        build(tmp_path / "other", harvest, planted.coders)


@pytest.mark.parametrize("latents", [[1, 1], [], [12], [-1]])
def test_latents_that_the_coder_has_not(planted, tmp_path, latents):
    with pytest.raises(Refusal, match="latents, "):
        build(tmp_path / "out", planted.folder / "train", planted.coders, latents=latents)


def test_bos_among_the_scored_tokens(tmp_path, write_harvest, planted):
    documents = [[12, *d] for d in planted.documents["train"][:20]]
    harvest = write_harvest(tmp_path / "h", documents, first_position=0)
    with pytest.raises(Refusal, match="no BOS among the scored rows"):
        build(tmp_path / "out", harvest, planted.coders)


def test_strength_that_is_negative(tmp_path, planted, monkeypatch):
    monkeypatch.setattr(Gate, "__call__", lambda self, pre: pre)
    with pytest.raises(Refusal, match="positive where a latent fires"):
        build(tmp_path / "out", planted.folder / "train", planted.coders)


def shifted(t):
    t["locations"][:, 1] = (t["locations"][:, 1] + 1) % 32


def other_window(t):
    t["locations"][:, 0] = (t["locations"][:, 0].astype(int) + 1) % len(t["tokens"])


def halved(t):
    t["activations"] = t["activations"].astype(np.float16).astype(np.float32)


def infinite(t):
    t["activations"][:] = np.nan


def lost(t):
    kept = t["activations"] < np.quantile(t["activations"], 0.9)
    t["activations"], t["locations"] = t["activations"][kept], t["locations"][kept]


def twice(t):
    t["locations"], t["activations"] = (np.concatenate([t[k], t[k][:5]]) for k in ("locations", "activations"))


def other_latent(t):
    t["locations"][:, 2] = (t["locations"][:, 2] + 1) % 12


def other_tokens(t):
    t["tokens"] = np.roll(t["tokens"], 1, axis=0)


@pytest.mark.parametrize("spoil", [shifted, other_window, halved, infinite, lost, twice, other_latent, other_tokens])
def test_known_bad_caches_are_found(planted, tmp_path, spoil):
    folder = tmp_path / "cache"
    shutil.copytree(planted.train, folder)
    stored = Cached(folder)
    rows, coder = Activations(planted.folder / "train"), load_coder(planted.coders / "planted")
    spot_check(stored, rows, coder)
    path = next((folder / FOLDER).glob("*/*.safetensors"))
    tensors = load_file(path)
    spoil(tensors)
    order = np.argsort(tensors["locations"][:, 0], kind="stable")
    tensors |= {name: np.ascontiguousarray(tensors[name][order]) for name in ("locations", "activations")}
    save_file(tensors, path)
    with pytest.raises(Refusal, match=r"Look for (rows|places)"):
        spot_check(Cached(folder), rows, coder)


def test_counts_that_do_not_add_up(planted, tmp_path):
    folder = tmp_path / "cache"
    shutil.copytree(planted.train, folder)
    counts = load_file(folder / COUNTS)
    counts["windows"][TOKEN] += 1
    save_file(counts, folder / COUNTS)
    with pytest.raises(Refusal, match="latent 0 counted on"):
        spot_check(Cached(folder), Activations(planted.folder / "train"), load_coder(planted.coders / "planted"))


def test_two_runs_write_the_same_bytes(planted, tmp_path):
    build(tmp_path / "again", planted.folder / "train", planted.coders)
    for path in planted.train.rglob("*"):
        if path.is_file():
            assert (tmp_path / "again" / path.relative_to(planted.train)).read_bytes() == path.read_bytes(), path.name


def test_delphi_reads_the_same_windows(planted):
    """Its LatentDataset, on our files, finds what a look at every window finds."""
    config = load("delphi.config")
    loader = load("delphi.latents.loader")
    stored = Cached(planted.train)
    dataset = loader.LatentDataset(
        planted.train / FOLDER,
        config.SamplerConfig(n_examples_train=10, n_examples_test=10, n_quantiles=10),
        config.ConstructorConfig(example_ctx_len=32, min_examples=1, n_non_activating=5),
        tokenizer=_Numbers(),
        latents={stored.hookpoint: torch.tensor([TOKEN, PAIR, ALWAYS])},
        modules=[stored.hookpoint],
    )
    records = {record.latent.latent_index: record for record in dataset}
    assert set(records) == {TOKEN, PAIR, ALWAYS}
    for latent, record in records.items():
        ours = dense(stored, latent)
        rows = [w for w in range(len(ours)) if ours[w].any()]
        theirs = {(tuple(e.tokens.tolist()), tuple(e.activations.tolist())) for e in record.examples}
        assert theirs == {(tuple(stored.windows.tokens[w].tolist()), tuple(ours[w].tolist())) for w in rows}
        assert len(record.examples) == len(rows) == stored.counts["windows"][latent]


def test_its_configuration_has_delphis_fields(planted):
    ours = json.loads(next((planted.train / FOLDER).glob("*/config.json")).read_text("utf-8"))
    assert set(ours) == set(load("delphi.config").CacheConfig().to_dict()) | {"model_name"}


class _Numbers:
    def batch_decode(self, ids):
        return [str(int(i)) for i in ids]

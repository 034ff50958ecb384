"""A harvest in parts, merged, is the harvest in one go."""

import hashlib
import json
import shutil
import tempfile
from itertools import chain
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mi.activations import merge as module
from mi.activations import shard_writer
from mi.activations.harvest import harvest
from mi.activations.merge import merge
from mi.activations.read import Activations
from mi.progress import SILENT
from mi.refusal import Refusal

SITES = ["blocks.1.hook_mlp_out", "blocks.2.hook_resid_post"]


def contents(folder):
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.iterdir())}


def text_artifact(folder, texts):
    folder.mkdir()
    lines = [{"id": f"d{i}", "text": t, "domain": "ab"[i % 2]} for i, t in enumerate(texts)]
    (folder / "documents.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return folder


def made(out, **settings):
    out.mkdir()
    return harvest(out, progress=SILENT, sites=SITES, **{"max_length": 16, "batch_size": 4, **settings})


def in_parts(folder, n, **settings):
    """The folders of a harvest's parts, by the name that a merge takes."""
    parts = {f"part{k}": folder / f"of{n}-{k}" for k in range(n)}
    for k, out in enumerate(parts.values()):
        made(out, part=k, parts=n, **settings)
    return parts


def merged(out, **parts):
    out.mkdir()
    return merge(out, progress=SILENT, **parts)


def rows(folder):
    batches = list(Activations(folder).ordered(SITES, 50))
    return {name: torch.cat([b[name] for b in batches]) for name in batches[0]}


@pytest.fixture
def texts(tmp_path, some_sentences):
    return text_artifact(tmp_path / "texts", [*some_sentences(60), "<bos>", ""])


@pytest.fixture
def about(texts, tiny_spec):
    return {"texts": texts, "subject": tiny_spec(), "shard_rows": 60}


@settings(max_examples=15, deadline=None)
@given(
    words=st.lists(st.integers(0, 30), min_size=4, max_size=40),
    shard_rows=st.integers(1, 60),
    max_rows=st.none() | st.integers(1, 300),
    parts=st.integers(2, 5),
    batch_size=st.integers(1, 9),
)
def test_parts_make_the_whole(tiny_spec, words, shard_rows, max_rows, parts, batch_size):
    """To the byte, here: documents are batched within a shard, whoever makes it. Elsewhere sums come in other orders."""
    about = {"subject": tiny_spec(), "shard_rows": shard_rows, "max_rows": max_rows, "batch_size": batch_size}
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        texts = text_artifact(here / "texts", [" ".join(["cat", "the"] * 15)[: 4 * n] for n in words])
        try:
            facts = made(here / "whole", texts=texts, **about)
        except Refusal:
            assert not any(words)
            return
        if facts["shards"] < parts:
            with pytest.raises(Refusal, match="fewer parts, or smaller shards"):
                in_parts(here, parts, texts=texts, **about)
            return
        assert merged(here / "merged", **in_parts(here, parts, texts=texts, **about)) == facts
        assert contents(here / "merged") == contents(here / "whole")


def test_parts_that_ran_on_other_kernels_have_the_same_rows_otherwise_summed(tmp_path, about, monkeypatch):
    """What may differ between machines: the last bits of activations, and with them the shards' digests."""
    whole = made(tmp_path / "whole", **about)
    parts = in_parts(tmp_path, 3, **about)
    run = shard_writer.ShardWriter._batches
    alone = lambda self, rows: ([i] for batch in run(self, rows) for i in batch)  # noqa: E731
    monkeypatch.setattr(shard_writer.ShardWriter, "_batches", alone)
    shutil.rmtree(parts["part1"])
    made(parts["part1"], part=1, parts=3, **about)
    assert merged(tmp_path / "merged", **parts) == whole
    ours, theirs = rows(tmp_path / "merged"), rows(tmp_path / "whole")
    assert all(ours[name].equal(theirs[name]) for name in ("document", "position", "token"))
    assert all(torch.allclose(ours[site], theirs[site], atol=1e-4, rtol=1e-4) for site in SITES)
    assert not all(ours[site].equal(theirs[site]) for site in SITES)
    a, b = (json.loads((tmp_path / name / "index.json").read_text()) for name in ("merged", "whole"))
    assert {key for key in a if a[key] != b[key]} == {"sha256"}
    Activations(tmp_path / "merged").verify()


def test_each_part_runs_its_own_documents_only(tmp_path, about, monkeypatch):
    ran = []
    write = shard_writer.ShardWriter.write

    def noted(self, number, first, piece, *rest):
        ran.append([line for line, _, _ in piece])
        return write(self, number, first, piece, *rest)

    monkeypatch.setattr(shard_writer.ShardWriter, "write", noted)
    facts = made(tmp_path / "whole", max_rows=300, **about)
    whole = list(chain(*ran))
    ran.clear()
    parts = in_parts(tmp_path, 3, max_rows=300, **about)
    assert list(chain(*ran)) == whole == list(range(facts["documents"]))
    assert facts["documents"] < 60
    shards = [len(list(part.glob("*.safetensors"))) for part in parts.values()]
    assert max(shards) - min(shards) <= 1


def test_shards_are_linked_and_stay_when_a_part_goes(tmp_path, about):
    parts = in_parts(tmp_path, 2, **about)
    merged(tmp_path / "merged", **parts)
    first = "shard-00000.safetensors"
    assert (tmp_path / "merged" / first).samefile(parts["part0"] / first)
    before = rows(tmp_path / "merged")
    for part in parts.values():
        shutil.rmtree(part)
    Activations(tmp_path / "merged").verify()
    assert all(before[name].equal(value) for name, value in rows(tmp_path / "merged").items())


def test_without_links_shards_are_copied(tmp_path, about, monkeypatch):
    def refuse(*paths):
        raise OSError("no links here")

    parts = in_parts(tmp_path, 2, **about)
    monkeypatch.setattr(module.os, "link", refuse)
    merged(tmp_path / "merged", **parts)
    first = "shard-00000.safetensors"
    assert not (tmp_path / "merged" / first).samefile(parts["part0"] / first)
    Activations(tmp_path / "merged").verify()


def test_an_interrupted_part_goes_on_and_ends_the_same(tmp_path, about, monkeypatch):
    wanted = contents(in_parts(tmp_path, 2, **about)["part1"])
    numbers = sorted(int(name[6:11]) for name in wanted if name.endswith("safetensors"))
    assert len(numbers) > 2
    assert numbers[0] > 0
    record, ran = shard_writer.write_shard_record, []

    def stop(out, number, shard):
        if number == numbers[2]:
            raise KeyboardInterrupt
        ran.append(number)
        record(out, number, shard)

    out = tmp_path / "resumed"
    with monkeypatch.context() as patch:
        patch.setattr(shard_writer, "write_shard_record", stop)
        with pytest.raises(KeyboardInterrupt):
            made(out, part=1, parts=2, **about)
    run = shard_writer.ShardWriter.write
    monkeypatch.setattr(
        shard_writer.ShardWriter, "write", lambda self, n, *rest: (ran.append(n), run(self, n, *rest))[1]
    )
    harvest(out, progress=SILENT, sites=SITES, max_length=16, batch_size=4, part=1, parts=2, **about)
    assert contents(out) == wanted
    assert ran == numbers


def test_a_part_is_spot_checked(tmp_path, about, monkeypatch):
    run = shard_writer.ShardWriter._run

    def moved(self, *given):
        run(self, *given)
        self.tensors[SITES[1]] = self.tensors[SITES[1]].roll(1, 0)

    monkeypatch.setattr(shard_writer.ShardWriter, "_run", moved)
    with pytest.raises(Refusal, match="times as far from the same document run alone"):
        made(tmp_path / "part", part=1, parts=2, **about)


def test_a_part_is_not_read_as_a_harvest(tmp_path, about):
    with pytest.raises(Refusal, match="a finished harvest"):
        Activations(in_parts(tmp_path, 2, **about)["part0"])


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ({"sites": SITES[:1]}, "its sites"),
        ({"max_length": 12}, "its max_length"),
        ({"max_rows": 100}, "its max_rows"),
        ({"subject": "llama"}, "its subject"),
        ({"texts": 30}, "its texts"),
    ],
)
def test_parts_of_another_harvest_are_refused(tmp_path, about, other, says, tiny_spec, some_sentences):
    parts = in_parts(tmp_path, 2, **about)
    if "subject" in other:
        other = {"subject": tiny_spec("llama")}
    if "texts" in other:
        other = {"texts": text_artifact(tmp_path / "fewer", some_sentences(30))}
    out = tmp_path / "other"
    out.mkdir()
    settings = {"sites": SITES, "max_length": 16, "batch_size": 4, **about, **other}
    harvest(out, progress=SILENT, part=1, parts=2, **settings)
    with pytest.raises(Refusal, match=f"part1 of another harvest: {says}"):
        merged(tmp_path / "merged", part0=parts["part0"], part1=out)


def test_gaps_and_overlaps_are_refused(tmp_path, about):
    two, three = in_parts(tmp_path, 2, **about), in_parts(tmp_path, 3, **about)
    wrong = [
        ({"part0": three["part0"], "part1": three["part1"]}, "part 0 of 3 as part0"),
        ({"part0": two["part0"], "part1": three["part1"]}, "part 1 of 3 as part1"),
        ({"part0": two["part1"], "part1": two["part0"]}, "part 1 of 2 as part0"),
        ({"part0": two["part0"], "part1": two["part0"]}, "part 0 of 2 as part1"),
        ({"part0": two["part0"], "part2": two["part1"]}, "without a usable part1"),
        ({}, "no part"),
    ]
    for k, (parts, says) in enumerate(wrong):
        with pytest.raises(Refusal, match=says):
            merged(tmp_path / f"merged{k}", **parts)


@pytest.mark.parametrize("key", ["first", "stop"])
@pytest.mark.parametrize("by", [-1, 1])
def test_a_part_that_says_it_begins_or_ends_elsewhere_is_refused(tmp_path, about, key, by):
    parts = in_parts(tmp_path, 2, **about)
    which = parts["part1" if key == "first" else "part0"] / "part.json"
    found = json.loads(which.read_text())
    which.write_text(json.dumps({**found, key: found[key] + by}))
    with pytest.raises(Refusal, match="shard"):
        merged(tmp_path / "merged", **parts)


def test_a_shard_that_was_altered_is_refused(tmp_path, about):
    parts = in_parts(tmp_path, 2, **about)
    shard = next(parts["part1"].glob("*.safetensors"))
    data = bytearray(shard.read_bytes())
    data[-1] ^= 1
    shard.write_bytes(bytes(data))
    with pytest.raises(Refusal, match=r"safetensors of of2-1 was altered"):
        merged(tmp_path / "merged", **parts)

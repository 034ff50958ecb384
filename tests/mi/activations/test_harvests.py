import hashlib
import json
import shutil

import pytest
import torch

from mi.activations import shard_writer
from mi.activations.harvest import harvest
from mi.activations.read import Activations
from mi.progress import SILENT
from mi.refusal import Refusal
from mi.subjects.gates import build as build_gates
from mi.subjects.load import load_subject
from mi.subjects.tokens import TokenBatch

SITES = ["blocks.1.mlp.hook_in", "blocks.1.hook_mlp_out", "blocks.3.hook_resid_post"]


@pytest.fixture
def make(tmp_path, tiny_spec, write_texts, some_sentences):
    """Harvest some sentences into a folder of this name."""

    def run(name="out", texts=None, spec=None, sites=SITES, **settings):
        out = tmp_path / name
        out.mkdir(exist_ok=True)
        if texts is None:
            texts = tmp_path / "texts" if (tmp_path / "texts").exists() else write_texts(some_sentences(40))
        return out, harvest(
            out,
            progress=SILENT,
            texts=texts,
            subject=spec or tiny_spec(),
            sites=sites,
            **{"max_length": 24, "batch_size": 4, "shard_rows": 100, **settings},
        )

    return run


def contents(folder):
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.iterdir())}


def whole(folder, sites=SITES):
    batches = list(Activations(folder).ordered(sites, 7))
    return {name: torch.cat([b[name] for b in batches]) for name in batches[0]}


@pytest.mark.parametrize("architecture", ["neox", "gpt2", "llama", "gemma2"])
def test_rows_are_what_the_model_has_at_scored_tokens(make, tiny_spec, architecture, some_sentences, tmp_path):
    spec = tiny_spec(architecture)
    out, facts = make(spec=spec)
    got = whole(out)
    subject = load_subject(spec)
    row = 0
    for index, text in enumerate(some_sentences(40)):
        batch = subject.tokens([text], 24)
        acts = subject.run(batch, SITES)[1]
        here = slice(row, row + int(batch.scored.sum()))
        assert got["document"][here].eq(index).all()
        assert got["token"][here].tolist() == batch.ids[batch.scored].tolist()
        assert got["position"][here].tolist() == batch.positions[batch.scored].tolist()
        for site in SITES:
            assert torch.allclose(got[site][here], acts[site][batch.scored], atol=1e-4, rtol=1e-4)
        row = here.stop
    assert row == facts["rows"] == Activations(out).n_rows
    assert facts["truncated"] == sum(len(subject.tokenizer(t).input_ids) > 24 for t in some_sentences(40)) > 0
    assert Activations(out).sites == dict.fromkeys(SITES, 32)


def test_batches_decide_nothing(make):
    names = ("document", "position", "token")
    first = whole(make("a", batch_size=1)[0])
    for size in (3, 64):
        other = whole(make(f"b{size}", batch_size=size)[0])
        assert all(other[name].equal(first[name]) for name in names)
        assert all(torch.allclose(other[site], first[site], atol=1e-4, rtol=1e-4) for site in SITES)


def test_padding_on_the_left_gives_the_same_rows(make, monkeypatch):
    right = whole(make("right")[0])
    original = TokenBatch.of.__func__
    monkeypatch.setattr(
        TokenBatch, "of", classmethod(lambda cls, rows, pad, side="left": original(cls, rows, pad, "left"))
    )
    left = whole(make("left")[0])
    assert left["token"].equal(right["token"])
    assert all(torch.allclose(left[site], right[site], atol=1e-4, rtol=1e-4) for site in SITES)


def test_a_site_alone_equals_the_site_in_company(make):
    together = whole(make("a")[0])
    for site in SITES:
        assert whole(make(site, sites=[site])[0], [site])[site].equal(together[site])


def test_no_special_token_is_stored(make, write_texts):
    texts = write_texts(["<bos>the cat<bos> sat", "the<pad> dogs", "", "<bos><pad>", "ran"])
    out, facts = make(texts=texts)
    assert int(whole(out)["token"].min()) > 1
    assert facts["excluded"] == 2
    assert Activations(out).documents == ["d0", "d1", "d4"]
    assert Activations(out).domains == ["a", "b", "a"]


def test_the_same_recipe_gives_the_same_bytes(make):
    assert contents(make("a")[0]) == contents(make("b")[0])


class Killed(BaseException):
    pass


@pytest.mark.parametrize("at", ["before the record", "while writing", "before the index"])
def test_an_interrupted_harvest_goes_on_and_ends_the_same(make, monkeypatch, at):
    wanted = contents(make("whole")[0])
    shards = sum(name.endswith("safetensors") for name in wanted)
    assert shards > 3
    with monkeypatch.context() as patch:
        if at == "before the record":
            original = shard_writer.write_shard_record

            def record(out, number, shard):
                if number == 2:
                    raise Killed
                original(out, number, shard)

            patch.setattr(shard_writer, "write_shard_record", record)
        elif at == "while writing":
            save = shard_writer.save_file

            def cut(tensors, path):
                save(tensors, path)
                if "00002" in path.name:
                    path.write_bytes(path.read_bytes()[:50])
                    raise Killed

            patch.setattr(shard_writer, "save_file", cut)
        else:
            patch.setattr("mi.activations.harvest.finish", lambda *args: (_ for _ in ()).throw(Killed))
        with pytest.raises(Killed):
            make("resumed")
    ran = []
    original_run = shard_writer.ShardWriter.write
    monkeypatch.setattr(
        shard_writer.ShardWriter, "write", lambda self, n, *rest: (ran.append(n), original_run(self, n, *rest))[1]
    )
    assert contents(make("resumed")[0]) == wanted
    assert ran == ([] if at == "before the index" else list(range(2, shards)))


def test_shards_of_another_plan_or_damaged_ones_are_not_used(make):
    out, _ = make("a")
    wanted = contents(out)
    (out / "stray").write_text("x")
    damaged = out / "shard-00001.safetensors"
    data = bytearray(damaged.read_bytes())
    data[-1] ^= 1
    damaged.write_bytes(bytes(data))
    assert contents(make("a")[0]) == wanted
    make("a", max_length=12)
    assert contents(out) == contents(make("fresh", max_length=12)[0])


def test_rows_end_with_a_whole_document(make):
    out, facts = make(max_rows=60)
    assert 60 <= facts["rows"] < 60 + 24
    rest = whole(out)
    assert rest["document"].unique().tolist() == list(range(facts["documents"]))


def test_more_texts_take_no_more_memory(make, write_texts, some_sentences, monkeypatch):
    held = []
    original = shard_writer.ShardWriter.write

    def write(self, number, first, part, *rest):
        shard = original(self, number, first, part, *rest)
        held.append((sum(t.nbytes for t in self.tensors.values()), len(part)))
        return shard

    monkeypatch.setattr(shard_writer.ShardWriter, "write", write)
    make("few", texts=write_texts(some_sentences(60), name="few-texts"))
    few = [max(column) for column in zip(*held, strict=True)]
    held.clear()
    make("many", texts=write_texts(some_sentences(600), name="many-texts"))
    many = [max(column) for column in zip(*held, strict=True)]
    assert len(held) > 30
    assert many[0] < (100 + 24) * (3 * 32 + 3) * 4
    assert many[0] < 1.3 * few[0]
    assert many[1] < 1.3 * few[1]


def test_what_is_not_finite_is_named_with_its_document(make, write_texts, tiny_spec, monkeypatch):
    texts = write_texts(["the cat", "dogs ran from one town", "sat on a mat while 7 nobody", "cat sat"])
    seven = load_subject(tiny_spec()).tokenizer("7", add_special_tokens=False).input_ids[0]

    def load(spec):
        subject = load_subject(spec)
        with torch.no_grad():
            subject.hf.gpt_neox.embed_in.weight[seven] = float("inf")
        return subject

    monkeypatch.setattr("mi.subjects.load.load_subject", load)
    with pytest.raises(Refusal, match=r"blocks\.1\.mlp\.hook_in of document 'd2' is not finite"):
        make("broken", texts=texts)


def test_what_half_precision_cannot_hold_is_not_finite(make, tiny_spec, monkeypatch):
    def load(spec):
        subject = load_subject(spec)
        with torch.no_grad():
            subject.hf.gpt_neox.layers[1].mlp.dense_4h_to_h.bias[3] = 1e5
        return subject

    monkeypatch.setattr("mi.subjects.load.load_subject", load)
    make("full")
    with pytest.raises(Refusal, match=r"not finite in torch\.float16"):
        make("half", dtype="float16")


def test_storing_in_half_precision(make):
    full, half = whole(make("a")[0]), whole(make("b", dtype="float16")[0])
    assert all(torch.allclose(full[site], half[site], atol=1e-2, rtol=1e-2) for site in SITES)
    assert half[SITES[0]].dtype == torch.float32


def test_gates_of_this_subject_are_enough_and_of_another_are_not(
    make, tiny_spec, tmp_path, write_texts, some_sentences
):
    texts, gates = write_texts(some_sentences(40)), tmp_path / "gates"
    gates.mkdir()
    build_gates(gates, progress=SILENT, texts=texts, subject=tiny_spec(), sites=SITES[:2])
    make("fine", sites=SITES[:2], gates=gates)
    with pytest.raises(Refusal, match=r"gates without blocks\.3"):
        make("more", gates=gates)
    with pytest.raises(Refusal, match="another subject"):
        make("other", spec=tiny_spec("llama"), sites=SITES[:2], gates=gates)


@pytest.mark.parametrize(
    "wrong", [{"dtype": "int8"}, {"sites": []}, {"shard_rows": 0}, {"parts": 0}, {"part": 2, "parts": 2}]
)
def test_settings_that_make_no_sense_are_refused(make, wrong):
    with pytest.raises(Refusal, match="Correct the recipe"):
        make(**wrong)


def test_texts_without_a_scored_token_are_refused(make, write_texts):
    with pytest.raises(Refusal, match="nothing is scored"):
        make(texts=write_texts(["", "<bos>"]))


def test_the_index_says_what_was_done(make, tiny_spec):
    out, facts = make()
    index = json.loads((out / "index.json").read_text())
    assert index["subject"] == tiny_spec()
    assert (index["max_length"], index["batch_size"], index["dtype"]) == (24, 4, "float32")
    assert index["documents"] == facts["documents"] == 40
    assert sum(index["rows"]) == facts["rows"]
    assert harvest.resumable
    Activations(out).verify()
    shutil.copytree(out, out.parent / "moved")
    Activations(out.parent / "moved").verify()

"""A harvest looks at some of its documents again before it is finished."""

import pytest
import torch

from mi.activations import harvest as module
from mi.activations.shard_writer import ShardWriter
from mi.refusal import Refusal

SITES = ["blocks.1.hook_mlp_out"]


@pytest.fixture
def harvest(tmp_path, tiny_spec, write_texts):
    from mi.progress import SILENT

    texts = write_texts(["the cat sat on a mat", "the dogs ran from one", "nobody was looking at them now"] * 4)

    def run(**options):
        out = tmp_path / "out"
        out.mkdir()
        return module.harvest(
            out, progress=SILENT, texts=texts, subject=tiny_spec("llama"), sites=SITES, max_length=32, **options
        )

    return run


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_a_harvest_agrees_with_itself(harvest, dtype):
    harvest(dtype=dtype, shard_rows=40)


def test_rows_under_another_document_are_refused(harvest, monkeypatch):
    run = ShardWriter._run
    monkeypatch.setattr(ShardWriter, "_run", lambda self, rows, at, names: run(self, rows[::-1], at, names))
    with pytest.raises(Refusal, match="times as far from the same document run alone"):
        harvest(batch_size=100)


def test_another_length_is_refused(harvest, monkeypatch):
    inner = module._tokenized
    monkeypatch.setattr(module, "_tokenized", lambda source, subject, length, start: inner(source, subject, 4, start))
    with pytest.raises(Refusal, match="harvested as 3 rows"):
        harvest()


def test_rounding_on_the_way_is_refused(harvest, monkeypatch):
    run = ShardWriter._run

    def rounded(self, *given):
        run(self, *given)
        for site in self.sites:
            self.tensors[site] = self.tensors[site].to(torch.bfloat16).float()

    monkeypatch.setattr(ShardWriter, "_run", rounded)
    with pytest.raises(Refusal, match="rounded on their way"):
        harvest()

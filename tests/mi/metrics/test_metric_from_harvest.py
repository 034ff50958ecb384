"""From texts through a real harvest: the two routes to a coder's error must meet."""

import json

import pytest
import torch

from mi.activations.harvest import harvest
from mi.activations.read import Activations
from mi.metrics.loss_recovered import loss_recovered
from mi.metrics.reconstruction import reconstruction
from mi.metrics.selectivity import selectivity
from mi.progress import SILENT
from mi.unit_table import UnitTable

D = 32


@pytest.fixture(scope="module")
def harvested(tmp_path_factory, texts, subject, sites):
    out = tmp_path_factory.mktemp("harvest")
    harvest(out, progress=SILENT, texts=texts, subject=subject, sites=list(sites), max_length=32, shard_rows=150)
    return out


@pytest.fixture(scope="module")
def coder(harvested, make_coder, sites):
    y = torch.cat([batch[sites[1]] for batch in Activations(harvested).ordered([sites[1]], 64)])
    both = torch.cat([torch.eye(D)[:12], -torch.eye(D)[:12]])
    return make_coder(both, both, b_enc=-(both @ y.mean(0)), b_dec=y.mean(0))


def test_error_on_harvested_rows_is_the_error_in_place(tmp_path, harvested, texts, subject, coder, write_coders, sites):
    bundle = write_coders(tmp_path / "coders", it=coder)
    for name in ("rows", "place"):
        (tmp_path / name).mkdir()
    reconstruction(tmp_path / "rows", progress=SILENT, activations=harvested, coders=bundle, coder="it")
    loss_recovered(
        tmp_path / "place", progress=SILENT, texts=texts, subject=subject, coders=bundle, coder="it", max_length=32
    )
    rows, place = (UnitTable.read(tmp_path / name).facts for name in ("rows", "place"))
    assert 0.05 < rows["variance_explained"] < 0.95
    assert place["variance_explained_in_place"] == pytest.approx(rows["variance_explained"], abs=1e-5)
    assert rows["documents_planned"] == rows["documents_scored"] == 40


def test_contexts_are_made_of_the_documents_own_words(tmp_path, texts, subject, documents, coder, write_coders, sites):
    for side in "ab":
        part = tmp_path / f"texts-{side}"
        part.mkdir()
        lines = [json.dumps(d) + "\n" for d in documents if d["domain"] == side]
        (part / "documents.jsonl").write_text("".join(lines), "utf-8")
        (tmp_path / side).mkdir()
        harvest(tmp_path / side, progress=SILENT, texts=part, subject=subject, sites=[sites[1]], max_length=32)
    bundle = write_coders(tmp_path / "coders", it=coder)
    out = tmp_path / "out"
    out.mkdir()
    selectivity(
        out,
        progress=SILENT,
        coders=bundle,
        coder="it",
        activations_a=tmp_path / "a",
        activations_b=tmp_path / "b",
        subject=subject,
        draws=19,
    )
    text = {d["id"]: d["text"] for d in documents}
    pages = json.loads((out / "features" / "shared.json").read_text())
    assert pages
    for context in (c for page in pages for c in page["contexts"]):
        assert "".join(context["tokens"]) in text[context["document"]]

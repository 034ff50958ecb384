"""SAEBench's core numbers and ours on the same tokens, and where SAEBench's are something else than their names say."""

import json

import numpy as np
import pytest
import torch
from saebench_samples import SITE, texts

from mi.coders.load import load_coder
from mi.metrics.squared_errors import variance_explained
from mi.progress import SILENT
from mi.refusal import Refusal
from mi.saebench import core as module
from mi.saebench.core import core
from mi.saebench.engine import load
from mi.saebench.windows import Windows
from mi.texts import write_documents
from mi.unit_table import UnitTable

LENGTH, BATCH = 32, 4


@pytest.fixture(scope="module")
def documents(tmp_path_factory):
    out = tmp_path_factory.mktemp("texts")
    lines = ({"id": f"t{i}", "text": text, "domain": "d"} for i, (text, _) in enumerate(texts("test")[:90]))
    write_documents(out, lines, SILENT, "texts")
    return out


@pytest.fixture(scope="module")
def settings(spec, bundle, documents):
    about = {"subject": spec, "coders": bundle, "coder": "sae", "texts": documents}
    return {**about, "context_size": LENGTH, "batch_size": BATCH, "progress": SILENT}


@pytest.fixture(scope="module")
def found(tmp_path_factory, settings):
    out = tmp_path_factory.mktemp("core")
    facts = core(out, **settings)
    return UnitTable.read(out), facts, json.loads((out / "saebench.json").read_text())


@pytest.fixture(scope="module")
def seen(subject, bundle):
    """Rows and reconstructions of the same windows."""
    windows = Windows(subject, [text for text, _ in texts("test")[:90]], LENGTH, BATCH)
    x = torch.cat([subject.activations(b, [SITE])[SITE][b.scored] for _, b in windows.batches()])
    return windows, x, load_coder(bundle / "sae").reconstruct(x)


def test_variance_explained_and_l0_are_ours(found, seen, bundle):
    table, facts, _ = found
    _, x, y = seen
    assert facts["ours"]["variance_explained"] == pytest.approx(variance_explained(x, y), rel=1e-6)
    total = {name: table.column(name).sum() for name in table.columns}
    assert 1 - total["sse"] / total["sst"] == pytest.approx(variance_explained(x, y), rel=1e-6)
    assert total["n_tokens"] == len(x)
    on = (load_coder(bundle / "sae").encode(x) != 0).double().sum(1).mean()
    assert facts["saebench"]["l0"] == pytest.approx(float(on), rel=1e-5)


def test_saebenchs_explained_variance_is_no_variance_explained(found, seen):
    """SAELens#659: the formula of SAEBench 0.6.0, spelled out, gives its number; the definition gives another."""
    _, facts, _ = found
    windows, x, y = seen
    sizes = [int(b.scored.sum()) for _, b in windows.batches()]
    x, y = x.split(sizes), y.split(sizes)
    squares = np.mean([float(a.pow(2).sum(1).mean()) for a in x])
    element = np.mean([float(a.pow(2).mean()) for a in x])
    residual = np.mean([float((a - b).pow(2).sum(1).mean()) for a, b in zip(x, y, strict=True)])
    assert facts["saebench"]["explained_variance"] == pytest.approx(1 - residual / (squares - element**2), rel=1e-4)
    assert abs(facts["saebench"]["explained_variance"] - facts["ours"]["variance_explained"]) > 0.02
    assert facts["saebench"]["mse"] == pytest.approx(facts["mse_by_saebenchs_formula"], rel=1e-4)
    assert set(facts["departures"]) == {"explained_variance", "explained_variance_legacy", "mse"}


def test_every_window_is_read_once(subject):
    windows = Windows(subject, [text for text, _ in texts("test")[:90]], LENGTH, BATCH)
    assert windows.ids.shape == (windows.n_batches * BATCH, LENGTH)
    assert bool((windows.ids[:, 0] == subject.vocabulary.bos).all())
    assert not windows.scored[windows.ids == subject.vocabulary.bos].any()
    read = torch.cat([windows.get_batch_tokens(BATCH) for _ in range(windows.n_batches)])
    assert torch.equal(read, windows.ids)
    with pytest.raises(Refusal, match="in one pass"):
        windows.get_batch_tokens(BATCH)


def test_another_coder_in_saebench_is_noticed(tmp_path, settings, monkeypatch, coder_of):
    from dataclasses import replace

    from mi.saebench.adapter import as_saelens

    right = module.prepare

    def wrong(*args):
        return replace(right(*args), sae=as_saelens(coder_of("relu"), "tiny"))

    monkeypatch.setattr(module, "prepare", wrong)
    with pytest.raises(Refusal, match="on the same tokens"):
        core(tmp_path, **settings)


def test_what_saebench_only_logs_is_raised(tmp_path, settings, monkeypatch):
    main = load("sae_bench.evals.core.main")
    monkeypatch.setattr(main, "get_downstream_reconstruction_metrics", lambda *a, **k: 1 / 0)
    with pytest.raises(Refusal, match="division by zero"):
        core(tmp_path, **settings)


def test_too_few_texts_are_refused(subject):
    with pytest.raises(Refusal, match="at least one batch"):
        Windows(subject, ["the cat"], LENGTH, BATCH)

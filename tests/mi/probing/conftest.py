"""Labelled texts, and rows with a planted direction."""

import numpy as np
import pytest
from safetensors.numpy import save_file

from mi.probing import examples
from mi.probing.pooled import FILE, Pooled
from mi.progress import SILENT
from mi.texts import write_documents


@pytest.fixture(autouse=True, scope="session")
def _one_thread(one_thread):
    """For all tests here."""


@pytest.fixture
def labelled(tmp_path):
    """``labelled(split, labels)``: an example artifact with one text per label."""

    def write(split, labels, prefix="", texts=None):
        out = tmp_path / f"{prefix}{split}"
        out.mkdir()
        texts = texts or [f"{prefix}{split} text {k}" for k in range(len(labels))]
        lines = (
            {"id": f"{prefix}{split}-{k}", "text": text, "domain": "d", "split": split, "label": int(label)}
            for k, (text, label) in enumerate(zip(texts, labels, strict=True))
        )
        write_documents(out, lines, SILENT, "texts")
        return out

    return write


@pytest.fixture
def pooled(labelled):
    """``pooled(split, labels, rows)``: what :func:`mi.probing.pooled.pool` would leave, from given rows by name."""

    def write(split, labels, rows, **about):
        out = labelled(split, labels, **about)
        save_file({name: np.ascontiguousarray(x, dtype=np.float32) for name, x in rows.items()}, out / FILE)
        return Pooled(out)

    return write


@pytest.fixture(scope="session")
def world_examples(tmp_path_factory):
    """``world_examples(concept, split, n, null)``: an example artifact of the organism's world."""

    def build(concept, split, n=40, null=None, seed=11):
        out = tmp_path_factory.mktemp(f"{concept}-{split}")
        examples.world(out, progress=SILENT, concept=concept, split=split, seed=seed, n=n, null=null)
        return out

    return build

"""A small random model with a tokenizer of its own, an SAE of its residual stream, and labelled texts about two things."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from saebench_samples import SITE, make_coder, texts, write_examples

from mi.coders.load import save_coder
from mi.subjects.load import load_subject
from mi.subjects.spec import subject_spec
from mi.subjects.tiny import make_tiny

if find_spec("sae_bench") is None:  # there are Pythons for which it is not installed
    collect_ignore = [p.name for p in Path(__file__).parent.glob("test_*.py") if p.name != "test_saebench_results.py"]


@pytest.fixture(autouse=True, scope="session")
def _one_thread(one_thread):
    """For all tests here."""


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return make_tiny(
        tmp_path_factory.mktemp("model") / "tiny", "neox", corpus=[text for text, _ in texts("train")], context=128
    )


@pytest.fixture(scope="session")
def spec(folder):
    return subject_spec(folder)


@pytest.fixture(scope="session")
def subject(spec):
    return load_subject(spec)


@pytest.fixture(scope="session")
def rows(subject):
    """``[n, d]`` scored rows at the site."""
    batch = subject.tokens([text for text, _ in texts("train")][::4])
    return subject.activations(batch, [SITE])[SITE][batch.scored]


@pytest.fixture(scope="session")
def coder_of(rows):
    return lambda gate, **about: make_coder(rows, gate, **about)


@pytest.fixture(scope="session")
def bundle(tmp_path_factory, rows):
    out = tmp_path_factory.mktemp("coders")
    save_coder(make_coder(rows, "topk"), out / "sae")
    return out


@pytest.fixture(scope="session")
def examples(tmp_path_factory):
    """``(train, test)`` labelled by what they are about."""
    out = tmp_path_factory.mktemp("examples")
    return write_examples(out / "train", "train"), write_examples(out / "test", "test")


@pytest.fixture(scope="session")
def coin_flips(tmp_path_factory):
    """The same texts, with labels that nothing predicts."""
    out, rng = tmp_path_factory.mktemp("flips"), np.random.default_rng(9)
    return tuple(write_examples(out / s, s, lambda n: rng.integers(0, 2, n)) for s in ("train", "test"))

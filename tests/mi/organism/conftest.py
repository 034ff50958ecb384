"""Shipped weights and a tokenizer, loaded once."""

import os

import pytest

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("HF_HUB_OFFLINE", "1")


@pytest.fixture(scope="session")
def weights():
    from mi.organism.checksums import WEIGHTS

    return WEIGHTS


@pytest.fixture(scope="session")
def tokenizer(weights):
    from mi.organism.tokenizer import read_tokenizer

    return read_tokenizer(weights / "seed0")


@pytest.fixture(scope="session")
def shipped(weights):
    """``shipped(name)``: the Hugging Face model and tokenizer, loaded once each."""
    from mi.organism.measure import load

    loaded = {}

    def get(name):
        if name not in loaded:
            loaded[name] = load(weights / name)
        return loaded[name]

    return get

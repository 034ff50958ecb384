import json
import os

import pytest

# Read when the libraries are imported; without them a look for an absent data set would try the network.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_DATASETS_OFFLINE", "1")


@pytest.fixture(autouse=True, scope="session")
def _one_thread(one_thread):
    """For all tests here."""


WORDS = [
    "the",
    "cat",
    "sat",
    "on",
    "a",
    "mat",
    "and",
    "dogs",
    "ran",
    "from",
    "one",
    "town",
    "to",
    "another",
    "while",
    "nobody",
    "was",
    "looking",
    "at",
    "them",
]


def sentences(n, start=0):
    """Texts of one to about thirty tokens, every one different."""
    return [
        " ".join(WORDS[(i * k) % len(WORDS)] for k in range(1, 2 + i % 13)) + f" {i}" for i in range(start, start + n)
    ]


@pytest.fixture(scope="session")
def tiny_spec(tmp_path_factory):
    """Spec of a tiny model, made once an architecture."""
    from mi.subjects.spec import subject_spec
    from mi.subjects.tiny import make_tiny

    made = {}

    def spec(architecture="neox", **settings):
        key = (architecture, repr(sorted(settings.items())))
        if key not in made:
            made[key] = make_tiny(tmp_path_factory.mktemp(architecture), architecture, corpus=sentences(30), **settings)
        return subject_spec(made[key])

    return spec


@pytest.fixture
def write_texts(tmp_path):
    """Write a text artifact: ``write_texts(["..."])``."""

    def write(texts, name="texts", prefix="d"):
        folder = tmp_path / name
        folder.mkdir()
        lines = [{"id": f"{prefix}{i}", "text": t, "domain": "ab"[i % 2], "n": i} for i, t in enumerate(texts)]
        (folder / "documents.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
        return folder

    return write


@pytest.fixture(scope="session")
def some_sentences():
    return sentences

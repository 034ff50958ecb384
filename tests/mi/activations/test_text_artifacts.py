import json

import pytest

from mi.progress import SILENT
from mi.refusal import Refusal
from mi.subjects.errors import NotHere
from mi.texts import Texts, file, file_digest, hub, text_hash, world, write_documents


def documents(folder):
    return list(Texts(folder))


def test_the_world_keeps_labels_and_spans(tmp_path):
    facts = world(tmp_path, progress=SILENT, split="train", seed=1, n=50, kinds=["fact", "negation"])
    found = documents(tmp_path)
    assert facts["documents"] == len(found) == 50
    assert {d["kind"] for d in found} == {"fact", "negation"}
    assert all(d["labels"] for d in found)
    for document in found:
        assert document["spans"]
        assert all(0 <= start < end <= len(document["text"]) for _, start, end in document["spans"])
    assert Texts(tmp_path).head(3) == found[:3]


def test_the_world_is_the_same_for_the_same_seed(tmp_path):
    digests = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        (tmp_path / name).mkdir()
        world(tmp_path / name, progress=SILENT, split="held-out", seed=seed, n=20)
        digests.append(Texts(tmp_path / name).digest)
    assert digests[0] == digests[1] != digests[2]


def test_distinct_documents_share_no_text(tmp_path):
    facts = world(tmp_path, progress=SILENT, split="train", seed=1, n=200, distinct=True)
    assert facts["repeated"] == 0
    assert len({text_hash(d["text"]) for d in documents(tmp_path)}) == facts["documents"]


@pytest.fixture
def data_set(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    rows = [{"body": f"text number {i}" if i != 3 else "", "kind": "ab"[i % 2]} for i in range(10)]
    (folder / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def test_a_local_data_set(tmp_path, data_set, monkeypatch):
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    (tmp_path / "out").mkdir()
    settings = {"name": str(data_set), "split": "train", "column": "body", "domain_column": "kind"}
    facts = hub(tmp_path / "out", progress=SILENT, n=4, skip=2, **settings)
    found = documents(tmp_path / "out")
    assert [d["text"] for d in found] == [f"text number {i}" for i in (2, 4, 5, 6)]
    assert [d["domain"] for d in found] == ["a", "a", "b", "a"]
    assert facts["domains"] == {"a": 3, "b": 1}
    with pytest.raises(Refusal, match="one of body, kind"):
        hub(tmp_path / "out", progress=SILENT, n=4, **settings | {"column": "text"})


def test_an_absent_data_set_comes_with_the_command_that_fetches_it(tmp_path):
    with pytest.raises(NotHere) as caught:
        hub(tmp_path, progress=SILENT, name="nobody/nothing-at-all", split="train", n=1)
    assert "load_dataset('nobody/nothing-at-all'" in caught.value.command


def test_own_files(tmp_path):
    jsonl, txt, folder = tmp_path / "own.jsonl", tmp_path / "own.txt", tmp_path / "own"
    jsonl.write_text('{"text": "one", "mood": "good"}\n\n{"text": "two", "domain": "code", "id": "x"}\n')
    txt.write_text("one\nstill one\n\ntwo\n")
    (folder / "deep").mkdir(parents=True)
    (folder / "b.txt").write_text("two")
    (folder / "deep" / "a.txt").write_text("one")
    wanted = {
        jsonl: [("own.jsonl/0", "one", "text"), ("x", "two", "code")],
        txt: [("own.txt/0", "one\nstill one", "text"), ("own.txt/1", "two", "text")],
        folder: [("b.txt", "two", "text"), ("deep/a.txt", "one", "text")],
    }
    for i, (source, found) in enumerate(wanted.items()):
        out = tmp_path / f"out{i}"
        out.mkdir()
        file(out, progress=SILENT, path=str(source), digest=file_digest(source))
        assert [(d["id"], d["text"], d["domain"]) for d in documents(out)] == found
    assert documents(tmp_path / "out0")[0]["mood"] == "good"


def test_a_file_that_changed_is_refused(tmp_path):
    source = tmp_path / "own.txt"
    source.write_text("one")
    digest = file_digest(source)
    source.write_text("two")
    with pytest.raises(Refusal, match="Make the recipe again"):
        file(tmp_path, progress=SILENT, path=str(source), digest=digest)
    with pytest.raises(NotHere):
        file_digest(tmp_path / "nowhere.txt")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([{"id": "a", "text": "x", "domain": "d"}] * 2, "'a' twice"),
        ([{"id": "a", "text": None, "domain": "d"}], "as strings"),
        ([{"id": "a", "text": " ", "domain": "d"}], "no document with a text"),
        ([], "no document with a text"),
    ],
)
def test_documents_that_are_none_are_refused(tmp_path, given, said):
    with pytest.raises(Refusal, match=said):
        write_documents(tmp_path, given, SILENT, "texts")


def test_a_damaged_line_is_named(tmp_path):
    (tmp_path / "documents.jsonl").write_text('{"id": "a", "text": "x", "domain": "d"}\n{"id": "b"}\n')
    with pytest.raises(Refusal, match="line 2"):
        documents(tmp_path)


def test_texts_are_told_apart_without_the_white_space_around_them():
    assert text_hash(" a b\n") == text_hash("a b") != text_hash("a  b")

import pytest

from mi.autointerp.cache import cache
from mi.autointerp.cached import Cached
from mi.autointerp.usable import usable
from mi.progress import SILENT
from mi.refusal import Refusal


@pytest.fixture
def cached(tmp_path, planted, write_harvest):
    def make(side, documents, **about):
        harvest = write_harvest(tmp_path / side, documents, subject=planted.subject, shards=1, **about)
        out = tmp_path / f"{side}-cache"
        out.mkdir()
        cache(out, progress=SILENT, activations=harvest, coders=planted.coders, coder="planted")
        return Cached(out)

    return make


DOCUMENT = list(range(10, 42))  # one window


def test_each_window_once_and_none_on_both_sides(cached):
    tail = list(range(42, 49))
    train = cached("train", [DOCUMENT, tail * 2, tail * 2], texts=["a", "b", "c"])
    test = cached(
        "test",
        [
            tail[:6] + DOCUMENT[:9],  # fresh
            DOCUMENT[::-1],  # a text of the training texts
            tail * 3,  # fresh
            tail * 3 + tail[:1],  # an earlier test document's text
            DOCUMENT + tail,  # its first window is a training window's
            DOCUMENT[::2] * 2 + tail,  # its second window is the one before's
        ],
        texts=["d", "a", "e", "e", "f", "g"],
    )
    found = usable(train, test)
    assert found.train.tolist() == [True, True, False]
    assert test.windows.document.tolist() == [0, 1, 2, 3, 4, 4, 5, 5]
    assert found.test.tolist() == [True, False, True, False, False, True, True, False]
    assert found.dropped == {
        "train_windows_repeated": 1,
        "test_documents_in_training_texts": 1,
        "test_documents_repeated": 1,
        "test_windows_in_training_windows": 1,
        "test_windows_repeated": 1,
    }


def test_a_document_on_both_sides(cached):
    train = cached("train", [DOCUMENT], ids=["one"], texts=["a"])
    test = cached("test", [DOCUMENT[::-1], DOCUMENT[::2]], ids=["two", "one"], texts=["b", "c"])
    with pytest.raises(Refusal, match=r"1 documents among the training and the test texts \(one\)"):
        usable(train, test)


def test_nothing_left(cached):
    train, test = cached("train", [DOCUMENT], texts=["a"]), cached("test", [DOCUMENT], texts=["b"])
    with pytest.raises(Refusal, match="no test window of 1 left"):
        usable(train, test)

import re

import numpy as np
import pytest

from mi.probing import examples
from mi.probing.labelled import Labelled, require_apart
from mi.progress import SILENT
from mi.refusal import Refusal
from mi.texts import file_digest


@pytest.mark.parametrize("concept", ["negated_job_outdoor", "job_outdoor", "nurse", "harmful", "head_plural"])
def test_splits_of_the_world_share_no_text(world_examples, concept):
    train, test = (Labelled(world_examples(concept, split, 200)) for split in ("train", "test"))
    require_apart(train, test)
    assert (train.split, test.split) == ("train", "test")
    assert 0.3 < train.labels.mean() < 0.7


def test_counterparts_of_a_composition_have_the_same_words(world_examples):
    found = Labelled(world_examples("negated_job_outdoor", "train"))
    for text, other in zip(found.texts, found.counterparts, strict=True):
        assert other != text
        assert sorted(re.findall(r"\w+", other)) == sorted(re.findall(r"\w+", text))


def test_a_shuffled_label_keeps_its_number_and_an_absent_one_is_a_coin(world_examples):
    true, shuffled, absent = (
        Labelled(world_examples("negated_job_outdoor", "train", 400, null)) for null in (None, "shuffled", "absent")
    )
    assert true.texts == shuffled.texts == absent.texts
    assert shuffled.labels.sum() == true.labels.sum()
    for null in (shuffled, absent):
        assert abs((null.labels == true.labels).mean() - 0.5) < 0.1
        assert set(null.counterparts) == {None}  # nothing is known of what the counterpart's label would be


def test_an_unknown_concept_is_refused(tmp_path):
    with pytest.raises(Refusal, match="negated_job_outdoor"):
        examples.world(tmp_path, progress=SILENT, concept="jobs", split="train", seed=0, n=4)
    with pytest.raises(Refusal, match="validation"):
        examples.world(tmp_path, progress=SILENT, concept="nurse", split="validation", seed=0, n=4)


@pytest.fixture
def biographies(monkeypatch):
    rng = np.random.default_rng(0)
    rows = [{"hard_text": f"biography {k}", "profession": int(p)} for k, p in enumerate(rng.choice([2, 19, 21], 90))]
    asked = []

    def stand_in(name, config, split, revision=None):
        asked.append((name, split))
        return rows

    monkeypatch.setattr(examples, "hub_data", stand_in)
    return rows, asked


def test_biographies_are_balanced_and_of_two_professions(tmp_path, biographies):
    rows, asked = biographies
    facts = examples.bias_in_bios(tmp_path, progress=SILENT, positive=21, negative=19, split="validation", n=20)
    found = Labelled(tmp_path)
    assert asked == [("LabHC/bias_in_bios", "dev")]
    assert facts["positive"] == found.labels.mean() == 0.5
    jobs = [rows[int(name.rpartition("/")[2])]["profession"] for name in found.ids]
    assert [job == 21 for job in jobs] == (found.labels == 1).tolist()
    assert set(jobs) == {19, 21}


@pytest.mark.parametrize(
    ("positive", "negative", "n", "message"),
    [(21, 21, 20, "two professions"), (21, 19, 21, "even"), (21, 7, 20, "of each profession")],
)
def test_biographies_that_cannot_be_had_are_refused(tmp_path, biographies, positive, negative, n, message):
    with pytest.raises(Refusal, match=message):
        examples.bias_in_bios(tmp_path, progress=SILENT, positive=positive, negative=negative, split="test", n=n)


def test_a_text_in_both_splits_is_refused(labelled):
    train, test = labelled("train", [0, 1], texts=["a", "b"]), labelled("test", [0, 1], texts=["b ", "c"])
    with pytest.raises(Refusal, match="1 texts in both"):
        require_apart(Labelled(train), Labelled(test))


def test_labels_that_are_missing_are_refused(labelled):
    out = labelled("train", [0, 1])
    lines = (out / "documents.jsonl").read_text().replace('"label": 1', '"label": null')
    (out / "documents.jsonl").write_text(lines)
    with pytest.raises(Refusal, match="'train-1' without a label"):
        Labelled(out)


def test_mixed_splits_are_refused(labelled):
    out = labelled("train", [0, 1])
    lines = (out / "documents.jsonl").read_text().replace('"split": "train"', '"split": "test"', 1)
    (out / "documents.jsonl").write_text(lines)
    with pytest.raises(Refusal, match="splits"):
        Labelled(out)


def test_own_texts_bring_their_labels(tmp_path):
    source = tmp_path / "sarcasm.train.jsonl"
    source.write_text('{"text": "Great, rain.", "label": 1}\n{"text": "It rains.", "label": 0, "id": "plain"}\n')
    (tmp_path / "out").mkdir()
    facts = examples.file(
        tmp_path / "out", progress=SILENT, path=str(source), digest=file_digest(source), split="train"
    )
    found = Labelled(tmp_path / "out")
    assert (found.ids, found.labels.tolist()) == (["sarcasm.train.jsonl/0", "plain"], [1, 0])
    assert facts["positive"] == 0.5
    digest = file_digest(source)
    source.write_text('{"text": "Great, rain."}\n')
    with pytest.raises(Refusal, match="Make the recipe again"):
        examples.file(tmp_path / "out", progress=SILENT, path=str(source), digest=digest, split="train")
    with pytest.raises(Refusal, match="without a label"):
        examples.file(tmp_path / "out", progress=SILENT, path=str(source), digest=file_digest(source), split="train")

"""Judges: right on text, examined before they judge, and closed to anything that is no text."""

import numpy as np
import pytest
import torch

from mi.probing.examples import world
from mi.probing.labelled import Labelled
from mi.progress import SILENT
from mi.refusal import Refusal
from mi.steering.directions import FITTED
from mi.steering.judge import FOR_JUDGE, answer_key, lexical


@pytest.fixture(scope="module")
def examples(artifacts):
    return Labelled(artifacts("examples", split="train", n=400)), Labelled(artifacts("examples", split="test", n=200))


@pytest.fixture(scope="module")
def words(examples):
    return lexical(*examples)


def test_the_key_reads_the_first_profession():
    key = answer_key("job_outdoor")
    said = [" farmer. She", " nurse, never a farmer.", " can milk cows.", "", " Sailor", " housebuilders"]
    assert key(said).tolist() == [1, 0, 0, 0, 1, 0]


def test_the_words_judge_what_no_direction_and_no_key_was_made_of(words, examples):
    judge, facts = words
    assert facts["accuracy"] > 0.95
    assert facts["lo"] <= facts["accuracy"] <= facts["hi"]
    assert not {"farmer", "nurse", "sailor", "banker"} & set(judge.words.vocabulary_)  # examples end before them
    texts = examples[0].texts
    assert not set(texts[FITTED]) & set(texts[FOR_JUDGE])
    assert len(texts[FITTED]) + len(texts[FOR_JUDGE]) == len(texts)
    assert judge([" milk cows and plough fields.", " heal patients and take blood."]).tolist() == [1, 0]


def test_unknown_words_show_nothing(words):
    assert words[0](["", "zzz qqq", "1 2 3"]).tolist() == [0, 0, 0]


def test_both_judges_agree_on_the_worlds_own_biographies(words):
    from mi.organism.world import documents

    texts = [d.text for d in documents("held-out", 5, 200, ["biography"])]
    agree = float((words[0](texts) == answer_key("job_outdoor")(texts)).mean())
    assert agree > 0.95


@pytest.mark.parametrize("null", ["shuffled", "absent"])
def test_a_judge_of_labels_that_mean_nothing_is_refused(null, tmp_path, examples):
    world(tmp_path, progress=SILENT, concept="job_outdoor", split="train", seed=1, n=400, null=null)
    with pytest.raises(Refusal, match="held-out examples"):
        lexical(Labelled(tmp_path), examples[1])


def test_a_concept_that_words_do_not_give_away_has_no_lexical_judge(tmp_path):
    for split in ("train", "test"):
        (tmp_path / split).mkdir()
        world(tmp_path / split, progress=SILENT, concept="negated_job_outdoor", split=split, seed=1, n=300)
    with pytest.raises(Refusal, match="Words do not give this concept away"):
        lexical(Labelled(tmp_path / "train"), Labelled(tmp_path / "test"))


def test_splits_are_kept(examples):
    with pytest.raises(Refusal, match="texts in both"):
        lexical(examples[0], examples[0])
    with pytest.raises(Refusal, match="fit a judge"):
        lexical(examples[1], examples[0])


@pytest.mark.parametrize("given", [torch.randn(3, 8), np.zeros((3, 8)), [1, 2], [["a"]], [b"text"]])
def test_activations_are_no_text(given, words):
    for judge in (words[0], answer_key("nurse")):
        with pytest.raises(Refusal, match="shares a basis"):
            judge(given)


def test_a_concept_without_a_key():
    with pytest.raises(Refusal, match="city_north"):
        answer_key("city_north")

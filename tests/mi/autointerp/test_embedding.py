"""delphi's embedding scorer: runs, keeps windows and numbers together, and finds what was planted."""

import json
import random

import numpy as np
import pytest

from mi.autointerp.auc import auc
from mi.autointerp.embedding import embedding_scores, load_encoder
from mi.autointerp.latent_examples import Example, LatentExamples
from mi.refusal import Refusal
from mi.subjects.errors import NotHere, SpecError

WORDS = [f"word{i}" for i in range(40)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A random embedding per word, the mean over a text: texts are alike as far as they share words."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer, models, pre_tokenizers

    vocabulary = {word: i for i, word in enumerate(["?", *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="?"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    weights = np.random.default_rng(0).normal(size=(len(vocabulary), 256)).astype("float32")
    weights[0] = 0
    path = tmp_path_factory.mktemp("encoder") / "static"
    SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_weights=weights)], device="cpu").save(str(path))
    return path


@pytest.fixture(scope="module")
def encoder(folder):
    return load_encoder(folder)


def make_latent(index, word, n=12, seed=0):
    """Half the windows have the word in them, and the latent fires on it."""
    rng = np.random.default_rng([seed, index])
    test = []
    for i in range(n):
        others = [f"{w} " for w in rng.choice([w for w in WORDS if w != word], 6, replace=False)]
        fires = i % 2 == 0
        tokens = (*others[:3], f"{word} ", *others[3:]) if fires else (*others, "? ")
        activations = tuple(float(fires and t == f"{word} ") for t in tokens)
        test.append(Example(f"d{index}:{i}", tokens, activations, fires))
    return LatentExamples(index, 0.1, (), (), tuple(test))


LATENTS = [make_latent(i, WORDS[i]) for i in range(6)]
RIGHT = {i: WORDS[i] for i in range(6)}


def test_the_planted_word_is_found_and_another_is_not(encoder):
    right = embedding_scores(LATENTS, RIGHT, encoder)
    assert list(right) == list(range(6))
    assert min(right.values()) > 0.95
    wrong = embedding_scores(LATENTS, {i: WORDS[20 + i] for i in range(6)}, encoder)
    assert 0.2 < np.mean(list(wrong.values())) < 0.8


def test_it_is_the_auc_of_cosines(encoder):
    explanations = {i: f"{WORDS[i]} {WORDS[i + 1]} {WORDS[i + 7]}" for i in range(6)}
    found = embedding_scores(LATENTS, explanations, encoder)
    instruction = "Instruct: Retrieve sentences that could be related to the explanation.\nQuery:"
    for latent in LATENTS:
        query = encoder.encode(instruction + explanations[latent.latent])
        texts = np.stack([encoder.encode(e.text) for e in latent.test])
        cosines = texts @ query / np.linalg.norm(texts, axis=1) / np.linalg.norm(query)
        pairs = [
            (a, b)
            for a, e in zip(cosines, latent.test, strict=True)
            if e.activating
            for b, f in zip(cosines, latent.test, strict=True)
            if not f.activating
        ]
        assert found[latent.latent] == pytest.approx(np.mean([(a > b) + (a == b) / 2 for a, b in pairs]))


def test_order_decides_nothing(encoder):
    explanations = {0: f"{WORDS[0]} {WORDS[9]}"}
    latent = LATENTS[0]
    found = embedding_scores([latent], explanations, encoder)
    for seed in range(5):
        test = tuple(latent.test[i] for i in np.random.default_rng(seed).permutation(len(latent.test)))
        again = LatentExamples(0, 0.1, (), (), test)
        assert embedding_scores([again], explanations, encoder) == pytest.approx(found)


def test_delphi_itself_gives_numbers_that_nobody_can_assign(encoder):
    """Why records carry an index: windows come home shuffled, with a quantile or a distance that both classes have."""
    import asyncio

    from mi.autointerp.delphi_engine import load, own_dice
    from mi.autointerp.delphi_records import record_of

    record = record_of(LATENTS[0], WORDS[0])
    for example in record.test:
        example.quantile = 0
    for example in record.not_active:
        example.distance = 0.0  # the default
    with own_dice(0):
        outputs = asyncio.run(load("delphi.scorers.embedding.embedding").EmbeddingScorer(encoder)(record)).score
    assert {output.distance for output in outputs} == {0}
    assert not hasattr(outputs[0], "activating")
    assert [output.text for output in outputs] != [e.text for e in LATENTS[0].test]


def test_one_class_is_not_measurable(encoder):
    firing = LatentExamples(0, 0.1, (), (), tuple(e for e in LATENTS[0].test if e.activating))
    assert np.isnan(embedding_scores([firing], RIGHT, encoder)[0])


def test_latents_without_an_explanation_are_left_out_and_empty_ones_refused(encoder):
    assert list(embedding_scores(LATENTS, {3: WORDS[3]}, encoder)) == [3]
    with pytest.raises(Refusal, match="no explanation of latent 3"):
        embedding_scores(LATENTS, {3: " "}, encoder)


def test_dice_of_others_are_left_alone(encoder):
    random.seed(7)
    expected = random.random()
    random.seed(7)
    embedding_scores(LATENTS[:1], RIGHT, encoder)
    assert random.random() == expected


def test_what_is_not_here_or_unsafe_is_refused(folder, tmp_path):
    import shutil

    with pytest.raises(NotHere, match="no folder with a SentenceTransformer"):
        load_encoder(tmp_path / "nothing")
    pickled = tmp_path / "pickled"
    shutil.copytree(folder, pickled)
    (weights,) = pickled.rglob("*.safetensors")
    weights.rename(weights.with_name("pytorch_model.bin"))
    with pytest.raises(SpecError, match="pickled weights only"):
        load_encoder(pickled)
    foreign = tmp_path / "foreign"
    shutil.copytree(folder, foreign)
    modules = json.loads((foreign / "modules.json").read_text())
    modules[0]["type"] = "evil.Module"
    (foreign / "modules.json").write_text(json.dumps(modules))
    (foreign / "evil.py").write_text("raise SystemExit('ran')")
    with pytest.raises(SpecError, match="foreign"):
        load_encoder(foreign)


@pytest.mark.parametrize(
    ("truth", "values", "expected"),
    [
        ([True, False], [1.0, 0.0], 1.0),
        ([True, False], [0.0, 1.0], 0.0),
        ([True, False, True], [1.0, 1.0, 2.0], 0.75),
        ([1, 0, 1], [3.0, 3.0, 3.0], 0.5),
    ],
)
def test_auc_by_hand(truth, values, expected):
    assert auc(truth, values) == expected


def test_auc_refuses_what_has_no_value():
    assert np.isnan(auc([True], [1.0]))
    assert np.isnan(auc([], []))
    for values in ([1.0], [1.0, float("nan")]):
        with pytest.raises(Refusal, match="one finite number per window"):
            auc([True, False], values)

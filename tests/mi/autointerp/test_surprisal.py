"""delphi's surprisal scorer: what is wrong in it, and that the adapter's losses are those of plain forward passes."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from mi.autointerp.delphi_engine import load
from mi.autointerp.latent_examples import Example, LatentExamples
from mi.autointerp.surprisal import losses, surprisal_scores
from mi.refusal import Refusal

PROMPT = "the dogs ran from one town to another"
TEXTS = [f"the cat sat on {'a mat and the dogs ' * (i % 4)}{i} looking at them" for i in range(13)]


@pytest.fixture(autouse=True, scope="module")
def _one_thread(one_thread):
    """For all tests here."""


@pytest.fixture(scope="module")
def subjects(tmp_path_factory):
    from mi.subjects.load import load_subject
    from mi.subjects.spec import subject_spec
    from mi.subjects.tiny import make_tiny

    made = {}

    def subject(architecture, **settings):
        key = (architecture, *sorted(settings.items()))
        if key not in made:
            folder = tmp_path_factory.mktemp("tiny") / architecture
            made[key] = load_subject(subject_spec(make_tiny(folder, architecture, **{"context": 128, **settings})))
        return made[key]

    return subject


def direct(subject, prompt, text, bos=True):
    """One forward pass over prompt and text, no cache, no padding."""
    ids = [subject.tokenizer.encode(t, add_special_tokens=False) for t in (prompt, text)]
    before = ([subject.vocabulary.bos] if bos and subject.needs_bos else []) + ids[0]
    with torch.no_grad():
        logits = subject.hf(torch.tensor([before + ids[1]])).logits[0]
    return cross_entropy(logits[len(before) : -1], torch.tensor(ids[1][1:]), reduction="none").tolist()


@pytest.mark.parametrize("architecture", ["neox", "gpt2", "llama", "gemma2"])
def test_losses_are_those_of_plain_forward_passes(subjects, architecture):
    subject = subjects(architecture)
    expected = [direct(subject, PROMPT, text) for text in TEXTS]
    for batch in (4, 10):  # the last one is smaller
        for one, found in zip(expected, losses(subject, PROMPT, TEXTS, batch), strict=True):
            assert found == pytest.approx(one, abs=2e-4)


def test_bos_is_fed_where_it_is_needed(subjects):
    subject = subjects("llama")
    assert subject.needs_bos
    (found,) = losses(subject, PROMPT, TEXTS[:1])
    assert found != pytest.approx(direct(subject, PROMPT, TEXTS[0], bos=False), abs=1e-2)
    without = subjects("llama", prepends_bos=False)
    assert losses(without, PROMPT, TEXTS[:1])[0] == pytest.approx(direct(without, PROMPT, TEXTS[0]), abs=2e-4)


class Wrapped:
    """A subject as delphi wants a model: callable, with its tokenizer."""

    def __init__(self, subject):
        self.hf, self.tokenizer, self.device = subject.hf, subject.tokenizer, subject.device

    def __call__(self, **inputs):
        return self.hf(**inputs)


def native(subject, texts):
    engine = load("delphi.scorers.surprisal.surprisal")
    samples = [engine.Sample(t, [], engine.SurprisalOutput(t, 0)) for t in texts]
    return engine.SurprisalScorer(Wrapped(subject), False, 10).compute_loss_with_kv_cache(PROMPT, samples, 10)


class TestDelphisOwnLosses:
    """Should one of these fail, delphi was repaired: see whether ours are still needed."""

    def test_agree_where_they_are_right(self, subjects):
        """Fidelity: the first ten windows, if they need no padding and the model no BOS."""
        subject = subjects("gpt2", prepends_bos=False)
        texts = TEXTS[:1] * 5 + TEXTS[4:5] * 5
        lengths = {len(subject.tokenizer.encode(t)) for t in texts}
        assert len(lengths) == 1
        for theirs, ours in zip(native(subject, texts), losses(subject, PROMPT, texts), strict=True):
            assert theirs == pytest.approx(ours, abs=2e-4)

    def test_see_the_windows_before(self, subjects):
        subject = subjects("gpt2", prepends_bos=False)
        texts = TEXTS[:1] * 20
        theirs, ours = native(subject, texts), losses(subject, PROMPT, texts)
        assert theirs[9] == pytest.approx(ours[9], abs=2e-4)
        assert np.abs(np.subtract(theirs[10], ours[10])).max() > 0.1  # the very same text

    def test_end_in_a_zero_that_is_no_loss(self, subjects):
        subject = subjects("gpt2", prepends_bos=False)
        theirs, ours = native(subject, TEXTS[:10]), losses(subject, PROMPT, TEXTS[:10])
        longer = [len(a) - len(b) for a, b in zip(theirs, ours, strict=True)]
        assert set(longer) == {0, 1}
        assert all(a[-1] == 0.0 for a, more in zip(theirs, longer, strict=True) if more)

    @pytest.mark.parametrize("n", [7, 12])
    def test_fail_with_a_number_that_is_no_multiple_of_ten(self, subjects, n):
        with pytest.raises(RuntimeError, match="Sizes of tensors must match"):
            native(subjects("gpt2", prepends_bos=False), TEXTS[:n])


class BagOfWords:
    """A language model that expects the words it has read: planted truth for explanations that name one."""

    def __init__(self, n_words):
        self.n_words = n_words

    def __call__(self, input_ids, past_key_values=None, **_):
        before = torch.zeros(len(input_ids), self.n_words) if past_key_values is None else past_key_values.counts
        counts = before[:, None] + torch.nn.functional.one_hot(input_ids, self.n_words).cumsum(1)
        return SimpleNamespace(logits=counts.clamp(max=1) * 3.0, past_key_values=Bag(counts[:, -1]))


class Bag:
    def __init__(self, counts):
        self.counts = counts

    def batch_repeat_interleave(self, n):
        self.counts = self.counts.repeat_interleave(n, 0)


class Words:
    """A tokenizer of words, numbered as they come."""

    def __init__(self, n):
        self.known, self.n = {}, n

    def encode(self, text, add_special_tokens=False):
        return [self.known.setdefault(word, len(self.known)) for word in text.split()]


@pytest.fixture(scope="module")
def reader():
    return SimpleNamespace(
        vocabulary=SimpleNamespace(bos=None, pad=0),
        hf=BagOfWords(1200),
        tokenizer=Words(1200),
        needs_bos=False,
        context=10**6,
        device=torch.device("cpu"),
        spec={"name": "reader"},
    )


def make_latent(index, word, n=13, firing=lambda i: i % 2 == 0):
    test = []
    for i in range(n):
        others = [f" filler{(7 * i + k) % 11}" for k in range(3 + i % 3)]
        tokens = (*others, f" {word}", " end") if firing(i) else (*others, " nothing", " end")
        activations = tuple(float(t == f" {word}") for t in tokens)
        test.append(Example(f"d:{i}", tokens, activations, firing(i)))
    return LatentExamples(index, 0.1, (), (), tuple(test))


LATENTS = [make_latent(i, word) for i, word in enumerate(("nurse", "seven", "river"))]


def test_the_planted_word_is_found_and_another_is_not(reader):
    assert surprisal_scores(LATENTS, {0: "nurse", 1: "seven", 2: "river"}, reader) == {0: 1.0, 1: 1.0, 2: 1.0}
    wrong = surprisal_scores(LATENTS, {0: "seven", 1: "river", 2: "nurse"}, reader)
    assert all(0.2 < v < 0.8 for v in wrong.values())
    assert surprisal_scores(LATENTS[:1], {0: "nothing"}, reader)[0] == 0.0


def test_one_class_is_not_measurable_and_no_explanation_is_none(reader):
    silent = make_latent(0, "nurse", firing=lambda i: False)
    assert np.isnan(surprisal_scores([silent], {0: "nurse"}, reader)[0])
    assert surprisal_scores(LATENTS, {}, reader) == {}
    with pytest.raises(Refusal, match="no explanation of latent 0"):
        surprisal_scores(LATENTS, {0: ""}, reader)


def test_a_context_that_is_too_short_is_refused(subjects):
    """Rotary models go on without an error beyond their context, and delphi's examples alone have hundreds of tokens."""
    with pytest.raises(Refusal, match="128 in all: the context"):
        surprisal_scores(LATENTS, {0: "nurse"}, subjects("llama"))
    with pytest.raises(Refusal, match="windows of two tokens or more"):
        losses(subjects("llama"), PROMPT, ["", "the cat"])


def test_a_real_model_gives_a_number_for_every_latent(subjects):
    few = [make_latent(i, "river", n=4) for i in range(2)]
    found = surprisal_scores(few, {1: "river"}, subjects("neox", context=4096, layers=1))
    assert sorted(found) == [1]
    assert 0 <= found[1] <= 1

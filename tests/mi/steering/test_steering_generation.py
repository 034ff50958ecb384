"""Generation: Hugging Face's own, whatever the batch; noise that is a draw; one dose per position."""

import numpy as np
import pytest
import torch
from scipy import stats

import mi.steering.generate as module
from mi.refusal import Refusal
from mi.steering.generate import AddNoise, Dose, Gumbel, Steps, ends, generate
from mi.steering.prompts import Prompts
from mi.subjects.errors import SubjectError
from mi.subjects.tokens import TokenBatch


@pytest.fixture(scope="module")
def asked(artifacts):
    """A dozen prompts of different lengths, with their keys."""
    of = Prompts(artifacts("prompts", split="validation", n=6)).of
    pairs = [pair for name in ("can", "works-as") for pair in zip(*of(name), strict=True)]
    return [key for key, _ in pairs], [text for _, text in pairs]


@pytest.fixture(scope="module", params=["organism", "gemma"])
def subject(request):
    return request.getfixturevalue(request.param)


def dose(subject, site, n, scale=1.0):
    rows = torch.randn(n, subject.d_model, generator=torch.Generator().manual_seed(2))
    norm = 250.0 if subject.d_model == 128 else 3.0
    return Dose(site, scale * norm * rows / rows.norm(dim=-1, keepdim=True))


def written(subject, asked, *, seed=0, dose=None, **options):
    keys, texts = asked
    return generate(subject, texts, keys, noise=Gumbel(seed), max_new_tokens=10, dose=dose, **options)


def test_batches_do_not_matter(subject, site, asked):
    one = dose(subject, site, len(asked[0]))
    assert len({len(row) for row in subject.tokenizer(asked[1]).input_ids}) > 1  # some rows are padded
    together, alone = (written(subject, asked, dose=one, batch_size=size) for size in (12, 1))
    assert [g.ids for g in together] == [g.ids for g in alone]
    assert [g.ids for g in written(subject, asked, dose=one, batch_size=5)] == [g.ids for g in alone]


def test_without_noise_it_is_greedy_decoding(subject, asked, monkeypatch):
    monkeypatch.setattr(Gumbel, "row", lambda self, key, step, size, device: torch.zeros(size, device=device))
    ours = written(subject, asked)
    for text, got in zip(asked[1], ours, strict=True):
        ids = subject.tokens([text]).ids
        found = subject.hf.generate(ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=10)
        assert got.ids == tuple(found[0, ids.shape[1] :].tolist())


def test_coefficient_0_is_no_steering_bit_for_bit(subject, site, asked):
    assert written(subject, asked, dose=dose(subject, site, len(asked[0]), 0.0)) == written(subject, asked)
    value = torch.randn(2, 3, 4) * torch.tensor([1.0, 0.0, -0.0, 1e-30])
    edit = Steps(torch.zeros(2, 4), torch.tensor([[False, True, True]] * 2))
    assert torch.equal(edit(value), value)


def test_noise_belongs_to_prompt_and_seed(organism, asked):
    keys, texts = asked
    texts = [texts[0]] * len(texts)  # one prompt under many keys

    def ids(keys, seed=0):
        return [g.ids for g in written(organism, (keys, texts), seed=seed)]

    by_key = ids(keys)
    assert len(set(by_key)) > len(keys) // 2
    assert ids(keys) == by_key
    assert ids(keys[::-1])[::-1] == by_key
    assert ids(keys, seed=1) != by_key


P = np.array([0.4, 0.3, 0.15, 0.1, 0.04, 0.01])


def drawn(noise, n=8_000):
    add = AddNoise(noise, [f"prompt {k}" for k in range(n)], width=3)
    steps = [torch.zeros(n, 3 + step, dtype=torch.int64) for step in (0, 1)]
    return [add(ids, torch.tensor(P).log().expand(n, -1)).argmax(-1).numpy() for ids in steps]


def test_it_samples_from_the_softmax_and_steps_are_independent():
    first, second = drawn(Gumbel(3))
    for tokens in (first, second):
        assert stats.chisquare(np.bincount(tokens, minlength=6), 8_000 * P).pvalue > 1e-3
    both = np.zeros((6, 6))
    np.add.at(both, (first, second), 1)
    assert stats.chi2_contingency(both[:5, :5]).pvalue > 1e-3


def test_other_noise_would_be_noticed(monkeypatch):
    true = Gumbel.row
    monkeypatch.setattr(Gumbel, "row", lambda self, *about: 0.8 * true(self, *about))
    assert stats.chisquare(np.bincount(drawn(Gumbel(3))[0], minlength=6), 8_000 * P).pvalue < 1e-6


def replayed(subject, generations, keys, dose, noise):
    """Tokens from one pass over the finished text with the dose at every scored position, by the subject's own edits."""
    tokens = []
    for g, key, vector in zip(generations, keys, dose.vectors, strict=True):
        ids = torch.tensor([g.prompt.ids + g.ids])
        special = torch.tensor([*(not s for s in g.prompt.scored), *(False for _ in g.ids)])
        scored = ~torch.isin(ids, torch.tensor([*subject.vocabulary.specials]))
        batch = TokenBatch(ids, torch.ones_like(scored), scored, (g.prompt,))
        added = torch.where(special[:, None], 0.0, vector)
        logits = subject.run_edited(batch, {dose.site: lambda x, added=added: x + added})
        start = len(g.prompt.ids) - 1
        rows = [logits[0, start + k] + noise.row(key, k, logits.shape[-1], logits.device) for k in range(len(g.ids))]
        tokens.append(tuple(int(row.argmax()) for row in rows))
    return tokens


def same_as_replayed(subject, site, asked):
    given = dose(subject, site, len(asked[0]))
    made = written(subject, asked, dose=given)
    return [g.ids for g in made] == replayed(subject, made, asked[0], given, Gumbel(0))


def test_the_dose_is_given_once_at_every_position(subject, site, asked):
    assert same_as_replayed(subject, site, asked)


class Twice(Steps):
    """nrimsky/CAA#2: added at some positions, then again at all of them."""

    def __call__(self, value):
        return super().__call__(value) + (self.vectors[:, None] if value.shape[1] == 1 else 0)


class AtBos(Steps):
    def __init__(self, vectors, prompt):
        super().__init__(vectors, prompt | (prompt.cumsum(1) == 0) & (prompt.roll(-1, 1)))


class PromptOnly(Steps):
    def __call__(self, value):
        return super().__call__(value) if value.shape[1] > 1 else self.skipped(value)

    def skipped(self, value):
        self.fed += 1
        return value


class OneForAll(Steps):
    def __init__(self, vectors, prompt):
        super().__init__(vectors[:1].expand_as(vectors), prompt)


@pytest.mark.parametrize("mutant", [Twice, AtBos, PromptOnly, OneForAll])
def test_another_dose_would_be_noticed(organism, site, asked, mutant, monkeypatch):
    monkeypatch.setattr(module, "Steps", mutant)
    assert not same_as_replayed(organism, site, asked)


def test_bos_and_padding_stay_and_the_rest_gets_exactly_its_vector():
    prompt = torch.tensor([[False, False, True, True], [False, True, True, True]])  # padding, BOS, then text
    vectors, value = torch.randn(2, 5), torch.randn(2, 4, 5)
    edit = Steps(vectors, prompt)
    after = edit(value)
    assert torch.equal(after[~prompt], value[~prompt])
    assert torch.equal(after[prompt], (value + vectors[:, None])[prompt])
    for _ in range(3):
        value = torch.randn(2, 1, 5)
        assert torch.equal(edit(value), value + vectors[:, None])
    assert edit.steered.tolist() == [2 + 3, 3 + 3]
    assert edit.fed == 7


def test_a_model_that_reads_everything_again_is_refused():
    edit = Steps(torch.zeros(1, 5), torch.ones(1, 4, dtype=torch.bool))
    edit(torch.zeros(1, 4, 5))
    with pytest.raises(SubjectError, match="key-value cache"):
        edit(torch.zeros(1, 5, 5))


def test_the_models_own_settings_are_put_aside_and_put_back(organism, asked):
    plain, own = written(organism, asked), organism.hf.generation_config
    own.repetition_penalty, own.temperature = 5.0, 0.1
    try:
        assert written(organism, asked) == plain
        assert organism.hf.generation_config is own
    finally:
        own.repetition_penalty = own.temperature = None


def test_a_continuation_ends_with_the_end_token_and_shows_neither_it_nor_the_prompt(organism, asked):
    keys, texts = asked
    made = generate(organism, texts, keys, noise=Gumbel(0), max_new_tokens=24)
    assert sum(g.ids[-1] in ends(organism) for g in made) > len(made) / 2
    for g, text in zip(made, texts, strict=True):
        assert not set(g.ids[:-1]) & ends(organism)
        assert text not in g.text
        assert "<" not in g.text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"keys": ["a", "a"]}, "keys"),
        ({"prompts": [" Anna", ""]}, "tokens"),
        ({"max_new_tokens": 300}, "context"),
        ({"dose": Dose("blocks.2.hook_resid_post", torch.zeros(3, 128))}, "vectors"),
        ({"dose": Dose("blocks.9.hook_resid_post", torch.zeros(2, 128))}, "site"),
    ],
)
def test_what_cannot_be_generated_is_refused(organism, change, words):
    given = {"prompts": [" Anna", " Adam"], "keys": ["a", "b"], "noise": Gumbel(0), "max_new_tokens": 4, **change}
    with pytest.raises(Refusal, match=words):
        generate(organism, given.pop("prompts"), given.pop("keys"), **given)

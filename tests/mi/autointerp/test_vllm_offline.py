"""vLLM in this process, with a stand-in for vLLM: what it is given, in which batches, and how it is read."""

import sys
from types import ModuleType, SimpleNamespace

import pytest
from scored_questions import Count, latent, question

from mi.autointerp.asking import ask_all, costs, explain_all
from mi.autointerp.journal import Journal
from mi.autointerp.vllm_offline import OfflineScorer
from mi.subjects.errors import NotHere

IDENTITY = {"kind": "chat", "model": "test/model"}


@pytest.fixture
def vllm(monkeypatch):
    fake, sampling = ModuleType("vllm"), ModuleType("vllm.sampling_params")
    fake.batches, fake.made = [], []
    sampling.StructuredOutputsParams = lambda **given: given
    fake.SamplingParams = lambda **given: given

    class LLM:
        def __init__(self, **given):
            fake.made.append(given)

        def chat(self, conversations, sampling, use_tqdm):
            fake.batches.append((conversations, sampling))
            return [fake.reply(messages) for messages in conversations]

    def reply(messages):
        text = "[1, null]" if "JSON list of 2" in messages[-1]["content"] else "[EXPLANATION]: words"
        said = SimpleNamespace(text=text, finish_reason="stop", token_ids=[1, 2])
        return SimpleNamespace(outputs=[said], prompt_token_ids=[1, 2, 3])

    fake.LLM, fake.reply = LLM, reply
    monkeypatch.setitem(sys.modules, "vllm", fake)
    monkeypatch.setitem(sys.modules, "vllm.sampling_params", sampling)
    return fake


@pytest.fixture
def journal(tmp_path):
    with Journal(tmp_path / "journal.jsonl") as journal:
        yield journal


def test_questions_go_in_batches_and_answers_come_back_in_order(vllm, journal):
    scorer = OfflineScorer(IDENTITY)
    scorer.concurrency = 10
    said = explain_all(scorer, [latent(0)], journal, Count())
    answers = ask_all(scorer, [question(k, [1, 0]) for k in range(25)], journal, Count())
    assert said[0].text == "words"
    assert [a.values for a in answers] == [(1, None)] * 25
    assert [len(conversations) for conversations, _ in vllm.batches] == [1, 10, 10, 5]
    assert vllm.batches[1][1][0] == {"temperature": 0.0, "seed": 0, "max_tokens": 72}
    assert vllm.made[0]["generation_config"] == "vllm"
    assert costs(journal)["prompt_tokens"] == 26 * 3


def test_structured(vllm, journal):
    for structured in ("vllm", "json_schema"):
        ask_all(OfflineScorer({**IDENTITY, "structured": structured}), [question(0, [1, 0])], journal, Count())
    one, other = (sampling[0]["structured_outputs"]["json"] for _, sampling in vllm.batches)
    assert one["maxItems"] == 2
    assert other["properties"]["answers"] == one


def test_an_error_reaches_everybody_who_waits(vllm, journal):
    vllm.reply = lambda _: 1 / 0
    with pytest.raises(ZeroDivisionError):
        ask_all(OfflineScorer(IDENTITY), [question(k, [1, 0]) for k in range(5)], journal, Count())
    assert len(journal) == 0


def test_without_vllm(monkeypatch):
    monkeypatch.setitem(sys.modules, "vllm", None)
    with pytest.raises(NotHere, match="--scorer vllm:test/model"):
        OfflineScorer(IDENTITY)

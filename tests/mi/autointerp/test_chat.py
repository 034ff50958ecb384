"""The contract of a chat scorer, against a scripted server: nothing lost, nothing paid twice, nothing read wrongly."""

import asyncio
import json
import logging
import re
import socket
from collections import Counter

import pytest
from openai_server import DROP, MODEL, OpenAIServer, Reply, fail, say
from scored_questions import Count, latent, question

from mi.autointerp.accounting import account
from mi.autointerp.answers import render
from mi.autointerp.asking import ask_all, costs, explain_all
from mi.autointerp.chat import ChatScorer, same_model
from mi.autointerp.chat_settings import ChatSettings
from mi.autointerp.journal import Journal
from mi.autointerp.unavailable import ScorerUnavailable
from mi.refusal import Refusal

IDENTITY = {"kind": "chat", "model": MODEL}
SECRET = "sk-test-0123456789abcdef"


def truth_in(asked):
    """The words of :func:`scored_questions.question` tell the truth."""
    shown = asked.prompt.split("Text examples:")[-1]
    return [int("yes" in line) for line in re.findall(r"^Example \d+:(.*)$", shown, re.MULTILINE)]


def right(asked):
    return say(render(truth_in(asked)))


def scorer(server, **how):
    return ChatScorer(IDENTITY, server.url, **{"retries": 3, "timeout": 5, "concurrency": 4, **how})


@pytest.fixture
def journal(tmp_path):
    with Journal(tmp_path / "journal.jsonl") as journal:
        yield journal


@pytest.fixture
def script(monkeypatch):
    """``script(replies)``: the server that says these one after the other, the last one from then on."""
    running = []

    def start(*replies, models=(MODEL,)):
        def say_next(asked):
            reply = replies[min(asked.number, len(replies) - 1)]
            return reply(asked) if callable(reply) else reply

        running.append(OpenAIServer(say_next, models).__enter__())
        return running[-1]

    yield start
    for server in running:
        server.__exit__()


def test_what_is_sent(script, journal, monkeypatch):
    monkeypatch.setenv("MI_ASSAY_SCORER_KEY", SECRET)
    bodies = []

    def keep(asked):
        bodies.append((asked.body, asked.headers))
        return right(asked)

    (answers,) = ask_all(scorer(script(keep)), [question(1, [1, 0, 1, 1], "fuzzing")], journal, Count())
    assert answers.values == (1, 0, 1, 1)
    (body, headers) = bodies[0]
    told = {key: value for key, value in body.items() if key != "messages"}
    assert told == {"model": MODEL, "temperature": 0.0, "seed": 0, "max_tokens": 80}
    assert {k.lower(): v for k, v in headers.items()}["authorization"] == f"Bearer {SECRET}"
    roles = [m["role"] for m in body["messages"]]
    assert roles == ["system", *["user", "assistant"] * 3, "user"]
    last = body["messages"][-1]["content"]
    assert "Latent explanation: concept 1" in last
    assert "Example 2:  q1w2yes0 q1w2yes1 q1w2yes2<< q1w2yes3>> q1w2yes4" in last
    assert last.splitlines()[-1].startswith("Answer with a JSON list of 4 items")


def test_explanations_and_what_everything_cost(script, journal):
    server = script(say("[EXPLANATION]: words with l7"), say("I have no idea"), right)
    asks = scorer(server, concurrency=1)
    said = explain_all(asks, [latent(7), latent(8)], journal, Count())
    ask_all(asks, [question(0, [1])], journal, Count())  # another event loop, so other connections
    assert [(e.text, e.why) for e in said] == [("words with l7", None), ("", "no explanation")]
    spent = {"asked": 3, "served_as": [MODEL], "tries": 3, "prompt_tokens": 300, "completion_tokens": 30}
    assert costs(journal) == spent


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (say("I cannot answer this."), "no list"),
        (say("[1, 0"), "broken list"),
        (say("[1, 0, 1]"), "wrong length"),
        (say("[1, 0] or [0, 1]"), "several lists"),
        (say("[1, 0]", finish="length"), "cut short"),
        (say(None, finish="content_filter"), "no list"),
    ],
)
def test_an_answer_that_cannot_be_read_is_missing_and_is_not_asked_again(script, journal, reply, why):
    server = script(reply)
    for _ in range(2):
        (answers,) = ask_all(scorer(server), [question(0, [1, 0])], journal, Count())
        assert (answers.values, answers.why) == ((None, None), why)
    assert server.requests == 1


@pytest.mark.parametrize(
    "trouble",
    [fail(429), fail(500), fail(503), fail(408), fail(409), DROP],
    ids=["429", "500", "503", "408", "409", "drop"],
)
def test_trouble_on_the_way_is_repeated(script, journal, trouble):
    server = script(trouble, right)
    (answers,) = ask_all(scorer(server), [question(0, [1, 0])], journal, Count())
    assert answers.values == (1, 0)
    assert (server.requests, costs(journal)["tries"]) == (2, 2)


def test_a_late_answer_within_the_time_counts_and_one_beyond_it_is_asked_for_again(script, journal):
    late = script(lambda a: say(render(truth_in(a)), delay=0.3))
    assert ask_all(scorer(late, timeout=5), [question(0, [1, 0])], journal, Count())[0].values == (1, 0)
    assert late.requests == 1
    later = script(lambda a: say(render([0, 0]), delay=0.8), right)
    assert ask_all(scorer(later, timeout=0.3), [question(1, [1, 0])], journal, Count())[0].values == (1, 0)
    assert later.requests == 2


def test_it_waits_as_long_as_it_is_told(script, journal):
    busy = Reply({"error": {"message": "slow down"}}, 429, {"retry-after": "1"})
    server = script(busy, right)
    ask_all(scorer(server), [question(0, [1, 0])], journal, Count())
    first, second = server.times
    assert 1 <= second - first < 2


def test_it_waits_longer_each_time(script, journal):
    server = script(fail(500, wait_ms=None), fail(500, wait_ms=None), right)
    ask_all(scorer(server), [question(0, [1, 0])], journal, Count())
    a, b, c = server.times
    assert b - a >= 0.37  # the openai package: half a second, up to a quarter less by chance; then twice that
    assert c - b >= 0.74


FATAL = {
    "500 for ever": (fail(500, "out of order"), 4, "out of order"),
    "429 for ever": (fail(429, "slow down"), 4, "slow down"),
    "401": (fail(401, f"wrong key {SECRET}"), 1, r"refuses the key \(401\)"),
    "403": (fail(403), 1, "MI_ASSAY_SCORER_KEY"),
    "404": (fail(404, "The model does not exist"), 1, "has no test/scorer"),
    "400": (fail(400, f"unsupported {SECRET}"), 1, r"400: .*unsupported \[key\]"),
    "context": (fail(400, "This model's maximum context length is 2048 tokens"), 1, "too long"),
    "other model": (say("[1, 0]", model="test/other"), 1, "answers by test/other"),
    "no model": (say("[1, 0]", model=None), 1, "answers by None"),
    "no completion": (Reply({"hello": "world"}), 1, "no chat completion"),
    "no choice": (Reply({"model": MODEL, "choices": []}), 1, "no chat completion"),
    "broken body": (Reply(b'{"choices": [{"mess'), 1, "no chat completion"),
    "a web page": (Reply(b"<html>", headers={"content-type": "text/html"}), 1, "no chat completion"),
}


@pytest.mark.parametrize("name", FATAL)
def test_what_nobody_answered_is_an_error_and_never_a_missing_answer(script, journal, monkeypatch, caplog, name):
    reply, requests, said = FATAL[name]
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    caplog.set_level(logging.DEBUG)
    server = script(reply)
    with pytest.raises(ScorerUnavailable, match=said) as caught:
        ask_all(scorer(server), [question(0, [1, 0])], journal, Count())
    assert caught.value.keeps_work
    assert server.requests == requests
    assert len(journal) == 0
    shown = f"{caught.value} {caught.value.__cause__} {caught.value.given} {caplog.text}"
    assert SECRET not in shown
    assert server.url not in str(caught.value)


def test_nobody_there(journal):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        gone = ChatScorer(IDENTITY, f"http://127.0.0.1:{probe.getsockname()[1]}/v1", retries=0)
        with pytest.raises(ScorerUnavailable, match="no connection"):
            ask_all(gone, [question(0, [1, 0])], journal, Count())


def test_connections_that_are_dropped_for_ever(script, journal):
    with pytest.raises(ScorerUnavailable, match="no connection"):
        ask_all(scorer(script(DROP), retries=1), [question(0, [1, 0])], journal, Count())


def test_always_too_late(script, journal):
    server = script(say("[1, 0]", delay=0.5))
    with pytest.raises(ScorerUnavailable, match=r"within 0\.1 s"):
        ask_all(scorer(server, timeout=0.1, retries=1), [question(0, [1, 0])], journal, Count())


def test_the_key_of_openai_goes_to_openai_and_to_nobody_else(monkeypatch):
    from mi.autointerp.chat import _key

    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    addresses = (
        "https://api.openai.com/v1",
        "https://api.test/v1",
        "http://127.0.0.1:1/v1",
        "http://api.openai.com/v1",
    )
    assert [_key(a) for a in addresses] == [SECRET, "none", "none", "none"]
    monkeypatch.setenv("MI_ASSAY_SCORER_KEY", "ours")
    assert {_key(a) for a in addresses} == {"ours"}


def test_a_server_that_repeats_the_key_does_not_get_it_into_the_journal(script, journal, monkeypatch):
    monkeypatch.setenv("MI_ASSAY_SCORER_KEY", SECRET)
    said = explain_all(scorer(script(say(f"[EXPLANATION]: {SECRET}"))), [latent(0)], journal, Count())
    assert said[0].text == "[key]"
    assert SECRET.encode() not in journal.path.read_bytes()


def test_concurrency_is_reached_and_never_exceeded(script, journal):
    server = script(lambda a: say(render(truth_in(a)), delay=0.02))
    ask_all(scorer(server, concurrency=6), [question(k, [1, 0]) for k in range(40)], journal, Count())
    assert server.peak == 6


INJECTED = ("null", "no list", "broken list", "wrong length", "several lists", "cut short", None, None, None, None)


def unlucky(asked):
    """A kind of answer decided by the question alone, so that it is the same whenever it is asked."""
    truth = truth_in(asked)
    why = INJECTED[int(re.search(r"concept (\d+)", asked.prompt)[1]) % len(INJECTED)]
    texts = {
        "null": render([None, *truth[1:]]),
        "no list": "I would rather not say.",
        "broken list": render(truth)[:-1],
        "wrong length": render(truth[1:]),
        "several lists": f"{render(truth)} or {render([1 - t for t in truth])}",
        "cut short": render(truth),
    }
    return say(texts.get(why, f"```json\n{render(truth)}\n```"), finish="length" if why == "cut short" else "stop")


def test_what_was_injected_is_what_is_reported(script, journal):
    """Parse accounting is exact, with servers that fail now and then in between."""
    truth = [1, 0, 0, 1, 1]
    questions = [question(k, truth) for k in range(70)]
    server = script(*[fail(500), fail(429), unlucky, DROP, unlucky], unlucky)
    answers = ask_all(scorer(server), questions, journal, Count())
    injected = Counter(INJECTED[k % len(INJECTED)] for k in range(70))
    assert Counter(a.why for a in answers) == injected
    told = account(truth * 70, [v for a in answers for v in a.values])
    assert told.missing == injected["null"] + 5 * sum(injected[w] for w in INJECTED[1:6])
    assert told.score == 1.0
    assert server.answered.total() == 70


def test_going_on_pays_nothing_twice_and_loses_nothing(script, journal):
    """A server that breaks down for good in the middle; then another one takes over."""
    questions = [question(k, [1, 0]) for k in range(50)]

    def down(asked):
        return right(asked) if asked.number < 20 else fail(503)

    first = script(down)
    with pytest.raises(ScorerUnavailable):
        ask_all(scorer(first), questions, journal, Count())
    assert len(journal) == 20 == first.answered.total()
    journal.close()
    second = script(right)
    with Journal(journal.path) as resumed:
        answers = ask_all(scorer(second), questions, resumed, Count())
        third = script(fail(500))
        assert ask_all(scorer(third), questions, resumed, Count()) == answers
    paid = first.answered + second.answered
    assert set(paid.values()) == {1}
    assert paid.total() == 50
    assert third.requests == 0
    assert all(a.values == (1, 0) for a in answers)


@pytest.mark.parametrize("structured", ["json_schema", "vllm"])
def test_structured_outputs_ask_for_exactly_so_many_items(script, journal, structured):
    bodies = []

    def keep(asked):
        bodies.append(asked.body)
        return say(json.dumps({"answers": truth_in(asked)}))

    asks = ChatScorer({**IDENTITY, "structured": structured}, script(keep).url)
    assert ask_all(asks, [question(0, [1, 0, 1])], journal, Count())[0].values == (1, 0, 1)
    shape = {"type": "array", "items": {"enum": [0, 1, None]}, "minItems": 3, "maxItems": 3}
    if structured == "vllm":
        assert bodies[0]["structured_outputs"] == {"json": shape}
    else:
        assert bodies[0]["response_format"]["json_schema"]["schema"]["properties"]["answers"] == shape


@pytest.mark.parametrize(
    "identity",
    [
        {"kind": "chat"},
        {"kind": "chat", "model": ""},
        {"kind": "lexical", "model": "m"},
        {"kind": "chat", "model": "m", "url": "http://127.0.0.1/v1"},
        {"kind": "chat", "model": "m", "structured": "guided"},
    ],
)
def test_a_setting_that_there_is_not_is_refused(identity):
    with pytest.raises(Refusal):
        ChatSettings.of(identity)


def test_another_setting_is_another_question(script, journal):
    server = script(right)
    for more in ({}, {"seed": 0}, {"seed": 1}, {"temperature": 0.5}):
        ask_all(ChatScorer({**IDENTITY, **more}, server.url), [question(0, [1])], journal, Count())
    assert server.requests == 3  # a default that is written out is the same setting


@pytest.mark.parametrize(
    ("served", "same"),
    [
        ("m", True),
        ("m-2024-07-18", True),
        ("m-0613", True),
        ("m@main", True),
        ("m-mini", False),
        ("M", False),
        (None, False),
    ],
)
def test_names_of_one_model(served, same):
    assert same_model("m", served) is same


def test_an_open_scorer_can_be_asked_within_one_loop(script):
    async def twice():
        asks = scorer(script(right))
        both = [await asks.answer(question(k, [1])) for k in range(2)]
        await asks.aclose()
        return [a.values for a in both]

    assert asyncio.run(twice()) == [(1,), (1,)]


def test_an_open_scorer_can_be_asked_from_one_loop_after_another(script):
    asks = scorer(script(right))
    assert [asyncio.run(asks.answer(question(k, [1]))).values for k in range(3)] == [(1,)] * 3

"""Endpoints: what --scorer may say, who finds it, and that no key gets into it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mi.autointerp.endpoints import (
    CONCURRENCY,
    VARIABLE,
    Endpoint,
    find,
    open_scorer,
    parse_endpoint,
    read,
    write,
)
from mi.refusal import Refusal
from mi.subjects.errors import NotHere

QWEN = "Qwen/Qwen2.5-7B-Instruct"


@pytest.fixture(autouse=True)
def _nobody(monkeypatch):
    monkeypatch.setenv(VARIABLE, "[]")


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("lexical", Endpoint("lexical", "lexical")),
        (f"vllm:{QWEN}+vllm", Endpoint("vllm", QWEN, structured="vllm")),
        ("a+b@http://h/v1", Endpoint("url", "a+b", "http://h/v1")),
        ("m+json_schema@http://h/v1", Endpoint("url", "m", "http://h/v1", "json_schema")),
        (f"{QWEN}@http://127.0.0.1:8000/v1/", Endpoint("url", QWEN, "http://127.0.0.1:8000/v1")),
        ("gpt-4o-mini@https://api.test/v1", Endpoint("url", "gpt-4o-mini", "https://api.test/v1")),
        ("m@http://[::1]:8000/v1", Endpoint("url", "m", "http://[::1]:8000/v1")),
        (f" vllm:{QWEN} ", Endpoint("vllm", QWEN)),
        (f"vllm-offline:{QWEN}", Endpoint("vllm-offline", QWEN)),
        (
            "serve:qwen2.5:3b=llama-server -m 'my model.gguf' --port {port}",
            Endpoint("serve", "qwen2.5:3b", "llama-server -m 'my model.gguf' --port {port}"),
        ),
    ],
)
def test_forms(text, endpoint):
    assert parse_endpoint(text) == endpoint
    write([endpoint])
    assert find(endpoint.model) == endpoint


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "one of: lexical"),
        (QWEN, "one of: lexical"),
        ("vllm:", "without a model's name"),
        ("@http://127.0.0.1:1/v1", "without a model's name"),
        ("m@http://127.0.0.1:8000", "Give its path too"),
        ("m@http://:8000/v1", "one such as"),
        ("m@http://127.0.0.1:x/v1", "an address that is none"),
        ("m@httpx://127.0.0.1/v1", "one such as"),
        ("serve:m=llama-server", r"with \{port\} in it"),
        ("serve:m", r"with \{port\} in it"),
        ("serve:m=sh -c 'a {port}", "No closing quotation"),
    ],
)
def test_what_is_no_endpoint(text, said):
    with pytest.raises(Refusal, match=said):
        parse_endpoint(text)


@pytest.mark.parametrize(
    "address", ["http://me:secret@h/v1", "http://secret@h/v1", "http://h/v1?key=secret", "http://h/v1#secret"]
)
def test_a_key_in_an_address_is_refused_and_not_repeated(address):
    with pytest.raises(Refusal, match="MI_ASSAY_SCORER_KEY") as caught:
        parse_endpoint(f"m@{address}")
    assert "secret" not in str(caught.value)


@given(st.text())
def test_any_text_is_an_endpoint_or_refused(text):
    try:
        endpoint = parse_endpoint(text)
    except Refusal:
        return
    assert endpoint.model


def test_other_processes_find_them():
    endpoints = [parse_endpoint("m@http://127.0.0.1:1/v1"), parse_endpoint("serve:n=s --port {port}")]
    write(endpoints)
    code = "from mi.autointerp.endpoints import *; print(find('m').place, find('n').place)"
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout == "http://127.0.0.1:1/v1 s --port {port}\n"


def test_reading_options_imports_nothing_heavy():
    code = (
        "import sys, mi.autointerp.endpoints\n"
        "print(sorted({'torch', 'openai', 'delphi', 'transformers', 'vllm'} & set(sys.modules)))"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_nobody_serves_it():
    with pytest.raises(NotHere, match=rf"--scorer '{QWEN}@http.*--scorer 'vllm:{QWEN}'") as caught:
        find(QWEN)
    assert caught.value.absent
    with pytest.raises(NotHere), open_scorer({"kind": "chat", "model": QWEN}):
        pass


def test_two_for_one_model_are_refused():
    with pytest.raises(Refusal, match="2 scorers named m"):
        write([parse_endpoint("m@http://127.0.0.1:1/v1"), parse_endpoint("vllm:m")])


@pytest.mark.parametrize("text", ["{", "[1]", '{"kind": 1}', '[{"kind": "url"}]'])
def test_a_variable_that_others_set(monkeypatch, text):
    monkeypatch.setenv(VARIABLE, text)
    with pytest.raises(Refusal, match=VARIABLE):
        read()


def test_scorers_are_opened_by_what_the_recipe_says(monkeypatch):
    from mi.autointerp.chat import ChatScorer
    from mi.autointerp.lexical import LexicalScorer

    with open_scorer({"kind": "lexical"}) as scorer:
        assert isinstance(scorer, LexicalScorer)
    write([parse_endpoint("m@http://127.0.0.1:1/v1")])
    monkeypatch.setenv(CONCURRENCY, "3")
    with open_scorer({"kind": "chat", "model": "m"}) as scorer:
        assert isinstance(scorer, ChatScorer)
        assert (scorer.name, scorer.concurrency) == ("m", 3)
        assert "127.0.0.1" not in json.dumps(scorer.identity)  # where it is served is not who it is
    monkeypatch.setenv(CONCURRENCY, "0")
    with pytest.raises(Refusal, match=CONCURRENCY), open_scorer({"kind": "chat", "model": "m"}):
        pass
    with pytest.raises(Refusal, match="lexical or chat"), open_scorer({"kind": "human"}):
        pass


def test_what_was_given_is_all_there_is():
    write([])
    assert (read(), os.environ[VARIABLE]) == ([], "[]")


@pytest.mark.parametrize(
    "option",
    [
        "my model@http://user:hunter2@h/v1",
        "m@https://h/v1?api_key=hunter2",
        "m@http://user:hunter2@h/v1",
        "serve:m=server --api-key hunter2",
        "serve:my model=server --api-key hunter2 --port {port}",
        "m@https://h",
    ],
)
def test_no_error_repeats_what_may_be_secret(option):
    with pytest.raises(Refusal) as refused:
        parse_endpoint(option)
    assert "hunter2" not in str(refused.value)

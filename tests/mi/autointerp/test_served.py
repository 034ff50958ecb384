"""Servers of our own: ready when they say so, refused when they do not, and gone afterwards, whatever happened."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from scored_questions import Count, latent, question

from mi.autointerp import served as module
from mi.autointerp.accounting import account
from mi.autointerp.asking import ask_all, costs, explain_all
from mi.autointerp.chat import ChatScorer
from mi.autointerp.endpoints import open_scorer, parse_endpoint, write
from mi.autointerp.journal import Journal
from mi.autointerp.memory import Gpu
from mi.autointerp.served import served, vllm_command, vllm_served
from mi.autointerp.unavailable import ScorerUnavailable
from mi.refusal import Refusal
from mi.subjects.errors import NotHere

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
MODEL = "test/model"


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(module, "EVERY", 0.02)


def plain(how, *more):
    return [sys.executable, "-S", str(HERE / "plain_server.py"), "{port}", how, "{model}", *map(str, more)]


def ask(url):
    with urllib.request.urlopen(f"{url}/models", timeout=5) as reply:
        return json.load(reply)


def gone(pid, seconds=5.0):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":  # dead, and not yet collected by whoever adopted it
            return True
        time.sleep(0.02)
    return False


def test_it_answers_for_as_long_as_it_is_needed():
    with served(plain("well"), MODEL) as url:
        pid = ask(url)["pid"]
        assert url.startswith("http://127.0.0.1:")
    assert gone(pid)


def test_it_is_gone_after_an_error():
    pids = []

    def fails(url):
        pids.append(ask(url)["pid"])
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), served(plain("well"), MODEL) as url:
        fails(url)
    assert gone(*pids)


def test_one_that_does_not_want_to_go_goes(monkeypatch):
    monkeypatch.setattr(module.Server.stop, "__defaults__", (0.2,))
    with served(plain("stubborn"), MODEL) as url:
        pid = ask(url)["pid"]
    assert gone(pid)


def test_what_it_has_started_goes_with_it(tmp_path):
    note = tmp_path / "pid"
    with served(plain("parent", note), MODEL):
        child = int(note.read_text())
        assert not gone(child, 0)
    assert gone(child)


@pytest.mark.parametrize("how", [signal.SIGKILL, None])
def test_it_ends_with_the_process_that_started_it(how):
    """Killed or finished without a word: a server in a session of its own would go on."""
    code = (
        "import sys, time, urllib.request\nfrom mi.autointerp.served import Server\n"
        "server = Server([sys.executable, '-c', 'import os, time; print(os.getpid(), flush=True); time.sleep(60)'])\n"
        "while not server.tail(): time.sleep(.01)\n"
        f"print(server.tail(), flush=True)\ntime.sleep({60 if how else 0})"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    with parent.stdout:
        pid = int(parent.stdout.readline())
    if how:
        assert not gone(pid, 0)
        os.kill(parent.pid, how)
    parent.wait(20)
    assert gone(pid)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("dies", r"ended with exit status 3.*out of memory"),
        ("other", r"serves another/model, not test/model"),
        ("never", r"not ready after 0\.4 s.*starting never"),
    ],
)
def test_one_that_is_of_no_use(how, said):
    began = time.monotonic()
    with (
        pytest.raises(ScorerUnavailable, match=f"(?s){said}"),
        served(plain(how), MODEL, timeout=0.4 if how == "never" else 20),
    ):
        pytest.fail("it was given out")
    assert time.monotonic() - began < 10


def test_no_such_command():
    with pytest.raises(NotHere, match="no command 'no-such-server'"), served(["no-such-server", "{port}"], MODEL):
        pass


def test_it_gets_no_keys_and_not_our_packages(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv("MI_ASSAY_SCORER_KEY", "sk-secret")
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    server = module.Server([sys.executable, "-c", "import os; print(sorted(os.environ))"])
    server.process.wait(20)
    said = server.tail()
    server.stop()
    assert "PATH" in said
    assert "KEY" not in said
    assert "PYTHONPATH" not in said


def test_vllm_starts_with_what_is_free_and_without_the_defaults_of_the_model(monkeypatch):
    monkeypatch.setattr(module, "this_gpu", lambda: Gpu.kind("L4", resident=3.0))
    command = vllm_command("vllm", "Qwen/Qwen2.5-3B-Instruct")
    told = dict(zip(command[3::2], command[4::2], strict=True))
    assert command[:3] == ["vllm", "serve", "Qwen/Qwen2.5-3B-Instruct"]
    assert told == {
        **{"--host": "127.0.0.1", "--port": "{port}", "--served-model-name": "Qwen/Qwen2.5-3B-Instruct"},
        **{"--gpu-memory-utilization": "0.85", "--max-model-len": "8192", "--max-num-seqs": "16"},
        **{"--seed": "0", "--generation-config": "vllm"},
    }


def test_vllm_is_not_started_where_it_does_not_fit(monkeypatch, tmp_path):
    started = tmp_path / "started"
    fake = tmp_path / "vllm"
    fake.write_text(f"#!/bin/sh\ntouch {started}\n")
    fake.chmod(0o755)
    monkeypatch.setenv(module.VLLM, str(fake))
    monkeypatch.setattr(module, "this_gpu", lambda: Gpu.kind("L4", resident=5.98))
    with pytest.raises(Refusal, match=r"16\.05 of 22\.03 GiB free"), vllm_served("Qwen/Qwen2.5-7B-Instruct"):
        pass
    monkeypatch.setattr(module, "leave_gpu", lambda: 4.87)
    with (
        pytest.raises(Refusal, match=r"4\.87 GiB of it are this process's own"),
        vllm_served("Qwen/Qwen2.5-7B-Instruct"),
    ):
        pass
    assert not started.exists()


def test_no_vllm(monkeypatch):
    monkeypatch.setenv(module.VLLM, "no-such-vllm")
    with pytest.raises(NotHere, match=module.VLLM), vllm_served("Qwen/Qwen2.5-3B-Instruct"):
        pass


def test_what_this_process_holds_on_the_gpu(monkeypatch):
    cuda = type("cuda", (), {})()
    calls = []
    cuda.is_available = cuda.is_initialized = lambda: True
    cuda.empty_cache = lambda: calls.append("emptied")
    cuda.memory_allocated = lambda: (calls.append("asked"), 3 << 29)[1]
    monkeypatch.setitem(sys.modules, "torch", type("torch", (), {"cuda": cuda}))
    assert module.leave_gpu() == 1.5
    assert calls == ["emptied", "asked"]


def test_a_language_model_from_server_to_score(tmp_path, monkeypatch):
    """A tiny random Qwen2 with the organism's tokenizer: told the shape it answers everything, else nothing."""
    monkeypatch.setenv("MI_ASSAY_SCORERS", "[]")
    tokenizer = ROOT / "mi" / "organism" / "weights" / "seed0"
    words = [
        sys.executable,
        HERE / "tiny_server.py",
        "--port",
        "{port}",
        "--model",
        "{model}",
        "--tokenizer",
        tokenizer,
    ]
    write([parse_endpoint(f"serve:tiny/qwen2={' '.join(map(str, words))}")])
    free = {"kind": "chat", "model": "tiny/qwen2", "spare_tokens": 8, "explanation_tokens": 8}
    truth = [1, 0, 0, 1, 1]
    questions = [question(k, truth, kind) for k in range(3) for kind in ("detection", "fuzzing")]
    with (
        Journal(tmp_path / "journal.jsonl") as journal,
        open_scorer({**free, "structured": "json_schema"}) as asked,
    ):
        shaped = ask_all(asked, questions, journal, Count())
        freely = ChatScorer(free, asked._url)
        (said,) = explain_all(freely, [latent(0)], journal, Count())
        noise = ask_all(freely, questions, journal, Count())
        spent = costs(journal)
    assert (spent["asked"], spent["served_as"]) == (13, ["tiny/qwen2"])
    assert spent["prompt_tokens"] > 13 * 1000
    told = account(truth * 6, [v for a in shaped for v in a.values])
    assert told.parse_rate == 1
    assert 0.2 < told.score < 0.8  # it knows nothing
    assert account(truth * 6, [v for a in noise for v in a.values]).parse_rate == 0
    assert {a.why for a in noise} == {"cut short"}
    assert said.text == ""

"""A server that speaks OpenAI's chat completions by a script: right, wrong, late, broken, refusing, dropping."""

from __future__ import annotations

import contextlib
import json
import re
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MODEL = "test/scorer"


@dataclass(frozen=True)
class Asked:
    """One request: its number, the last message, how many items it asks for, and the whole body and headers."""

    number: int
    prompt: str
    n: int
    body: dict
    headers: dict


@dataclass(frozen=True)
class Reply:
    """What to send: a status with a body, after ``delay`` seconds; with ``drop`` the connection is cut instead."""

    body: object
    status: int = 200
    headers: dict = field(default_factory=dict)
    delay: float = 0.0
    drop: bool = False


def say(text, model=MODEL, finish="stop", **how):
    """A chat completion."""
    choice = {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": text}}
    used = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
    about = {"id": "x", "object": "chat.completion", "created": 0, "model": model}
    return Reply({**about, "choices": [choice], "usage": used}, **how)


def fail(status, message="no", wait_ms=1, **how):
    """An error, with a wish when to come again (None: no wish)."""
    headers = {} if wait_ms is None else {"retry-after-ms": str(wait_ms)}
    return Reply({"error": {"message": message, "type": "error"}}, status, headers, **how)


DROP = Reply("", drop=True)


class OpenAIServer:
    """Runs in threads of this process; counts what it is asked, and how much at once."""

    def __init__(self, script, models=(MODEL,)):
        self.script, self.models = script, models
        self.times = []  # when each request came
        self.prompts = Counter()
        self.answered = Counter()  # prompts that got a chat completion, which is what is paid for
        self.peak = self.in_flight = 0
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    @property
    def requests(self):
        return len(self.times)

    def _begin(self, body, headers):
        prompt = body["messages"][-1]["content"]
        listed = re.search(r"JSON list of (\d+) items", prompt)
        with self._lock:
            self.times.append(time.monotonic())
            self.prompts[prompt] += 1
            self.in_flight += 1
            self.peak = max(self.peak, self.in_flight)
            return Asked(len(self.times) - 1, prompt, int(listed[1]) if listed else 0, body, headers)

    def _end(self, asked, reply):
        with self._lock:
            self.in_flight -= 1
            if reply.status == 200 and not reply.drop:
                self.answered[asked.prompt] += 1

    def _handler(self):
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Two writes and Nagle's algorithm would wait 40 ms for each other.
            disable_nagle_algorithm = True

            def log_message(self, *_):
                pass

            def do_GET(self):
                self._send(Reply({"object": "list", "data": [{"id": m, "object": "model"} for m in owner.models]}))

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                asked = owner._begin(body, dict(self.headers))
                reply = owner.script(asked)
                time.sleep(reply.delay)
                owner._end(asked, reply)
                self._send(reply)

            def _send(self, reply):
                if reply.drop:
                    self.close_connection = True
                    return
                data = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
                with contextlib.suppress(OSError):  # who gave up waiting is gone
                    self.send_response(reply.status)
                    for name, value in {"content-type": "application/json", **reply.headers}.items():
                        self.send_header(name, value)
                    self.send_header("content-length", str(len(data)))
                    self.end_headers()
                    self.wfile.write(data)

        return Handler

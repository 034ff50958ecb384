"""A model server of the field's own parts: a tiny random Qwen2 behind OpenAI's chat completions.

python tiny_server.py --port N --model NAME --tokenizer FOLDER

It answers freely, which gives noise; told the shape of an answer (``response_format``), it gives a list in which every
item is whichever of "0" and "1" the model finds more likely.
"""

from __future__ import annotations

import argparse
import json
from http.server import BaseHTTPRequestHandler, HTTPServer

import torch
from transformers import AutoTokenizer, Qwen2Config, Qwen2ForCausalLM

TEMPLATE = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}assistant: "


class TinyChat:
    def __init__(self, folder, begin=False):
        self.begin = begin  # explanations with the word that delphi looks for; the rest is noise
        torch.set_num_threads(1)
        torch.manual_seed(0)
        self.tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        self.tokenizer.chat_template = TEMPLATE
        shape = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "max_position_embeddings": 16384}
        heads = {"num_attention_heads": 4, "num_key_value_heads": 2}
        config = Qwen2Config(vocab_size=len(self.tokenizer), **shape, **heads, initializer_range=0.2)
        self.model = Qwen2ForCausalLM(config).eval()

    @torch.no_grad()
    def answer(self, messages, max_tokens, shape=None):
        text = self.tokenizer.apply_chat_template(messages, tokenize=False)
        prompt = self.tokenizer(text, return_tensors="pt").input_ids
        if shape:
            n = shape["json_schema"]["schema"]["properties"]["answers"]["maxItems"]
            return json.dumps({"answers": self._list(prompt, n)}), "stop", prompt.shape[1]
        new = self.model.generate(
            prompt,
            attention_mask=torch.ones_like(prompt),
            max_new_tokens=min(max_tokens, 8),
            do_sample=False,
            pad_token_id=0,
        )
        said = self.tokenizer.decode(new[0, prompt.shape[1] :])
        begun = "[EXPLANATION]: " if self.begin and "[EXPLANATION]" in text else ""
        return begun + said, "stop" if begun else "length", prompt.shape[1]

    def _list(self, prompt, n):
        choices = [self.tokenizer("0", add_special_tokens=False).input_ids[-1]]
        choices.append(self.tokenizer("1", add_special_tokens=False).input_ids[-1])
        assert choices[0] != choices[1]
        said, seen = [], self.model(prompt, use_cache=True)
        for _ in range(n):
            said.append(int(seen.logits[0, -1, choices].argmax()))
            step = torch.tensor([[choices[said[-1]]]])
            seen = self.model(step, past_key_values=seen.past_key_values, use_cache=True)
        return said


def serve(port, name, chat):
    class Handler(BaseHTTPRequestHandler):
        disable_nagle_algorithm = True

        def do_GET(self):
            self._send({"object": "list", "data": [{"id": name, "object": "model"}]})

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            text, why, n = chat.answer(body["messages"], body["max_tokens"], body.get("response_format"))
            choice = {"index": 0, "finish_reason": why, "message": {"role": "assistant", "content": text}}
            about = {"id": "x", "object": "chat.completion", "created": 0, "model": name}
            usage = {"prompt_tokens": n, "completion_tokens": body["max_tokens"], "total_tokens": n}
            self._send({**about, "choices": [choice], "usage": usage})

        def _send(self, body):
            data = json.dumps(body).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    class Server(HTTPServer):
        request_queue_size = 64

    # One request at a time; HTTP 1.0 keeps no connection, in which one would hold up the others.
    Server(("127.0.0.1", port), Handler).serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--tokenizer", required=True)
    parser.add_argument("--begin", action="store_true")
    given = parser.parse_args()
    serve(given.port, given.model, TinyChat(given.tokenizer, given.begin))

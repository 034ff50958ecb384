"""said: what a scorer said, read once more and by other code, and matched to what was asked."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from ..refusal import Refusal
from .chat_settings import ChatSettings
from .journal import digest
from .latent_examples import Example, LatentExamples
from .scorer import FUZZING, Question

_READ = {"0": 0, "1": 1, "false": 0, "true": 1, "null": None, "none": None}
_LOOK = "Look for answers that were moved, read otherwise than they were said, or kept for another question."


def require_said(
    journal: Path, lines: Sequence[Mapping[str, Any]], latents: Sequence[LatentExamples], scorer: Mapping[str, Any]
) -> None:
    """Refuse answers of a chat scorer that are not those in its journal.

    Every question is put together again; its kept answers have to be those on record for these very messages, which show
    its windows and its explanation; a record with one plain list is read again; an explanation is a part of what was said.

    Args:
        journal: what was said, by question.
        lines: of ``answers.jsonl``.
        latents: that were asked about.
        scorer: identity.

    Raises:
        Refusal: with the first that is otherwise.
    """
    records = {line.pop("key"): line for line in map(json.loads, journal.read_text("utf-8").splitlines())}
    for record in records.values():
        _require_read(record)
    settings, windows = ChatSettings.of(scorer), {n.latent: n.test for n in latents}
    size = max((len(record["values"]) for record in records.values() if "values" in record), default=1)
    explained = {record["text"] for record in records.values() if "text" in record}
    for line in lines:
        latent, texts = line["latent"], line["explanations"]
        if explained and texts.get("true", "") not in explained | {""}:
            raise Refusal(f"an explanation of latent {latent} that nobody gave", "one that is on record", _LOOK)
        for kind, arms in line["answers"].items():
            for arm, values in arms.items():
                for i in range(0, len(values), size) if arm in texts else ():
                    question = Question(latent, kind, texts[arm], windows[latent][i : i + size])
                    _require_answered(question, values[i : i + size], settings, records)


def _require_answered(
    question: Question, values: Sequence[int | None], settings: ChatSettings, records: Mapping[str, Mapping[str, Any]]
) -> None:
    messages = settings.messages(question)
    shown = messages[-1]["content"]
    texts = [_text(e, question.kind) for e in question.examples]
    if question.explanation not in shown or not all(text in shown for text in texts):
        raise Refusal(f"messages about latent {question.latent} without its windows", "all, as they are marked", _LOOK)
    record = records.get(digest(settings.identity, Question.__name__, messages))
    if record is None or list(record["values"]) != list(values):
        raise Refusal(
            f"answers {list(values)} to a question about latent {question.latent} ({question.kind})",
            f"{record['values'] if record else 'a record of that question'}",
            _LOOK,
        )


def _text(example: Example, kind: str) -> str:
    """A window as it should be shown."""
    if kind != FUZZING:
        return example.text
    parts = groupby(enumerate(example.tokens), key=lambda place: place[0] in example.marks)
    texts = [(marked, "".join(token for _, token in of)) for marked, of in parts]
    return "".join(f"<<{text}>>" if marked else text for marked, text in texts)


def _require_read(record: Mapping[str, Any]) -> None:
    raw = record["raw"]
    if "text" in record:
        aloud = "".join(re.sub(r"<think>.*?(</think>|$)", "", raw, flags=re.DOTALL).split())
        right = "".join(record["text"].split()) in aloud
    elif not any(value is not None for value in record["values"]):
        right = True  # unread, which scores nothing: the parser may be stricter than what is read here
    else:
        lists = re.findall(r"\[([^\[\]{}]*)\]", raw)
        items = [item.strip().lower() for item in lists[0].split(",")] if len(lists) == 1 else []
        # What is cut short, thought aloud or said twice is left to the parser.
        plain = raw.count("[") == 1 and set(items) <= set(_READ) and record["why"] != "cut short" and "<" not in raw
        read = [_READ[item] for item in items] if plain else []
        unread = [None] * len(record["values"])
        right = record["values"] == (read if len(read) == len(unread) else unread) if plain or "[" not in raw else True
    if not right:
        raise Refusal(
            f"{record.get('text', record.get('values'))!r} read in {raw[-120:]!r}", "what was said, and no more", _LOOK
        )

"""Answers matched to what was said: a run of a chat scorer passes, each way to lose an answer is refused."""

import json

import pytest
from scored_questions import latent

from mi.autointerp.chat_settings import ChatSettings
from mi.autointerp.journal import digest
from mi.autointerp.said import require_said
from mi.autointerp.scorer import KINDS, Question
from mi.refusal import Refusal

SCORER = {"kind": "chat", "model": "tiny"}
LATENTS = [latent(0), latent(1)]
SIZE = 4


@pytest.fixture
def said(tmp_path):
    """``said(change)``: the journal and the answers of two latents, with one thing changed."""

    def build(change=lambda records, lines: None):
        settings, records, lines = ChatSettings.of(SCORER), [], []
        for n in LATENTS:
            text = f"the words of {n.latent}"
            records.append({"key": f"e{n.latent}", "text": text, "raw": f"[EXPLANATION]: {text}", "why": None})
            line = {"latent": n.latent, "explanations": {"true": text, "random": "chance"}, "answers": {}}
            for kind in KINDS:
                arms = line["answers"][kind] = {}
                for arm, explanation in line["explanations"].items():
                    arms[arm] = []
                    for i in range(0, len(n.test), SIZE):
                        some = n.test[i : i + SIZE]
                        messages = settings.messages(Question(n.latent, kind, explanation, some))
                        values = [int(e.activating) if i or k else None for k, e in enumerate(some)]
                        raw = "So: " + json.dumps(values)
                        key = digest(settings.identity, "Question", messages)
                        records.append({"key": key, "values": values, "raw": raw, "why": None})
                        arms[arm] += values
            lines.append(line)
        change(records, lines)
        journal = tmp_path / "journal.jsonl"
        journal.write_text("".join(sorted(json.dumps(r) + "\n" for r in records)), "utf-8")
        require_said(journal, lines, LATENTS, SCORER)

    return build


def test_what_was_said_passes(said):
    said()


def questions(records):
    return [r for r in records if "values" in r]


def no_list(records, lines):
    """An answer that was no list, and was not read."""
    first = questions(records)[0]
    first["raw"], first["values"] = "I cannot tell.", [None] * len(first["values"])
    lines[0]["answers"]["detection"]["true"][: len(first["values"])] = first["values"]


def test_an_answer_that_was_not_read_passes(said):
    said(no_list)


def one_on(records, lines):
    values = lines[0]["answers"]["detection"]["true"]
    values.append(values.pop(0))


def other_record(records, lines):
    """Two answers are swapped under their keys."""
    a, b = [r for r in questions(records) if len(r["values"]) == 2][:2]
    a["values"], b["values"] = [1, 1], [0, 1]
    a["raw"], b["raw"] = "[1, 1]", "[0, 1]"


def null_as_no(records, lines):
    for record in questions(records):
        record["values"] = [v or 0 for v in record["values"]]


def closed_up(records, lines):
    for record in questions(records):
        record["values"] = [v for v in record["values"] if v is not None] + [None] * record["values"].count(None)


def made_up(records, lines):
    first = questions(records)[0]
    first["raw"] = "I cannot tell."


def unparsed(records, lines):
    records[0]["text"] = "Explanation could not be parsed."


def nobodys(records, lines):
    lines[0]["explanations"]["true"] = "what nobody said"


def one_key_for_both_kinds(records, lines):
    keys = [r["key"] for r in questions(records)]
    for record, key in zip(questions(records)[4:8], keys[:4], strict=True):
        record["key"] = key


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (one_on, "to a question about latent 0"),
        (other_record, "to a question about latent"),
        (null_as_no, "what was said"),
        (closed_up, "what was said"),
        (made_up, "what was said"),
        (unparsed, "what was said"),
        (nobodys, "that nobody gave"),
        (one_key_for_both_kinds, "a record of that question"),
    ],
)
def test_what_was_not_said_is_refused(said, change, words):
    with pytest.raises(Refusal, match=words):
        said(change)


def test_messages_that_do_not_show_the_marks_are_refused(said, monkeypatch):
    from mi.autointerp import delphi_engine

    monkeypatch.setattr(delphi_engine, "highlighted", lambda example: example.text)
    with pytest.raises(Refusal, match="without its windows"):
        said()

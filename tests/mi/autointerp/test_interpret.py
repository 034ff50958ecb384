"""From sampled windows to scores: what is asked, what is kept, and what a missing answer becomes."""

import asyncio
import json
from zlib import crc32

import numpy as np
import pytest

from mi.autointerp import interpret as module
from mi.autointerp.accounting import account
from mi.autointerp.examples import examples
from mi.autointerp.interpret import ANSWERS, JOURNAL, interpret
from mi.autointerp.latent_examples import read_index, read_latents
from mi.autointerp.registered import digest
from mi.autointerp.scorer import KINDS, Answers, Explanation
from mi.autointerp.unavailable import ScorerUnavailable
from mi.progress import SILENT
from mi.refusal import Refusal
from mi.unit_table import UnitTable

DRAWN = [0, 1, 2, 3, 4, 5]
LEXICAL = {"kind": "lexical"}
CHAT = {"kind": "chat", "model": "scripted"}


class Scripted:
    """Knows the truth, and answers by ``rule(question, example, truth)``; windows without an answer are None."""

    name, concurrency = "scripted", 4

    def __init__(self, folder, rule, unexplained=(), breaks_after=None):
        latents = list(read_latents(folder))
        self.truth = {(n.latent, e.id): e.activating for n in latents for e in n.test}
        self.rule, self.unexplained, self.left, self.asked = rule, set(unexplained), breaks_after, []

    async def explain(self, latent):
        if latent.latent in self.unexplained:
            return Explanation("", "hm", "no explanation in the answer")
        return Explanation(f"latent {latent.latent}")

    async def answer(self, question):
        await asyncio.sleep(0)
        if self.left == 0:
            raise ScorerUnavailable("a server that has gone", "a server", "Start it.")
        self.left = None if self.left is None else self.left - 1
        self.asked.append(question)
        values = [self.rule(question, e, self.truth[question.latent, e.id]) for e in question.examples]
        return Answers(tuple(values), "said", "some unread" if None in values else None)


@pytest.fixture
def sampled(planted, tmp_path):
    out = tmp_path / "examples"
    out.mkdir()
    sizes = {"n_explain": 10, "n_test": 20, "n_silent": 20, "min_examples": 20}
    about = {"subject": planted.subject, "drawn": DRAWN, "digest": digest(DRAWN)}
    examples(out, progress=SILENT, train=planted.train, test=planted.test, **about, **sizes)
    return out


@pytest.fixture
def ask(sampled, tmp_path, monkeypatch):
    """``ask(scorer)``: the table that a scripted scorer leaves."""

    def build(scorer=None, name="out", identity=CHAT, **settings):
        out = tmp_path / name
        out.mkdir(exist_ok=True)
        if scorer is not None:
            monkeypatch.setattr(module, "open_scorer", lambda *_: _open(scorer))
        interpret(out, progress=SILENT, examples=sampled, scorer=identity, **settings)
        return UnitTable.read(out)

    build.folder = tmp_path
    return build


class _open:
    def __init__(self, scorer):
        self.scorer = scorer

    def __enter__(self):
        return self.scorer

    def __exit__(self, *_):
        pass


def right(question, example, truth):
    return int(truth)


def own(question, example, truth):
    """Right with the latent's own explanation; without it, yes to everything."""
    return int(truth) if question.explanation == f"latent {question.latent}" else 1


def test_every_registered_latent_has_a_row_and_dead_ones_no_score(ask, sampled):
    table = ask(Scripted(sampled, right))
    index = read_index(sampled)
    assert table.units == tuple(f"planted {latent}" for latent in DRAWN)
    assert index["dead"] == [2]
    assert [u for u, d in zip(table.units, table.column("dead"), strict=True) if d] == ["planted 2"]
    scored = np.array([latent in index["scored"] for latent in DRAWN])
    assert np.array_equal(table.column("scored") == 1, scored)
    for name in ("detection", "fuzzing", "detection_random", "fuzzing_shuffled"):
        assert np.array_equal(table.column(name)[scored], np.ones(scored.sum()))
        assert np.isnan(table.column(name)[~scored]).all()
    assert table.facts["coverage"] == scored.sum() / len(DRAWN)


def test_both_wrong_explanations_come_with_every_scorer(ask, sampled):
    table = ask(Scripted(sampled, own))
    for kind in KINDS:
        assert np.nanmean(table.column(kind)) == 1.0
        assert np.nanmean(table.column(f"{kind}_shuffled")) == 0.5
        assert np.nanmean(table.column(f"{kind}_random")) == 0.5
    lines = [json.loads(line) for line in (ask.folder / "out" / ANSWERS).read_text().splitlines()]
    assert all(line["explanations"]["shuffled"] != line["explanations"]["true"] for line in lines)
    assert len({line["explanations"]["shuffled"] for line in lines}) == len(lines)


def test_a_tenth_of_the_answers_missing_moves_no_score(ask, sampled):
    def holes(question, example, truth):
        return None if crc32(f"{question.kind} {example.id}".encode()) % 10 == 0 else int(truth)

    table = ask(Scripted(sampled, holes))
    assert np.nanmax(abs(table.column("detection") - 1)) == 0
    assert np.nanmean(table.column("detection_nulls_wrong")) < 1
    read = table.facts["parse_rate"]["detection"]
    assert 0.8 < read < 1
    assert table.facts["missing"]["detection"] == round((1 - read) * table.facts["examples"]["detection"])
    for line in (ask.folder / "out" / ANSWERS).read_text().splitlines():
        kept = json.loads(line)
        told = account(kept["activating"], kept["answers"]["detection"]["true"])
        row = DRAWN.index(kept["latent"])
        assert table.column("detection_parse_rate")[row] == told.parse_rate


def test_a_latent_without_an_explanation_is_not_asked_about_and_counts_as_unread(ask, sampled):
    scorer = Scripted(sampled, right, unexplained=[0])
    table = ask(scorer)
    assert {q.latent for q in scorer.asked} == set(read_index(sampled)["scored"]) - {0}
    assert np.isnan(table.column("detection")[0])
    assert (table.column("detection_nulls_wrong")[0], table.column("detection_parse_rate")[0]) == (0.0, 0.0)
    assert table.facts["unexplained"] == {"0": "no explanation in the answer"}


def test_nothing_is_paid_twice_when_the_server_goes_away(ask, sampled):
    whole = Scripted(sampled, right)
    ask(whole, "whole")
    first, second = Scripted(sampled, right, breaks_after=20), Scripted(sampled, right)
    with pytest.raises(ScorerUnavailable):
        ask(first)
    table = ask(second)
    assert len(first.asked) == 20
    assert len(first.asked) + len(second.asked) == len(whole.asked)
    assert table.columns["detection"][0] == 1.0
    assert (ask.folder / "out" / JOURNAL).read_text().count("\n") >= len(whole.asked)


def test_other_windows_are_scored_with_the_same_explanations(ask, sampled):
    ask(Scripted(sampled, own), "first")
    again = Scripted(sampled, own, unexplained=DRAWN)  # it is not asked to explain
    table = ask(again, "second", explained=ask.folder / "first")
    assert np.nanmean(table.column("detection")) == 1.0


def test_lexical_scores_know_tokens_and_not_pairs(ask):
    table = ask(identity=LEXICAL)
    place = {unit: i for i, unit in enumerate(table.units)}
    assert table.column("detection")[place["planted 0"]] == 1.0
    assert table.column("fuzzing")[place["planted 0"]] == 1.0
    assert table.column("detection")[place["planted 1"]] < 0.95  # B fires after A only
    assert not (ask.folder / "out" / JOURNAL).exists()


@pytest.mark.parametrize(
    "damage",
    [
        lambda found: [a if a.kind == "fuzzing" else _with(a, values=a.values[1:] + a.values[:1]) for a in found],
        lambda found: [_with(a, values=tuple(v or 0 for v in a.values)) for a in found],
    ],
    ids=["answers one place on", "nulls as no"],
)
def test_a_table_that_the_kept_answers_do_not_confirm_is_refused(ask, sampled, monkeypatch, damage):
    kept = module._columns
    monkeypatch.setattr(module, "_columns", lambda found, index: kept(damage(found), index))

    def holes(question, example, truth):
        return None if truth and example.id.endswith("1") else int(truth)

    with pytest.raises(Refusal, match="from the kept answers"):
        ask(Scripted(sampled, holes))


def _with(asked, **changed):
    from dataclasses import replace

    return replace(asked, **changed)


@pytest.mark.parametrize(
    "said", ["[TRUE, FALSE]", '{"answers": "[1,0,1]"}', "[none,1,0]", "[1, 0, 1", "I would rather not."]
)
def test_an_answer_in_an_odd_format_is_missing_and_ends_nothing(ask, sampled, said, monkeypatch):
    """A second reading that is more lenient than the first one must not throw away what was paid for."""
    from mi.autointerp.answers import parse
    from mi.autointerp.chat_settings import ChatSettings

    settings = ChatSettings.of(CHAT)

    class Odd(Scripted):
        identity = settings.identity

        def sent(self, thing):
            return settings.messages(thing)

        async def explain(self, latent):
            text = "Tokens: the word nurse" if latent.latent == 0 else f"latent {latent.latent}"
            return Explanation(text, f"[EXPLANATION]: {text}")

        async def answer(self, question):
            if len(self.asked) == 5:
                self.asked.append(question)
                return parse(said, len(question.examples))
            given = await super().answer(question)
            return Answers(given.values, json.dumps(list(given.values)))

    table = ask(Odd(sampled, right))
    assert sum(table.facts["missing"].values()) == 5


def test_whatever_goes_wrong_what_was_paid_for_is_kept(ask, sampled, monkeypatch):
    monkeypatch.setattr(module, "write_cards", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError) as broken:
        ask(Scripted(sampled, right))
    assert broken.value.keeps_work
    assert (ask.folder / "out" / JOURNAL).exists()

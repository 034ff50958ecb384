"""The entry that the playground copies: a registration that loads, whatever text is in it."""

import json

import pytest
from ledgers import claim, every_state, gap, judge, write_run
from own_script import RECORDED, ROOT, own_script, records

from ledger.attempts import FIRST, Attempt
from ledger.history import History
from ledger.registry import load_report
from ledger.run import read_run


@pytest.fixture(scope="module")
def call(browser):
    with own_script(browser) as found:
        yield found


def entries(call, rows, asked):
    """The YAML of ``asked``: [(claim id, bound, level)]."""
    return call(
        "asked.map(([id, bound, level]) => newClaim(DATA.rows.find((r) => r.claim === id), bound, level))",
        DATA={"rows": rows},
        asked=asked,
    )


@pytest.mark.parametrize("path", RECORDED[-1:], ids=lambda p: p.stem[:17])
def test_every_recorded_claim_can_be_registered_anew(call, path, tmp_path):
    rows = records(read_run(path).rows)
    claims = {r["claim"]: r for r in rows if r.get("verdict")}
    assert len(claims) > 100
    moved = {name: (r["bound"] + 0.0123, "99" if k % 2 else "own") for k, (name, r) in enumerate(claims.items())}
    by_report = {}
    for name, text in zip(claims, entries(call, rows, [[n, *moved[n]] for n in claims]), strict=True):
        by_report.setdefault(claims[name]["report"], []).append(text)
    for report in (ROOT / "claims").glob("*.yaml"):
        added = "".join(by_report.get(report.stem, ()))
        (tmp_path / report.name).write_text(report.read_text("utf-8").rstrip("\n") + "\n" + added, "utf-8")
    cells = {}
    for report in by_report:
        for name, mine in load_report(tmp_path / f"{report}.yaml").claims.items():
            cells |= {(name, c.subject, json.dumps(dict(c.params), sort_keys=True)): c for c in mine}
    recorded = read_run(path).rows
    checked = 0
    for row in (r for r in recorded if r["claim"] in claims):
        known = {name for name, _, _ in cells}
        fresh = next(f"{row['claim']}-{k}" for k in range(2, 9) if f"{row['claim']}-{k}" in known)
        new = cells[fresh, row["subject"], json.dumps(row["params"], sort_keys=True)]
        bound, level = moved[row["claim"]]
        alpha = 0.005 if level == "99" else row["registered"]["alpha"]
        assert new.promise == {**row["registered"], "bound": bound, "alpha": alpha, "supersedes": row["claim"]}
        assert (new.expected, new.reported, new.replaces[0], new.tier) == (None, None, row["claim"], row["tier"])
        checked += 1
    assert checked > 300


HOSTILE = {
    "quotes": 'it\'s "quoted" \\ and \\n',
    "keys": "a: b # c - d, {e} [f] & *g !h | > % @ `",
    "injection": '"\n    above: -9\n  "evil',
    "document": "--- ... %YAML",
    "controls": "a\x00b\x07c\x7fd\x85e\tf",
    "separators": "one\u2028two\u2029three",
    "bidi": "\u202egpj.exe\u200b\ufeff",
    "astral": "\U0001f600 \U000e0041 \uffff",
    "surrogate": "half \ud800 a pair",
    "letters": "naïve 日本語 é",
    "bool": "no",
    "number": "1e-3",
    "null": "~",
    "python": "!!python/object:os.system x",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_stays_text(call, text, tmp_path):
    params = {
        "k": text,
        "no": "yes",
        "one": 1.0,
        "two": 1,
        "small": 1e-7,
        "big": 1e22,
        "on": True,
        "none": None,
        "tail": "x, two=2.0",
    }
    promised = claim(
        "old", statement=text, quantity=text, params=params, measured={"k": text}, n=60, rope=0.5, tier="smoke"
    )
    rows = json.loads(json.dumps(records([judge(promised, gap(0.1, params={"k": text})).row])))
    (entry,) = entries(call, rows, [["paper.old", 1e-7, "90"]])
    old = {
        "statement": "Old.",
        "quantity": "q",
        "unit": "u",
        "design": "paired",
        "above": 0,
        "subjects": {"organism": {}},
    }
    path = tmp_path / "paper.yaml"
    path.write_text(f"report: paper\nclaims:\n  old: {json.dumps(old)}\n{entry}", "utf-8")
    new = load_report(path).cells("paper.old-2")[0]
    clean = text.encode("utf-8", "replace").decode() if text == HOSTILE["surrogate"] else text
    if text == HOSTILE["surrogate"]:
        clean = text.replace("\ud800", "\ufffd")
    assert new.statement == " ".join(clean.split())
    assert new.quantity == clean
    assert {k: (type(v), v) for k, v in new.params.items()} == {
        k: (type(v), v) for k, v in {**params, "k": clean}.items()
    }
    assert (new.measured, new.n, new.rope, new.bound.value, new.alpha) == ({"k": clean}, 60, 0.5, 1e-7, 0.05)
    assert len(load_report(path).claims) == 2


def test_looks_count_on(call, tmp_path):
    old = judge(claim("gap"), gap(0.1))
    run = write_run(tmp_path / "runs", [old])
    (entry,) = entries(call, json.loads(json.dumps(records([old.row]))), [["paper.gap", 0.05, "own"]])
    path = tmp_path / "paper.yaml"
    was = {"statement": "s", "quantity": "q", "unit": "u", "design": "paired", "above": 0, "subjects": {"organism": {}}}
    path.write_text(f"report: paper\nclaims:\n  gap: {json.dumps(was)}\n{entry}", "utf-8")
    new = load_report(path).cells("paper.gap-2")[0]
    history = History([run])
    seen = history.attempt(new, old.row["data"])
    assert (seen.number, seen.replay, seen.seen_before[0]) == (1, False, "paper.gap")
    assert history.attempt(new, "other data") == Attempt(2, first_run=seen.first_run)
    assert history.attempt(claim("gap-2"), "other data") == FIRST


def test_a_conjunction_is_registered_with_all_its_cells(call):
    rows = json.loads(json.dumps(records([j.row for j in every_state()])))
    (entry,) = entries(call, rows, [["paper.every", 0.05, "own"]])
    assert '"cells": [{"params": {"k": 8}}, {"params": {"k": 16}}]' in entry
